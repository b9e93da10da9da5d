"""The way in: the splits of a prepared data set, as arrays and as batches."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_prep.dataset_card import DatasetCard, read_card
from data_prep.records import MOST_CYCLES, Condition, FloatArray
from data_prep.shards import check_present, read_split, stream_split
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.physical import Curves, named_curves

if TYPE_CHECKING:
    import tensorflow as tf

NUM_NEIGHBOURS = 4


@dataclass(frozen=True)
class SplitData:
    """The samples of one split, in memory.

    Args:
        quasi_video: Shape `(samples, channel, depth, height, width)`, physical units.
        labels: EOL and ECL, shape `(samples, 2)`.
        cell_ids: Shape `(samples,)`.
        policy_steps: Charge policies as rates and states of charge, shape
            `(samples, MAX_STEPS, 2)`; all zero where unknown (`data_prep.protocol`).
        signals_present: Names of the signals that were measured.
    """

    quasi_video: FloatArray
    labels: NDArray[np.int64]
    cell_ids: NDArray[np.str_]
    policy_steps: FloatArray
    signals_present: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def conditions(self) -> list[Condition]:
        """The condition of every sample."""
        return [Condition(int(eol), int(ecl)) for eol, ecl in self.labels]

    @cached_property
    def curves(self) -> Curves:
        """Named series, each of shape `(samples, points)`."""
        return named_curves(self.quasi_video, self.signals_present)


@dataclass(frozen=True)
class Dataset:
    """A prepared data set; splits are read when they are asked for."""

    directory: Path
    card: DatasetCard

    @cached_property
    def train(self) -> SplitData:
        """The training split."""
        return self._split("train")

    def known(self, merged: bool) -> SplitData:
        """What a model was trained on: the training split, or that and the validation split."""
        return merge(self.train, self.validation) if merged else self.train

    @cached_property
    def validation(self) -> SplitData:
        """The validation split."""
        return self._split("validation")

    @cached_property
    def test(self) -> SplitData:
        """The test split."""
        return self._split("test")

    def _split(self, name: str) -> SplitData:
        arrays = read_split(self.directory, self.card, name)
        return SplitData(
            quasi_video=arrays["quasi_video"],
            labels=np.stack([arrays["eol"], arrays["ecl"]], axis=1),
            cell_ids=np.char.decode(arrays["cell_id"].astype(np.bytes_)),
            policy_steps=arrays["policy_steps"],
            signals_present=self.card.signals_present,
        )


def open_dataset(directory: Path) -> Dataset:
    """A data set by its folder.

    Raises:
        DatasetError: No data set there, one of another format version, or not all of its shards.
    """
    card = read_card(directory)
    check_present(directory, card)
    return Dataset(directory, card)


def merge(first: SplitData, second: SplitData) -> SplitData:
    """Two splits as one."""
    return SplitData(
        quasi_video=np.concatenate([first.quasi_video, second.quasi_video]),
        labels=np.concatenate([first.labels, second.labels]),
        cell_ids=np.concatenate([first.cell_ids, second.cell_ids]),
        policy_steps=np.concatenate([first.policy_steps, second.policy_steps]),
        signals_present=first.signals_present,
    )


def model_inputs(data: SplitData, vocabulary: Vocabulary) -> dict[str, NDArray]:
    """What the model takes, by name; an unknown label is replaced by the nearest known one."""
    index, _ = vocabulary.nearest(data.labels)
    return {
        "x": data.quasi_video,
        "condition_index": index.astype(np.int32),
        "condition": data.labels.astype(np.float32),
        "policy_steps": data.policy_steps.astype(np.float32),
    }


def array_samples(data: SplitData, vocabulary: Vocabulary) -> "tf.data.Dataset":
    """The samples of arrays in memory one by one, as the model takes them."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(model_inputs(data, vocabulary))


