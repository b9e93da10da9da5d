import hashlib
import json

import pytest

from data_prep.dataset_card import CARD_NAME, DatasetCard, describe_files, read_card, sha256
from data_prep.errors import DatasetError
from data_prep.scaling import SignalStatistics


@pytest.fixture
def card():
    return DatasetCard(
        source={"name": "bdf", "files": []},
        preparation={"cycles": 100, "exclude": ["c9"]},
        height=2,
        width=3,
        signals_present=("voltage_v",),
        cells={"c0": {"eol_cycles": 741, "max_voltage_v": None, "charge_policy": "4C · neu"}},
        shards={
            "train": [{"name": "a", "samples": 5}, {"name": "b", "samples": 4}],
            "validation": [],
            "test": [],
        },
        statistics={"voltage_v": SignalStatistics(3.0, 3.6, 3.3, 0.1, (3.0, 3.2, 3.3) * 2)},
        cleaning={"cycles_read": 9},
    )


def damage(directory, **replaced):
    """Rewrites parts of a card; None takes a part out."""
    path = directory / CARD_NAME
    values = json.loads(path.read_text(encoding="utf-8")) | replaced
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


def test_a_card_survives_writing_and_reading(tmp_path, card):
    card.write(tmp_path)
    assert read_card(tmp_path) == card


def test_two_writes_give_equal_bytes(tmp_path, card):
    card.write(tmp_path)
    first = (tmp_path / CARD_NAME).read_bytes()
    read_card(tmp_path).write(tmp_path)
    assert (tmp_path / CARD_NAME).read_bytes() == first


def test_counts(card):
    assert (card.num_points, card.num_samples("train"), card.num_samples("test")) == (6, 9, 0)


def test_no_card_there(tmp_path):
    with pytest.raises(DatasetError, match=rf"{tmp_path}: holds no data set \({CARD_NAME}"):
        read_card(tmp_path)


def test_no_folder_there(tmp_path):
    with pytest.raises(DatasetError, match="gone: holds no data set"):
        read_card(tmp_path / "gone")


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="file/dataset_card.json: not a readable card"):
        read_card(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b'{"height": 2, ', b"\xff\xfe{}", b"{'height': 2}"])
def test_damaged_json(tmp_path, content):
    (tmp_path / CARD_NAME).write_bytes(content)
    with pytest.raises(DatasetError, match=f"{CARD_NAME}: not a readable card: .*--overwrite"):
        read_card(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "null", "{}"])
def test_json_that_is_no_card(tmp_path, content):
    (tmp_path / CARD_NAME).write_text(content)
    with pytest.raises(DatasetError, match="format version None, expected 2"):
        read_card(tmp_path)


@pytest.mark.parametrize("version", [0, 1, "2"])
def test_another_format_version(tmp_path, card, version):
    card.write(tmp_path)
    damage(tmp_path, format_version=version)
    with pytest.raises(DatasetError, match=f"format version {version!r}, expected 2"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("replaced", "named"),
    [
        ({"statistics": None}, "statistics"),
        ({"signals_present": None}, "signals_present"),
        ({"shards": None}, "shards"),
        ({"statistics": {"voltage_v": {"minimum": 3.0}}}, "mean_curve"),
        ({"statistics": [3.0]}, "items"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_card_with_another_set_of_parts(tmp_path, card, replaced, named):
    card.write(tmp_path)
    damage(tmp_path, **replaced)
    with pytest.raises(DatasetError, match=f"a part is missing or of another kind: .*{named}"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("replaced", "named"),
    [
        ({"height": "2"}, "the grid is '2' x 3"),
        ({"width": 0}, "the grid is 2 x 0"),
        ({"width": 4}, "has not 8 points"),
        ({"signals_present": ["voltage"]}, "signals_present is"),
        ({"shards": {"train": []}}, "validation"),
        ({"shards": {"train": [{"name": "../a", "samples": 1}]}}, "'../a'"),
        ({"shards": {"train": [{"name": "a", "samples": "1"}]}}, "'a', '1'"),
        ({"shards": {"train": 3}}, "iterable"),
    ],
)
def test_a_card_that_contradicts_itself(tmp_path, card, replaced, named):
    card.write(tmp_path)
    damage(tmp_path, **replaced)
    with pytest.raises(DatasetError, match="not a sound card: .*--overwrite") as caught:
        read_card(tmp_path)
    assert named in str(caught.value)


def test_numbers_that_json_does_not_have_are_refused(tmp_path, card):
    card.cells["c0"]["nominal_capacity_ah"] = float("nan")
    with pytest.raises(ValueError, match="Out of range float values"):
        card.write(tmp_path)


def test_files_are_described_in_order(tmp_path):
    for name, content in (("b.mat", b"12345"), ("a.mat", b"")):
        (tmp_path / name).write_bytes(content)
    # The digest of nothing is known by heart.
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    described = describe_files([tmp_path / "b.mat", tmp_path / "a.mat"])
    assert [(entry["name"], entry["bytes"]) for entry in described] == [("b.mat", 5), ("a.mat", 0)]
    assert described[0]["sha256"] == hashlib.sha256(b"12345").hexdigest()
    assert described[1]["sha256"] == sha256(tmp_path / "a.mat") == nothing
