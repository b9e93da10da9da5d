"""TFRecord shards: one `tf.train.Example` a sample, the same bytes for the same samples.

The only module of the preparation that needs TensorFlow.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.dataset_card import DatasetCard, sha256
from data_prep.errors import DatasetError
from data_prep.quasi_video import DEPTH, NUM_CHANNELS, pack
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.records import FloatArray, Sample

logger = logging.getLogger(__name__)

SAMPLES_PER_SHARD = 2048
# Every feature of an Example, and how it is stored. Encoding and decoding both follow this table.
FEATURES = {
    "quasi_video": "bytes",  # float32, little endian, (channel, depth, height, width), in units
    "eol": "int64",
    "ecl": "int64",
    "cell_id": "bytes",
    "charge_policy": "bytes",  # empty where unknown
}


def write_shards(
    directory: Path, split: str, samples: Sequence[Sample], height: int, width: int
) -> list[dict[str, Any]]:
    """Writes the samples of one split.

    Returns:
        Name, number of samples and SHA-256 of each shard, as the card keeps them.
    """
    tf = import_tensorflow()

    num_shards = max(-(-len(samples) // SAMPLES_PER_SHARD), 1)
    entries = []
    for shard, indices in enumerate(np.array_split(np.arange(len(samples)), num_shards)):
        path = directory / f"{split}-{shard:05d}-of-{num_shards:05d}.tfrecord"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for index in indices:
                writer.write(encode(samples[index], height, width))
        entries.append({"name": path.name, "samples": len(indices), "sha256": sha256(path)})
    return entries


def encode(sample: Sample, height: int, width: int) -> bytes:
    """A sample as the bytes of a `tf.train.Example`."""
    tf = import_tensorflow()

    quasi_video = pack(sample.curves, height, width).astype("<f4")
    values = {
        "quasi_video": quasi_video.tobytes(),
        "eol": sample.condition.eol,
        "ecl": sample.condition.ecl,
        "cell_id": sample.cell_id.encode(),
        "charge_policy": sample.charge_policy.encode(),
    }
    features = {}
    for name, kind in FEATURES.items():
        if kind == "bytes":
            features[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[values[name]]))
        else:
            features[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[values[name]]))
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
        of shape `(batch,)`.
    """
    tf = import_tensorflow()

    types = {"bytes": tf.string, "int64": tf.int64}
    spec = {name: tf.io.FixedLenFeature([], types[kind]) for name, kind in FEATURES.items()}
    features = tf.io.parse_example(records, spec)
    flat = tf.io.decode_raw(features["quasi_video"], tf.float32)
    # With the batch size stated, frames of another grid are an error and not a larger batch.
    shape = (tf.shape(records)[0], NUM_CHANNELS, DEPTH, height, width)
    return {**features, "quasi_video": tf.reshape(flat, shape)}


def read_split(directory: Path, card: DatasetCard, split: str) -> dict[str, FloatArray]:
    """All samples of a split as arrays by name of feature.

    Raises:
        DatasetError: A shard is missing, damaged, or holds another number of samples.
    """
    parts = [_read_shard(directory, card, entry) for entry in card.shards[split]]
    return {name: np.concatenate([part[name] for part in parts]) for name in FEATURES}


def _read_shard(directory: Path, card: DatasetCard, entry: dict[str, Any]) -> dict[str, FloatArray]:
    tf = import_tensorflow()

    path = directory / entry["name"]
    remake = "Make the data set anew with `python -m data_prep --overwrite`."
    if not path.is_file():
        raise DatasetError(f"{path}: the shard is missing, the card lists it. {remake}")
    if sha256(path) != entry["sha256"]:
        raise DatasetError(
            f"{path}: the shard is damaged, or of another data set: its SHA-256 is not that of "
            f"the card. {remake}"
        )
    try:
        records = list(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
        features = decode(tf.constant(records, tf.string), card.height, card.width)
    except tf.errors.OpError as error:
        first_line = str(error.message).split("\n")[0][:120]
        raise DatasetError(f"{path}: the shard is damaged ({first_line}). {remake}") from error
    if len(records) != entry["samples"]:
        raise DatasetError(
            f"{path}: holds {len(records)} samples, the card says {entry['samples']}. {remake}"
        )
    return {name: value.numpy() for name, value in features.items()}
