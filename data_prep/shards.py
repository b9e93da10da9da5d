"""TFRecord shards: one `tf.train.Example` a sample, the same bytes for the same samples.

The only module of the preparation that needs TensorFlow.
"""

import errno
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.dataset_card import SHARD_SUFFIX, DatasetCard, how_to_remake, sha256
from data_prep.errors import DatasetError
from data_prep.protocol import MAX_STEPS, policy_numbers
from data_prep.quasi_video import DEPTH, NUM_CHANNELS, first_planes, pack
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.records import FloatArray, Sample

if TYPE_CHECKING:
    import tensorflow as tf

logger = logging.getLogger(__name__)

SAMPLES_PER_SHARD = 2048
PARSED_AT_ONCE = 128  # one call of the parser for so many; more are not faster
READ_BUFFER_BYTES = 4 << 20


class Feature(NamedTuple):
    """How a feature is stored: kind of its values, and their shape (empty for one value)."""

    kind: str
    shape: tuple[int, ...] = ()


# Every feature of an Example, and how it is stored. Encoding and decoding both follow this table.
FEATURES: dict[str, Feature] = {
    # float32, little endian, (channel, depth, height, width), in physical units
    "quasi_video": Feature("bytes"),
    "eol": Feature("int64"),
    "ecl": Feature("int64"),
    "cell_id": Feature("bytes"),
    "charge_policy": Feature("bytes"),  # empty where unknown
    "policy_steps": Feature("float", (MAX_STEPS, 2)),  # rate in C, SOC at end; zero where unknown
}


