import csv
import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.records import Cell, DroppedCell
from data_prep.sources import matr
from data_prep.sources.base import SourceOptions
from data_prep.sources.matr import corrections
from data_prep.sources.matr.corrections import ACTIONS, BATCHES, Batch, known_defects, read_defects
from tests.builders import matr_cell, matr_cycle, read_cells, write_matr_like

h5py = pytest.importorskip("h5py")


def rows(action):
    return [row for row in known_defects() if row.action == action]


@pytest.mark.parametrize("row", known_defects(), ids=lambda row: row.id)
def test_every_row_has_words_an_action_and_a_reference(row):
    assert row.reference.startswith("https://")
    assert row.defect
    assert row.action in ACTIONS
    assert row.cell_id == "" or row.cell_id.startswith(f"{row.batch}c")


def test_every_action_has_a_row():
    assert {row.action for row in known_defects()} == set(ACTIONS)


def test_the_cells_that_are_left_out_make_the_124_of_the_paper():
    dropped = [row.cell_id for row in rows("drop_cell")]
    assert dropped == (
        ["b1c8", "b1c10", "b1c12", "b1c13", "b1c22"]
        + ["b3c2", "b3c23", "b3c32", "b3c37", "b3c42", "b3c43"]
    )
    assert [(batch.name, batch.num_cells) for batch in BATCHES] == [
        ("b1", 46),
        ("b2", 48),
        ("b3", 46),
    ]
    assert 46 + 48 + 46 - len(dropped) - len(rows("join")) == 124


def test_the_continuations():
    assert [row[:3] for row in corrections.continuations()] == [
        ("b1c0", "b2c7", 662),
        ("b1c1", "b2c8", 981),
        ("b1c2", "b2c9", 1060),
        ("b1c3", "b2c15", 208),
        ("b1c4", "b2c16", 482),
    ]


def test_the_units_and_limits():
    assert corrections.first_cycle_entry() == 1
    assert (corrections.factor("t"), corrections.factor("V")) == (60.0, 1.0)
    assert corrections.setting("max_voltage_v") == 3.6


@pytest.mark.parametrize(
    ("cell_id", "first_cycle"), [("b1c0", 11), ("b1c18", 39), ("b2c12", 252), ("b2c44", 247)]
)
def test_a_broken_cycle_is_noted_where_the_record_has_it(cell_id, first_cycle):
    note = "a cycle is known as duplicated or broken; the numbers are left as they are"
    assert note in corrections.notes(cell_id, "", first_cycle)
    assert note not in corrections.notes(cell_id, "", first_cycle - 1)


def test_notes_of_single_cells_and_channels():
    pulses = "10 pulses of 3.6C and {} ms near 80 % state of charge"
    assert corrections.notes("b2c5", "", 500) == (pulses.format(30),)
    assert corrections.notes("b3c5", "15", 500) == (pulses.format(33),)
    swapped = (
        "temperature is that of the neighbour: thermocouples of channels 15 and 16 were swapped"
    )
    assert corrections.notes("b1c5", "15", 500) == (swapped, pulses.format(30))
    assert corrections.notes("b1c5", "16", 500) == (swapped, pulses.format(30))
    assert corrections.notes("b1c5", "17", 500) == (pulses.format(30),)
    policy = "policy of the file is 4.8C, of the paper's supplement 4.36C"
    for cell_id in ("b3c7", "b3c16", "b3c45"):
        assert corrections.notes(cell_id, "", 500) == (pulses.format(33), policy)
    # b1c0 lives 1190 cycles in batch 1; its first one in batch 2 is the one after.
    pause = "capacity rises after the pause between the batches"
    assert pause in corrections.notes("b1c0", "", 1850)
    assert pause not in corrections.notes("b1c0", "", 1190)


HEADER = [field.name for field in dataclasses.fields(corrections.Defect)]
GOOD = ["x", "b1", "b1c0", "", "", "", "", "words", "note", "", "https://example.org"]


def write_table(path, *table):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    return path


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"action": "mend"}, "`action` must be one of drop_cell, "),
        ({"batch": "b4"}, "`batch` must be empty or that of a published file"),
        ({"reference": ""}, "`id`, `defect` and `reference` must not be empty"),
        ({"action": "convert"}, "`convert` needs a `value`"),
        ({"first_cycle": "one"}, "invalid literal for int"),
    ],
)
def test_a_bad_row_of_the_table(tmp_path, changed, said):
    row = list((dict(zip(HEADER, GOOD, strict=True)) | changed).values())
    with pytest.raises(ValueError, match=said):
        read_defects(write_table(tmp_path / "defects.csv", HEADER, row))


