import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SourceError
from data_prep.records import DroppedCell
from data_prep.sources import demo, matr
from data_prep.sources.base import SourceOptions
from data_prep.sources.matr_corrections import BATCHES, CONTINUATIONS, EXCLUSIONS, Batch
from tests.builders import MatrCell, matr_cell, matr_cycle, read_cells, write_matr_like

h5py = pytest.importorskip("h5py")


def cells_in(*paths, nominal_capacity_ah=None):
    return list(read_cells(matr, paths, SourceOptions(nominal_capacity_ah)))


def cycles_of(cell_id, *paths, last=100):
    """The cycles of one cell, read while its file is open."""
    for cell in read_cells(matr, paths, SourceOptions()):
        if cell.cell_id == cell_id:
            return list(cell.read_cycles(last))
    raise AssertionError(cell_id)


@pytest.fixture
def one_cell_file(tmp_path):
    return write_matr_like(tmp_path / "lab.mat", [matr_cell()])


def test_minutes_become_seconds_and_other_series_keep_their_unit(tmp_path):
    cycle = {
        "t": np.array([0.0, 0.5, 2.0]),
        "V": np.array([2.9, 3.3, 3.6]),
        "I": np.array([3.6, 3.6, 0.25]),
        "T": np.array([30.0, 31.5, 32.0]),
        "Qc": np.array([0.0, 0.033, 0.1]),
    }
    path = write_matr_like(tmp_path / "lab.mat", [MatrCell([matr_cycle(), cycle])])
    first, second = cycles_of("lab_c0", path)
    assert (first.number, second.number) == (1, 2)
    assert_array_equal(second.time_s, [0.0, 30.0, 120.0])
    assert_array_equal(second.voltage_v, [2.9, 3.3, 3.6])
    assert_array_equal(second.current_c_rate, [3.6, 3.6, 0.25])
    assert_array_equal(second.temperature_degc, [30.0, 31.5, 32.0])
    assert_array_equal(second.charge_capacity_ah, [0.0, 0.033, 0.1])


def test_facts_of_a_cell(tmp_path):
    made = matr_cell(3, cycle_life=741.0, discharge_capacity_ah=[1.07, 0.0, 1.05])
    (cell,) = cells_in(write_matr_like(tmp_path / "lab.mat", [made]))
    assert (cell.cell_id, cell.source_file, cell.last_cycle) == ("lab_c0", "lab.mat", 3)
    assert (cell.nominal_capacity_ah, cell.max_voltage_v) == (1.1, 3.6)
    assert (cell.eol_cycles, cell.charge_policy) == (741, "5.4C(40%)-3.6C")
    # Column 0 is no cycle, and 0 Ah no measurement.
    assert cell.discharge_capacity_ah == {1: 1.07, 3: 1.05}


def test_the_users_nominal_capacity_goes_before_1_1_ah(one_cell_file):
    (cell,) = cells_in(one_cell_file, nominal_capacity_ah=2.5)
    assert cell.nominal_capacity_ah == 2.5


@pytest.mark.parametrize("cycle_life", [np.nan, 0.0, np.inf])
def test_a_life_that_the_file_does_not_know(tmp_path, cycle_life):
    (cell,) = cells_in(write_matr_like(tmp_path / "lab.mat", [matr_cell(cycle_life=cycle_life)]))
    assert cell.eol_cycles is None


@pytest.mark.parametrize(
    ("written", "read"),
    [("4C(13%)-5C(ü)", "4C(13%)-5C(ü)"), (" 4C ", "4C"), ("", None), ("  ", None)],
)
def test_policy_text(tmp_path, written, read):
    (cell,) = cells_in(write_matr_like(tmp_path / "lab.mat", [matr_cell(policy=written)]))
    assert cell.charge_policy == read


def test_the_empty_index_0_is_no_cycle_and_only_those_asked_for_are_read(tmp_path):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(5)])
    (cell,) = cells_in(path)
    assert cell.last_cycle == 5
    for last, numbers in ((0, []), (3, [1, 2, 3]), (5, [1, 2, 3, 4, 5]), (9, [1, 2, 3, 4, 5])):
        assert [cycle.number for cycle in cycles_of("lab_c0", path, last=last)] == numbers


