import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep import shards
from data_prep.dataset_card import DatasetCard
from data_prep.errors import DatasetError
from data_prep.quasi_video import unpack
from data_prep.records import SIGNALS
from data_prep.shards import decode, encode, read_split, write_shards
from tests.builders import a_sample

tf = pytest.importorskip("tensorflow")

SAMPLES = [
    a_sample(value=0.5, eol=741, ecl=1, cell_id="b1c0", charge_policy="5.4C(40%)-3.6C"),
    a_sample(value=-2.0, eol=741, ecl=2, cell_id="b1c0", charge_policy="5.4C(40%)-3.6C"),
    a_sample(value=7.0, eol=10**6, ecl=3, cell_id="Zelle-ö", charge_policy=""),
]


def card_of(entries, height=2, width=2):
    return DatasetCard(
        source={},
        preparation={},
        height=height,
        width=width,
        signals_present=SIGNALS,
        cells={},
        shards={"train": entries},
        statistics={},
        cleaning={},
    )


@pytest.fixture
def written(tmp_path):
    return card_of(write_shards(tmp_path, "train", SAMPLES, len(SAMPLES), 2, 2))


@pytest.fixture
def shard(tmp_path, written):
    return tmp_path / written.shards["train"][0]["name"]


def test_every_feature_survives_encoding_and_decoding():
    records = [encode(sample, 2, 2) for sample in SAMPLES]
    decoded = {k: v.numpy() for k, v in decode(tf.constant(records), 2, 2).items()}
    assert set(decoded) == set(shards.FEATURES)
    assert decoded["quasi_video"].shape == (3, 3, 3, 2, 2)
    assert decoded["quasi_video"].dtype == np.float32
    for index, sample in enumerate(SAMPLES):
        assert_array_equal(unpack(decoded["quasi_video"][index]), sample.curves)
        assert decoded["eol"][index] == sample.condition.eol
        assert decoded["ecl"][index] == sample.condition.ecl
        assert decoded["cell_id"][index].decode() == sample.cell_id
        assert decoded["charge_policy"][index].decode() == sample.charge_policy


def test_values_are_kept_in_physical_units():
    # Signals 0, 10, 20 in depth 0; 30 and 40 grey; plus 0.5.
    video = decode(tf.constant([encode(SAMPLES[0], 2, 2)]), 2, 2)["quasi_video"].numpy()[0]
    assert video[:, 0, 0, 0].tolist() == [0.5, 10.5, 20.5]
    assert video[:, 1, 1, 1].tolist() == [30.5] * 3
    assert video[:, 2, 0, 1].tolist() == [40.5] * 3


def test_floats_are_stored_little_endian():
    example = tf.train.Example.FromString(encode(SAMPLES[0], 2, 2))
    raw = example.features.feature["quasi_video"].bytes_list.value[0]
    assert len(raw) == 3 * 3 * 2 * 2 * 4
    assert raw[:4] == b"\x00\x00\x00\x3f"  # 0.5


def test_a_decoded_shape_is_known_but_for_the_batch():
    records = tf.data.Dataset.from_tensors(encode(SAMPLES[0], 2, 2)).batch(2)
    spec = records.map(lambda batch: decode(batch, 2, 2)).element_spec
    assert spec["quasi_video"].shape.as_list() == [None, 3, 3, 2, 2]


def test_a_written_split_is_read_in_order(tmp_path, written, shard):
    assert shard.name == "train-00000-of-00001.tfrecord"
    arrays = read_split(tmp_path, written, "train")
    assert arrays["ecl"].tolist() == [1, 2, 3]
    assert arrays["eol"].tolist() == [741, 741, 10**6]
    assert_array_equal(arrays["quasi_video"][2, 0, 0], np.full((2, 2), 7.0))


def test_two_writes_give_equal_bytes(tmp_path):
    entries = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        entries.append(write_shards(tmp_path / name, "train", SAMPLES, len(SAMPLES), 2, 2))
    assert entries[0] == entries[1]
    assert entries[0][0]["sha256"]


def test_features_are_written_in_the_order_of_their_names():
    # Without it their order is that of a hash table, which may differ from run to run.
    raw = encode(SAMPLES[0], 2, 2)
    assert sorted(shards.FEATURES) == sorted(
        shards.FEATURES, key=lambda name: raw.index(name.encode())
    )


def test_samples_are_spread_evenly_over_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SAMPLES_PER_SHARD", 3)
    samples = [a_sample(ecl=k) for k in range(1, 8)]
    entries = write_shards(tmp_path, "test", samples, len(samples), 2, 2)
    # 7 samples need 3 shards: 3 + 2 + 2.
    assert [entry["samples"] for entry in entries] == [3, 2, 2]
    assert entries[2]["name"] == "test-00002-of-00003.tfrecord"
    card = dataclasses.replace(card_of([]), shards={"test": entries})
    assert read_split(tmp_path, card, "test")["ecl"].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_a_missing_shard(tmp_path, written, shard):
    shard.unlink()
    with pytest.raises(DatasetError, match=f"{shard.name}: the shard is missing.*--overwrite"):
        read_split(tmp_path, written, "train")


@pytest.mark.parametrize("position", [4, 60, -2], ids=["length", "content", "checksum"])
def test_a_corrupted_byte(tmp_path, written, shard, position):
    content = bytearray(shard.read_bytes())
    content[position] ^= 0xFF
    shard.write_bytes(content)
    with pytest.raises(DatasetError, match=f"{shard.name}: the shard is damaged.*--overwrite"):
        read_split(tmp_path, written, "train")


def test_a_shard_that_was_cut_off(tmp_path, written, shard):
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(DatasetError, match=f"{shard.name}: the shard is damaged"):
        read_split(tmp_path, written, "train")


def test_an_empty_shard(tmp_path, written, shard):
    shard.write_bytes(b"")
    with pytest.raises(DatasetError, match=f"{shard.name}: the shard is damaged, .* SHA-256"):
        read_split(tmp_path, written, "train")


def test_another_number_of_samples_than_the_card_says(tmp_path, written, shard):
    written.shards["train"][0]["samples"] = 4
    with pytest.raises(DatasetError, match="the train split hold 3 samples, the card says 4"):
        read_split(tmp_path, written, "train")


@pytest.mark.parametrize(("height", "width"), [(1, 2), (4, 4), (3, 3)])
def test_frames_of_another_size_than_the_card_says(tmp_path, written, shard, height, width):
    card = card_of(written.shards["train"], height, width)
    with pytest.raises(DatasetError, match=f"are not frames of {height} x {width} as the card"):
        read_split(tmp_path, card, "train")


def test_records_of_another_kind(tmp_path, written, shard):
    with tf.io.TFRecordWriter(str(shard)) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(DatasetError, match=f"{shard.name}: the shard is damaged"):
        read_split(tmp_path, written, "train")


def test_series_that_do_not_fill_the_frames():
    with pytest.raises(ValueError, match="cannot reshape array of size 36"):
        encode(a_sample(points=4), 2, 3)