def test_a_bad_table(tmp_path):
    path = tmp_path / "defects.csv"
    with pytest.raises(ValueError, match="`id` is there twice"):
        read_defects(write_table(path, HEADER, GOOD, GOOD))
    with pytest.raises(ValueError, match="must have 11 values"):
        read_defects(write_table(path, HEADER, GOOD[:-1]))
    with pytest.raises(ValueError, match="columns must be"):
        read_defects(write_table(path, HEADER[:-1], GOOD[:-1]))
    assert read_defects(write_table(path, HEADER, GOOD))[0].defect == "words"


@pytest.fixture
def small_batches(monkeypatch):
    """The three published files with fewer cells, so that they can be made here."""
    small = (
        Batch("2017-05-12", "b1", 9),
        Batch("2017-06-30", "b2", 17),
        Batch("2018-04-12", "b3", 3),
    )
    monkeypatch.setattr(corrections, "BATCHES", small)


def write_batch(folder, date, num_cells, num_cycles=None, cycle_life=4.0, **facts):
    cells = [
        matr_cell((num_cycles or {}).get(k, 2), cycle_life=cycle_life, **facts)
        for k in range(num_cells)
    ]
    return write_matr_like(folder / f"{date}_batchdata.mat", cells)


@pytest.fixture
def three_batches(tmp_path, small_batches):
    """b1c0 has 3 cycles, all of its life, and b2c7, which continues it, has 2."""
    return [
        write_batch(tmp_path, "2017-05-12", 9, {0: 3, 8: 4}),
        write_batch(tmp_path, "2017-06-30", 17, {7: 2}),
        write_batch(tmp_path, "2018-04-12", 3),
    ]


def cells_in(*paths):
    """Kept cells and dropped ones by name."""
    return {cell.cell_id: cell for cell in read_cells(matr, paths, SourceOptions())}


def numbers_of(cell, last=100):
    return [cycle.number for cycle in cell.read_cycles(last)]


def test_known_bad_cells_of_the_published_files_are_dropped(three_batches):
    cells = cells_in(*three_batches)
    dropped = {k: cell for k, cell in cells.items() if isinstance(cell, DroppedCell)}
    assert set(dropped) == {"b1c8", "b2c7", "b2c8", "b2c9", "b2c15", "b2c16", "b3c2"}
    assert (dropped["b1c8"].reason, dropped["b1c8"].num_cycles) == ("known_defect", 4)
    assert dropped["b1c8"].detail.startswith(
        "does not reach 80 % of its nominal capacity (defects.csv"
    )
    assert dropped["b3c2"].detail.startswith("noisy channel (defects.csv")
    assert len(cells) - len(dropped) == 9 + 17 + 3 - 7


@pytest.mark.parametrize(
    ("date", "num_cells"), [("2017-05-12", 10), ("2017-06-30", 16), ("2018-04-12", 4)]
)
def test_the_size_of_a_batch_is_part_of_what_tells_it(tmp_path, small_batches, date, num_cells):
    cells = cells_in(write_batch(tmp_path, date, num_cells))
    assert len(cells) == num_cells
    assert all(isinstance(cell, Cell) for cell in cells.values())
    # Not continued in another file either: the lives stay as they are, and nothing is noted.
    assert {cell.eol_cycles for cell in cells.values()} == {4}
    assert {cell.notes for cell in cells.values()} == {()}


def test_a_continued_cell_lives_longer_by_the_added_cycles(three_batches):
    lives = {k: getattr(cell, "eol_cycles", None) for k, cell in cells_in(*three_batches).items()}
    assert [lives[f"b1c{k}"] for k in range(6)] == [666, 985, 1064, 212, 486, 4]
    assert lives["b2c0"] == 4


def test_a_continued_cell_of_unknown_life_has_none(tmp_path, small_batches):
    cell = cells_in(write_batch(tmp_path, "2017-05-12", 9, cycle_life=np.nan))["b1c0"]
    assert cell.eol_cycles is None


def test_the_cell_that_continues_another_is_dropped_and_its_cycles_are_not_lost(three_batches):
    dropped = cells_in(*three_batches)["b2c7"]
    assert (dropped.reason, dropped.num_cycles) == ("continuation", 0)
    assert dropped.detail.startswith("continues b1c0, joined to it (defects.csv")


def test_cycles_of_a_continued_cell_are_numbered_on_without_a_gap(three_batches):
    cell = cells_in(*three_batches)["b1c0"]
    assert cell.last_cycle == 5
    assert numbers_of(cell) == [1, 2, 3, 4, 5]
    assert numbers_of(cell, last=4) == [1, 2, 3, 4]
    assert numbers_of(cell, last=3) == [1, 2, 3]
    assert numbers_of(cell, last=0) == []
    assert "joined to its continuation in batch 2" in cell.notes