def test_an_empty_cycle_has_no_points(tmp_path):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(2)])
    with h5py.File(path, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        for name in matr.CYCLE_FIELDS:
            cycles[name][1, 0] = cycles[name][0, 0]
    empty, full = cycles_of("lab_c0", path)
    assert (empty.time_s.shape, full.time_s.shape) == ((0,), (21,))


def test_cycles_are_read_one_at_a_time_and_only_when_asked_for(tmp_path, monkeypatch):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(2), matr_cell(2)])
    read = []
    numbers = matr._numbers

    def noted(file, references, index, where):
        read.append(where)
        return numbers(file, references, index, where)

    monkeypatch.setattr(matr, "_numbers", noted)
    cells = read_cells(matr, [path], SourceOptions())
    first = next(cells)
    assert read == []
    next(first.read_cycles(2))
    assert set(read) == {"lab.mat: lab_c0 cycle 1"}
    second = next(cells)
    assert set(read) == {"lab.mat: lab_c0 cycle 1"}
    list(second.read_cycles(1))
    assert set(read) == {"lab.mat: lab_c0 cycle 1", "lab.mat: lab_c1 cycle 1"}


def test_cells_keep_the_order_of_the_files(tmp_path):
    paths = [
        write_matr_like(tmp_path / "b.mat", [matr_cell(), matr_cell()]),
        write_matr_like(tmp_path / "a.mat", [matr_cell()]),
    ]
    assert [cell.cell_id for cell in cells_in(*paths)] == ["b_c0", "b_c1", "a_c0"]
    assert [path.name for path in matr.find_files(tmp_path)] == ["a.mat", "b.mat"]


def test_a_published_date_with_another_number_of_cells_excludes_nothing(tmp_path):
    path = tmp_path / "2017-05-12_batchdata_updated_struct_errorcorrect.mat"
    cells = cells_in(write_matr_like(path, [matr_cell(cycle_life=1189.0), matr_cell()]))
    assert [cell.cell_id for cell in cells] == ["b1c0", "b1c1"]
    # Not continued in another file either: its life stays as it is.
    assert cells[0].eol_cycles == 1189


def test_the_table_of_corrections():
    assert [(batch.name, batch.num_cells) for batch in BATCHES] == [("b1", 46), ("b2", 48)] + [
        ("b3", 46)
    ]
    # 46 + 48 + 46 cells, less 5 continuations and 11 exclusions, are the 124 of the paper.
    assert 46 + 48 + 46 - len(CONTINUATIONS) - len(EXCLUSIONS) == 124
    assert [row.cell_id for row in EXCLUSIONS] == (
        ["b1c8", "b1c10", "b1c12", "b1c13", "b1c22"]
        + ["b3c2", "b3c23", "b3c32", "b3c37", "b3c42", "b3c43"]
    )
    assert [(row.cell_id, row.continued_as, row.added_cycles) for row in CONTINUATIONS] == [
        ("b1c0", "b2c7", 662),
        ("b1c1", "b2c8", 981),
        ("b1c2", "b2c9", 1060),
        ("b1c3", "b2c15", 208),
        ("b1c4", "b2c16", 482),
    ]
    assert all(row.reference for row in (*CONTINUATIONS, *EXCLUSIONS))


@pytest.fixture
def small_batches(monkeypatch):
    """The three published files with fewer cells, so that they can be made here."""
    small = (
        Batch("2017-05-12", "b1", 9),
        Batch("2017-06-30", "b2", 8),
        Batch("2018-04-12", "b3", 3),
    )
    monkeypatch.setattr(matr, "BATCHES", small)


def write_batch(folder, date, num_cells, num_cycles=None):
    cells = [matr_cell((num_cycles or {}).get(k, 2), cycle_life=100.0) for k in range(num_cells)]
    return write_matr_like(folder / f"{date}_batchdata.mat", cells)


@pytest.fixture
def three_batches(tmp_path, small_batches):
    """b1c0 has 3 cycles and b2c7, which continues it, has 2."""
    return [
        write_batch(tmp_path, "2017-05-12", 9, {0: 3, 8: 4}),
        write_batch(tmp_path, "2017-06-30", 8, {7: 2}),
        write_batch(tmp_path, "2018-04-12", 3),
    ]


def test_known_bad_cells_of_the_published_files_are_dropped(three_batches):
    cells = cells_in(*three_batches)
    dropped = {cell.cell_id: cell for cell in cells if isinstance(cell, DroppedCell)}
    assert set(dropped) == {"b1c8", "b2c7", "b3c2"}
    assert (dropped["b1c8"].reason, dropped["b1c8"].num_cycles) == ("known_defect", 4)
    assert dropped["b1c8"].detail.startswith("does not reach 80 % of its nominal capacity (rdb")
    assert dropped["b3c2"].detail.startswith("noisy channel")
    # 9 + 8 + 3 cells less these.
    assert len(cells) - len(dropped) == 17