def write_shards(
    directory: Path,
    split: str,
    samples: Iterable[Sample],
    num_samples: int,
    height: int,
    width: int,
) -> list[dict[str, Any]]:
    """Writes the samples of one split, one in memory at a time.

    Args:
        directory: Is there.
        split: Name of the split, in the names of the files.
        samples: In the order in which they are to lie in the shards.
        num_samples: How many they are; it decides how many shards there will be.
        height: Rows of a frame.
        width: Columns of a frame.

    Returns:
        Name, number of samples and SHA-256 of each shard, as the card keeps them.
    """
    tf = import_tensorflow()

    num_shards = max(-(-num_samples // SAMPLES_PER_SHARD), 1)
    remaining = iter(samples)
    entries = []
    for shard, indices in enumerate(np.array_split(np.arange(num_samples), num_shards)):
        path = directory / f"{split}-{shard:05d}-of-{num_shards:05d}{SHARD_SUFFIX}"
        records = (encode(sample, height, width) for sample in islice(remaining, len(indices)))
        try:
            with tf.io.TFRecordWriter(str(path)) as writer:
                for record in records:
                    writer.write(record)
        except tf.errors.OpError as error:
            reason = error.message.rsplit(";", 1)[-1].strip()
            raise DatasetError(
                f"{path.name} cannot be written ({reason}). Make room, or choose another --output."
            ) from error
        entries.append({"name": path.name, "samples": len(indices), "sha256": sha256(path)})
    return entries


class ShardWriter:
    """One shard that takes sample after sample; its faults are those of the disk.

    Args:
        path: Of the file, overwritten.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: Path) -> None:
        tf = import_tensorflow()

        self._path = path
        with _faults_of_disk(path):
            self._writer = tf.io.TFRecordWriter(str(path))

    def write(self, sample: Sample, height: int, width: int) -> None:
        """Adds a sample.

        Raises:
            OSError: The disk does not take it.
        """
        with _faults_of_disk(self._path):
            self._writer.write(encode(sample, height, width))

    def close(self) -> None:
        """Completes the file.

        Raises:
            OSError: The disk does not take what is left.
        """
        with _faults_of_disk(self._path):
            self._writer.close()


@contextmanager
def _faults_of_disk(path: Path) -> Iterator[None]:
    """TensorFlow's errors of files as Python's."""
    tf = import_tensorflow()

    try:
        yield
    except tf.errors.OpError as error:
        full = isinstance(error, tf.errors.ResourceExhaustedError)
        reason = error.message.rsplit(";", 1)[-1].strip()
        raise OSError(errno.ENOSPC if full else errno.EIO, reason, str(path)) from error


def encode(sample: Sample, height: int, width: int) -> bytes:
    """A sample as the bytes of a `tf.train.Example`."""
    tf = import_tensorflow()

    steps = sample.policy_steps
    values: dict[str, Any] = {
        "quasi_video": [pack(sample.curves, height, width).astype("<f4").tobytes()],
        "eol": [sample.condition.eol],
        "ecl": [sample.condition.ecl],
        "cell_id": [sample.cell_id.encode()],
        "charge_policy": [sample.charge_policy.encode()],
        "policy_steps": np.ravel(policy_numbers("") if steps is None else steps),
    }
    lists = {
        "bytes": lambda value: tf.train.Feature(bytes_list=tf.train.BytesList(value=value)),
        "int64": lambda value: tf.train.Feature(int64_list=tf.train.Int64List(value=value)),
        "float": lambda value: tf.train.Feature(float_list=tf.train.FloatList(value=value)),
    }
    features = {name: lists[feature.kind](values[name]) for name, feature in FEATURES.items()}
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))


def decode(records: Any, height: int, width: int) -> dict[str, Any]:
    """A batch of serialised Examples as tensors by name of feature.

    Args:
        records: String tensor, shape `(batch,)`.
        height: Rows of a frame.
        width: Columns of a frame.

    Returns:
        `quasi_video` of shape `(batch, NUM_CHANNELS, DEPTH, height, width)`, float32; the others
        of shape `(batch,)`, `policy_steps` of `(batch, MAX_STEPS, 2)`.
    """
    tf = import_tensorflow()

    types = {"bytes": tf.string, "int64": tf.int64, "float": tf.float32}
    spec = {
        name: tf.io.FixedLenFeature(feature.shape, types[feature.kind])
        for name, feature in FEATURES.items()
    }
    features = tf.io.parse_example(records, spec)
    flat = tf.io.decode_raw(features["quasi_video"], tf.float32)
    # With the batch size stated, frames of another grid are an error and not a larger batch.
    shape = (tf.shape(records)[0], NUM_CHANNELS, DEPTH, height, width)
    return {**features, "quasi_video": tf.reshape(flat, shape)}


def labels_of(records: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    """`cell_id`, `eol` and `ecl` of serialised Examples, each of shape `(records,)`.

    Raises:
        DatasetError: They are no Examples of ours.
    """
    tf = import_tensorflow()

    types = {"cell_id": tf.string, "eol": tf.int64, "ecl": tf.int64}
    spec = {name: tf.io.FixedLenFeature((), kind) for name, kind in types.items()}
    try:
        features = tf.io.parse_example(tf.constant(records), spec)
    except tf.errors.OpError as error:
        raise DatasetError("a record is not one of this project") from error
    return {name: value.numpy() for name, value in features.items()}


def curves_of(records: Sequence[bytes], height: int, width: int) -> FloatArray:
    """The series of serialised Examples, shape `(records, len(SIGNALS), height * width)`.

    Raises:
        DatasetError: They are no frames of this size.
    """
    tf = import_tensorflow()

    try:
        quasi_video = decode(tf.constant(records), height, width)["quasi_video"].numpy()
    except tf.errors.OpError as error:
        raise DatasetError(f"a record holds no frames of {height} x {width}") from error
    return first_planes(quasi_video)


def read_split(directory: Path, card: DatasetCard, split: str) -> dict[str, FloatArray]:
    """All samples of a split as arrays by name of feature.

    Raises:
        DatasetError: A shard is missing, damaged, or holds another number of samples.
    """
    tf = import_tensorflow()

    parts = []
    try:
        for part in stream_split(directory, card, split):
            parts.append({name: value.numpy() for name, value in part.items()})
    except tf.errors.OpError as error:
        raise DatasetError(
            f"{directory}: a shard of the {split} split is damaged, or its records are not frames "
            f"of {card.height} x {card.width} as the card says. {how_to_remake(directory)}"
        ) from error
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in FEATURES}
    if len(arrays["eol"]) != card.num_samples(split):
        raise DatasetError(
            f"{directory}: the shards of the {split} split hold {len(arrays['eol'])} samples, the "
            f"card says {card.num_samples(split)}. {how_to_remake(directory)}"
        )
    return arrays


def stream_split(directory: Path, card: DatasetCard, split: str) -> "tf.data.Dataset":
    """The samples of a split from the disk, in order, decoded `PARSED_AT_ONCE` at a time.

    Args:
        directory: Of the data set.
        card: Its card.
        split: Name of the split.

    Returns:
        Batches as `decode` gives them.

    Raises:
        DatasetError: A shard is missing, or is not the one that the card describes.
    """
    tf = import_tensorflow()

    check_present(directory, card)
    for entry in card.shards[split]:
        _check_content(directory, entry)
    paths = [str(directory / entry["name"]) for entry in card.shards[split]]
    records = tf.data.TFRecordDataset(paths, buffer_size=READ_BUFFER_BYTES)
    return records.batch(PARSED_AT_ONCE).map(
        lambda batch: decode(batch, card.height, card.width),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )


def check_present(directory: Path, card: DatasetCard) -> None:
    """Looks for every shard of a card, without reading them.

    Raises:
        DatasetError: One is missing.
    """
    for entry in [entry for entries in card.shards.values() for entry in entries]:
        if not (directory / entry["name"]).is_file():
            raise DatasetError(
                f"{directory / entry['name']}: the shard is missing, the card lists it. "
                f"{how_to_remake(directory)}"
            )


def _check_content(directory: Path, entry: dict[str, Any]) -> None:
    path = directory / entry["name"]
    if sha256(path) != entry["sha256"]:
        raise DatasetError(
            f"{path}: the shard is damaged, or of another data set: its SHA-256 is not that of "
            f"the card. {how_to_remake(directory)}"
        )