def test_joined_cycles_and_capacities_are_those_of_the_other_file(tmp_path, small_batches):
    first = write_batch(tmp_path, "2017-05-12", 9, discharge_capacity_ah=[1.07, 1.06])
    cells = [matr_cell(discharge_capacity_ah=[0.0, 0.99]) for _ in range(17)]
    cells[7].cycles[0] = matr_cycle(V=np.linspace(2.75, 3.6, 21))
    second = write_matr_like(tmp_path / "2017-06-30.mat", cells)
    cell = cells_in(first, second)["b1c0"]
    assert_allclose([c.voltage_v[0] for c in cell.read_cycles(9)], [3.0, 3.0, 2.75, 3.0])
    assert cell.discharge_capacity_ah == {1: 1.07, 2: 1.06, 4: 0.99}


def test_a_summary_longer_than_the_record_does_not_reach_into_the_joined_cycles(
    tmp_path, small_batches
):
    longer = [1.07, 1.06, 1.05, 1.04, 1.03]
    first = write_batch(tmp_path, "2017-05-12", 9, discharge_capacity_ah=longer)
    second = write_batch(tmp_path, "2017-06-30", 17, discharge_capacity_ah=[0.0, 0.99])
    cell = cells_in(first, second)["b1c0"]
    assert cell.discharge_capacity_ah == {1: 1.07, 2: 1.06, 4: 0.99}


def test_a_record_that_ends_before_the_life_of_its_file_is_not_joined(tmp_path, small_batches):
    # The first 3 of the 1190 cycles that b1c0 has in batch 1.
    first = write_batch(tmp_path, "2017-05-12", 9, {0: 3}, cycle_life=1190.0)
    second = write_batch(tmp_path, "2017-06-30", 17, {7: 2})
    cells = cells_in(first, second)
    cell, other = cells["b1c0"], cells["b2c7"]
    assert (cell.last_cycle, numbers_of(cell), cell.eol_cycles) == (3, [1, 2, 3], 1852)
    assert cell.notes[0] == (
        "not joined to its continuation: the record ends before its cycle_life"
    )
    assert other.detail.startswith(
        "continues b1c0, whose record ends before its cycle_life (defects.csv"
    )
    assert (other.reason, other.num_cycles) == ("continuation", 2)


@pytest.mark.parametrize(("cycle_life", "last_cycle"), [(12.0, 4), (13.0, 2)])
def test_a_record_may_miss_ten_cycles_of_its_life(tmp_path, small_batches, cycle_life, last_cycle):
    first = write_batch(tmp_path, "2017-05-12", 9, cycle_life=cycle_life)
    second = write_batch(tmp_path, "2017-06-30", 17)
    assert cells_in(first, second)["b1c0"].last_cycle == last_cycle


def test_a_continued_cell_without_the_other_file(tmp_path, small_batches):
    cell = cells_in(write_batch(tmp_path, "2017-05-12", 9, {0: 3}))["b1c0"]
    assert numbers_of(cell) == [1, 2, 3]
    assert cell.eol_cycles == 4 + 662
    assert cell.notes[0] == ("not joined to its continuation: the file of batch 2 is not here")


def test_a_continuation_without_the_cell_that_it_continues(tmp_path, small_batches):
    dropped = cells_in(write_batch(tmp_path, "2017-06-30", 17, {7: 2}))["b2c7"]
    assert dropped.detail.startswith("continues b1c0, whose file is not here (defects.csv")
    assert (dropped.reason, dropped.num_cycles) == ("continuation", 2)


def test_a_cell_on_a_channel_of_swapped_thermocouples_says_so(tmp_path, small_batches):
    path = write_batch(tmp_path, "2017-05-12", 9)
    with h5py.File(path, "r+") as file:
        texts = [np.frombuffer(f"{15 + k}".encode("utf-16-le"), np.uint16) for k in range(9)]
        column = np.empty((9, 1), h5py.ref_dtype)
        column[:, 0] = [
            file.create_dataset(f"x{k}", data=text.reshape(-1, 1)).ref
            for k, text in enumerate(texts)
        ]
        file["batch"].create_dataset("channel_id", data=column, dtype=h5py.ref_dtype)
    swapped = [k for k, cell in cells_in(path).items() if any("swapped" in n for n in _notes(cell))]
    assert swapped == ["b1c0", "b1c1"]


def _notes(cell):
    return getattr(cell, "notes", ())