def test_a_continued_cell_lives_longer_by_the_added_cycles(three_batches):
    lives = {cell.cell_id: getattr(cell, "eol_cycles", None) for cell in cells_in(*three_batches)}
    assert (lives["b1c0"], lives["b1c1"], lives["b1c2"]) == (100 + 662, 100 + 981, 100 + 1060)
    assert (lives["b1c5"], lives["b2c0"]) == (100, 100)


def test_the_cell_that_continues_another_is_dropped_and_its_cycles_are_not_lost(three_batches):
    dropped = next(cell for cell in cells_in(*three_batches) if cell.cell_id == "b2c7")
    assert (dropped.reason, dropped.num_cycles) == ("continuation", 0)
    assert dropped.detail.startswith("continues b1c0, joined to it (rdbraatz")


def test_cycles_of_a_continued_cell_are_numbered_on(three_batches):
    # Entries 0 to 3, then 0 to 2 of the other file joined as published: its empty entry 0
    # takes number 4.
    numbers = [cycle.number for cycle in cycles_of("b1c0", *three_batches)]
    assert numbers == [1, 2, 3, 5, 6]
    assert [cycle.number for cycle in cycles_of("b1c0", *three_batches, last=5)] == [1, 2, 3, 5]
    assert [cycle.number for cycle in cycles_of("b1c0", *three_batches, last=3)] == [1, 2, 3]


def test_joined_cycles_are_those_of_the_other_file(tmp_path, small_batches):
    first = write_batch(tmp_path, "2017-05-12", 9)
    cells = [matr_cell() for _ in range(8)]
    cells[7].cycles[0]["V"][0] = 2.75
    second = write_matr_like(tmp_path / "2017-06-30.mat", cells)
    cycles = cycles_of("b1c0", first, second)
    assert [cycle.voltage_v[0] for cycle in cycles] == [3.0, 3.0, 2.75, 3.0]


def test_a_continued_cell_without_the_other_file(tmp_path, small_batches):
    path = write_batch(tmp_path, "2017-05-12", 9, {0: 3})
    assert [cycle.number for cycle in cycles_of("b1c0", path)] == [1, 2, 3]
    assert cells_in(path)[0].eol_cycles == 762


def test_a_continuation_without_the_cell_that_it_continues(tmp_path, small_batches):
    path = write_batch(tmp_path, "2017-06-30", 8, {7: 2})
    dropped = cells_in(path)[7]
    assert dropped.detail.startswith("continues b1c0, whose file is not here")
    assert (dropped.reason, dropped.num_cycles) == ("continuation", 2)


def test_the_size_of_a_batch_is_part_of_what_tells_it(tmp_path, small_batches):
    path = write_batch(tmp_path, "2018-04-12", 4)
    assert [cell.cell_id for cell in cells_in(path)] == ["b3c0", "b3c1", "b3c2", "b3c3"]
    assert not any(isinstance(cell, DroppedCell) for cell in cells_in(path))


def test_a_file_of_text_is_refused(tmp_path):
    path = tmp_path / "lab.mat"
    path.write_text("voltage,current\n" * 20)
    with pytest.raises(SourceError, match=r"lab\.mat: not a readable MATLAB v7\.3 \(HDF5\) file"):
        cells_in(path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(one_cell_file, share):
    content = one_cell_file.read_bytes()
    one_cell_file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SourceError, match=r"lab\.mat: .*truncated\. Download it again"):
        cells_in(one_cell_file)


@pytest.mark.parametrize(
    ("names", "found"), [([], "nothing"), (["voltage", "current"], "current, voltage")]
)
def test_a_file_without_a_batch_names_what_it_has(tmp_path, names, found):
    path = tmp_path / "lab.mat"
    with h5py.File(path, "w") as file:
        for name in names:
            file[name] = 1.0
    with pytest.raises(SourceError, match=rf"lab\.mat: has no `batch` group; found {found}\."):
        cells_in(path)


def test_a_batch_that_is_a_number_is_refused(tmp_path):
    with h5py.File(tmp_path / "lab.mat", "w") as file:
        file["batch"] = 3.0
    with pytest.raises(SourceError, match="has no `batch` group; found batch"):
        cells_in(tmp_path / "lab.mat")


