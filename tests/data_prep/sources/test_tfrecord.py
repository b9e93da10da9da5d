import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.config import PrepConfig
from data_prep.dataset_card import read_card
from data_prep.errors import SourceError
from data_prep.pipeline import prepare
from data_prep.records import PREPARED, DroppedCell
from data_prep.shards import read_split
from data_prep.sources.base import SourceOptions
from data_prep.sources.detection import detect
from data_prep.sources.tfrecord import reader
from data_prep.splitting import SPLITS
from tests.builders import read_cells


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """The demo on a small grid, split by sample."""
    folder = tmp_path_factory.mktemp("prepared") / "demo"
    prepare(PrepConfig(source="demo", output=str(folder), cycles=3, height=4, width=5, jobs=1))
    return folder


@pytest.fixture
def copied(prepared, tmp_path):
    """A data set to be damaged."""
    for path in prepared.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def samples_of(folder):
    """Frames by cell and cycle, of all splits."""
    card = read_card(folder)
    splits = [read_split(folder, card, split) for split in SPLITS]
    return {
        (cell_id, eol, ecl): frames
        for arrays in splits
        for cell_id, eol, ecl, frames in zip(
            *(arrays[name] for name in ("cell_id", "eol", "ecl", "quasi_video")), strict=True
        )
    }


def test_a_data_set_split_anew_has_the_same_charges_to_the_last_bit(prepared, tmp_path):
    config = PrepConfig(
        source="auto",
        input=str(prepared),
        output=str(tmp_path / "anew"),
        split="cell",
        height=4,
        width=5,
        jobs=1,
    )
    card = prepare(config)
    before, after = samples_of(prepared), samples_of(tmp_path / "anew")
    assert len(before) == 36
    assert before.keys() == after.keys()
    for key, frames in before.items():
        assert_array_equal(after[key], frames)
    assert card.source["name"] == "tfrecord"
    old = read_card(prepared).cells
    assert {name: {**cell, "eol_source": ""} for name, cell in card.cells.items()} == {
        name: {**cell, "eol_source": ""} for name, cell in old.items()
    }
    assert not any(cell["synthetic"] for cell in card.cells.values())
    assert card.cleaning["notes"] == {"prepared before: charges taken whole, not cleaned again": 12}


def test_a_card_tells_a_data_set(prepared):
    assert detect(prepared) == "tfrecord"
    assert reader.find_files(prepared / "dataset_card.json") == reader.find_files(prepared)


def test_cycles_come_in_order_on_an_even_grid_of_time(prepared):
    cells = list(read_cells(reader, reader.find_files(prepared)))
    cell = cells[0]
    assert [c.cell_id for c in cells] == list(read_card(prepared).cells)
    assert (cell.origin, cell.last_cycle, cell.cycle_numbers) == (PREPARED, 3, None)
    cycles = list(cell.read_cycles(2))
    assert [cycle.number for cycle in cycles] == [1, 2]
    time_s = cycles[0].time_s
    assert_array_equal(time_s, np.linspace(0.0, time_s[-1], 20))
    assert list(cell.read_cycles(0)) == []


def test_a_temperature_is_left_out_where_the_user_says_so(prepared):
    files = reader.find_files(prepared)
    (cell, *_) = read_cells(reader, files, SourceOptions(temperature_column="none"))
    assert next(cell.read_cycles(1)).temperature_degc is None
    with pytest.raises(SourceError, match="--temperature-column T1: data sets have one temp"):
        list(reader.list_cells(files, SourceOptions(temperature_column="T1")))


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"holds no data set \(dataset_card\.json is missing\)"):
        reader.find_files(tmp_path)


def change_card(folder, change):
    path = folder / "dataset_card.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))


def test_a_damaged_card_is_refused_by_what_is_wrong(copied):
    change_card(copied, lambda card: card.update(height=0))
    with pytest.raises(SourceError, match="not a sound card: the grid is 0 x 5"):
        reader.find_files(copied)


@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_shard_is_named_and_the_others_are_read(copied, damage):
    shard = next(copied.glob("test-*"))
    data = shard.read_bytes()
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(data[:-9] if damage == "cut" else data[:60] + b"\0" + data[61:])
    bad, *cells = read_cells(reader, reader.find_files(copied))
    assert isinstance(bad, DroppedCell)
    assert (bad.reason, bad.source_file) == ("unreadable", shard.name)
    assert "SHA-256 is not that" in bad.detail or "No such file" in bad.detail
    card = read_card(copied)
    assert sum(cell.num_cycles(99) for cell in cells) == 36 - card.num_samples("test")


@pytest.mark.parametrize("cut", [5, 40])
def test_a_shard_that_ends_within_a_record_is_named_though_its_card_has_its_sum(copied, cut):
    shard = next(copied.glob("test-*"))
    shard.write_bytes(shard.read_bytes()[:cut])
    digest = reader.sha256(shard)
    change_card(copied, lambda card: card["shards"]["test"][0].update(sha256=digest))
    bad, *_ = read_cells(reader, reader.find_files(copied))
    assert bad.detail == f"{shard}: ends within a record. Copy it again."


def test_a_charge_that_is_there_twice_is_refused(copied):
    def repeat(card):
        card["shards"]["train"] *= 2

    change_card(copied, repeat)
    with pytest.raises(SourceError, match=r"cell demo_c0 has a cycle twice\. Make the set anew\."):
        list(read_cells(reader, reader.find_files(copied)))


def test_a_cell_that_the_card_does_not_know_is_refused(copied):
    change_card(copied, lambda card: card["cells"].pop("demo_c3"))
    with pytest.raises(SourceError, match="hold cell demo_c3, the card does not"):
        list(reader.list_cells(reader.find_files(copied), SourceOptions()))


def test_a_data_set_without_time_is_refused(copied):
    change_card(copied, lambda card: card["signals_present"].remove("elapsed_time_s"))
    with pytest.raises(SourceError, match="has no elapsed time"):
        list(reader.list_cells(reader.find_files(copied), SourceOptions()))