def shard_samples(
    dataset: Dataset, splits: Sequence[str], vocabulary: Vocabulary
) -> "tf.data.Dataset":
    """The samples of splits one by one from the shards, as the model takes them.

    Read and decoded once; from the second pass on they come from memory.

    Raises:
        DatasetError: A shard is missing, or is not the one that the card describes.
    """
    import tensorflow as tf

    parts = [stream_split(dataset.directory, dataset.card, split) for split in splits]
    features = functools.reduce(lambda first, second: first.concatenate(second), parts)
    index_of = _index_table(vocabulary)

    def model_input(batch: dict[str, Any]) -> dict[str, Any]:
        labels = tf.stack([batch["eol"], batch["ecl"]], axis=1)
        return {
            "x": batch["quasi_video"],
            "condition_index": index_of.lookup(_label_key(*tf.unstack(labels, axis=1))),
            "condition": tf.cast(labels, tf.float32),
            "policy_steps": batch["policy_steps"],
        }

    num_samples = sum(dataset.card.num_samples(split) for split in splits)
    samples = features.map(model_input, num_parallel_calls=tf.data.AUTOTUNE).unbatch()
    return samples.apply(tf.data.experimental.assert_cardinality(num_samples)).cache()


def _index_table(vocabulary: Vocabulary) -> Any:
    """Label to index within the graph; -1 for a label that is not known."""
    import tensorflow as tf

    keys = tf.constant(_label_key(*vocabulary.labels.T), tf.int64)
    indices = tf.range(len(vocabulary), dtype=tf.int32)
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, indices), -1)


def _label_key(eol: Any, ecl: Any) -> Any:
    """One whole number for a label."""
    return eol * (MOST_CYCLES + 1) + ecl


def validation_batches(
    data: SplitData, vocabulary: Vocabulary, batch_size: int
) -> "tf.data.Dataset":
    """Batches in order, the last one smaller."""
    import tensorflow as tf

    batches = array_samples(data, vocabulary).batch(batch_size)
    return batches.cache().prefetch(tf.data.AUTOTUNE)


def training_batches(
    samples: "tf.data.Dataset",
    num_samples: int,
    vocabulary: Vocabulary,
    batch_size: int,
    neighbour_share: float,
    seed: int,
) -> "tf.data.Dataset":
    """Shuffled batches of one size; what is left over waits for the next shuffle.

    Args:
        samples: From `shard_samples` or `array_samples`.
        num_samples: How many they are.
        vocabulary: Of these samples.
        batch_size: At most the number of samples is used.
        neighbour_share: Share of samples whose label is replaced by one of its nearest.
        seed: Of the shuffle and of the replacement.
    """
    import tensorflow as tf

    batch_size = min(batch_size, num_samples)
    samples = samples.shuffle(num_samples, seed=seed, reshuffle_each_iteration=True)
    batches = samples.batch(batch_size, drop_remainder=True)
    neighbours = vocabulary.neighbours(NUM_NEIGHBOURS)
    if neighbour_share and neighbours.shape[1]:
        batches = batches.map(_label_replacement(neighbours, neighbour_share, seed))
    return batches.prefetch(tf.data.AUTOTUNE)


def _label_replacement(neighbours: NDArray, share: float, seed: int) -> Any:
    """Replaces labels by neighbouring ones, so that rows of the embedding learn from each other.

    At inference an unknown label takes the row of its nearest known one: trained like this, that
    row has seen its neighbours' curves, not one alone.
    """
    import tensorflow as tf

    table = tf.constant(neighbours, tf.int32)

    def replace(batch: dict[str, Any]) -> dict[str, Any]:
        index = batch["condition_index"]
        rank = tf.random.uniform(tf.shape(index), 0, table.shape[1], tf.int32, seed=seed)
        chosen = tf.gather_nd(table, tf.stack([index, rank], axis=1))
        replaced = tf.random.uniform(tf.shape(index), seed=seed + 1) < share
        return {**batch, "condition_index": tf.where(replaced, chosen, index)}

    return replace