@pytest.mark.parametrize("name", ["cycles", "summary", "cycle_life", "policy_readable"])
def test_a_batch_without_a_part_is_refused(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
    with pytest.raises(SourceError, match=rf"lab\.mat: batch has no `{name}`; found "):
        cells_in(one_cell_file)


@pytest.mark.parametrize("name", ["cycles", "summary", "cycle_life", "policy_readable"])
def test_a_part_that_is_no_column_of_references_is_refused(one_cell_file, name):
    # A struct of a single cell is kept so.
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
        file["batch"].create_group(name)
    with pytest.raises(SourceError, match=f"`batch/{name}` is no column of references"):
        cells_in(one_cell_file)


@pytest.mark.parametrize("name", matr.CYCLE_FIELDS)
def test_a_cell_without_a_series_is_refused(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file[file["batch/cycles"][0, 0]][name]
    with pytest.raises(SourceError, match=rf"lab\.mat: lab_c0 has no `{name}`; found "):
        cycles_of("lab_c0", one_cell_file)


def test_a_cell_without_discharge_capacities_is_refused(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        del file[file["batch/summary"][0, 0]]["QDischarge"]
    with pytest.raises(SourceError, match="lab_c0 has no `QDischarge`; found nothing"):
        cells_in(one_cell_file)


def test_a_cell_whose_cycles_are_an_array_is_refused(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        file["batch/cycles"][0, 0] = file["batch/cycle_life"][0, 0]
    with pytest.raises(SourceError, match="lab_c0 has no `I`; found nothing"):
        cells_in(one_cell_file)


@pytest.mark.parametrize("name", ["cycles", "summary", "cycle_life", "policy_readable"])
def test_numbers_where_references_are_expected(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        del file["batch"][name]
        file["batch"][name] = np.array([[1.0]])
    with pytest.raises(SourceError, match=f"the reference to `{name}` of cell 0 leads nowhere"):
        cells_in(one_cell_file)


@pytest.mark.parametrize("name", ["cycles", "summary", "cycle_life", "policy_readable"])
def test_a_reference_of_a_cell_that_leads_nowhere(one_cell_file, name):
    with h5py.File(one_cell_file, "r+") as file:
        file["batch"][name][0, 0] = h5py.Reference()
    with pytest.raises(SourceError, match=f"the reference to `{name}` of cell 0 leads nowhere"):
        cells_in(one_cell_file)


def test_a_reference_of_a_cycle_that_leads_nowhere(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        file[file["batch/cycles"][0, 0]]["V"][2, 0] = h5py.Reference()
    with pytest.raises(SourceError, match=r"lab\.mat: lab_c0 cycle 2: cannot be read"):
        cycles_of("lab_c0", one_cell_file)


def test_a_reference_to_a_group(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        file[file["batch/cycles"][0, 0]]["V"][1, 0] = file["batch"].ref
    with pytest.raises(SourceError, match=r"lab\.mat: lab_c0 cycle 1: cannot be read"):
        cycles_of("lab_c0", one_cell_file)


def test_series_with_fewer_cycles_than_the_current(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        fewer = cycles["V"][:2]
        del cycles["V"]
        cycles.create_dataset("V", data=fewer, dtype=h5py.ref_dtype)
    with pytest.raises(SourceError, match=r"lab\.mat: lab_c0 cycle 2: cannot be read"):
        cycles_of("lab_c0", one_cell_file)


def test_the_demo_is_twelve_cells_wherever_it_is_looked_for(tmp_path):
    files = demo.find_files(tmp_path)
    cells = {cell.cell_id: cell for cell in read_cells(demo, files, SourceOptions())}
    assert list(cells) == [f"demo_c{k}" for k in range(12)]
    assert {cell.last_cycle for cell in cells.values()} == {20}
    lives = [cell.eol_cycles for cell in cells.values()]
    assert (min(lives), max(lives)) == (335, 1935)


def test_a_charge_of_the_demo_adds_up_to_its_capacity():
    (cycle,) = cycles_of("demo_c0", demo.DEMO_FILE, last=1)
    hours = np.diff(cycle.time_s) / 3600.0
    charging_c = np.clip((cycle.current_c_rate[1:] + cycle.current_c_rate[:-1]) / 2, 0.0, None)
    # Trapezoids over the steps of the current; 1 % is what they lose at its jumps.
    assert_allclose(
        1.1 * np.sum(charging_c * hours), cycle.charge_capacity_ah[-1], rtol=0.01, atol=0
    )
