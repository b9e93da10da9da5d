import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.sources import demo, matr
from data_prep.sources.base import SourceOptions
from data_prep.sources.matr import hdf5
from data_prep.sources.matr.layout import CYCLE_FIELDS
from tests.builders import MatrCell, matr_cell, matr_cycle, read_cells, write_matr_like

h5py = pytest.importorskip("h5py")


def cells_in(*paths, nominal_capacity_ah=None):
    return list(read_cells(matr, paths, SourceOptions(nominal_capacity_ah)))


def cycles_of(cell_id, *paths, last=100):
    """The cycles of one cell."""
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
    assert cell.notes == ("`cycle_life` is no number: end of life by discharge capacity",)


def test_a_life_that_is_empty_is_not_known(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        empty = file[file[file["batch/cycles"][0, 0]]["t"][0, 0]]
        file["batch/cycle_life"][0, 0] = empty.ref
    (cell,) = cells_in(one_cell_file)
    assert cell.eol_cycles is None


def test_discharge_capacities_that_are_no_measurement_are_left_out(tmp_path):
    made = matr_cell(5, discharge_capacity_ah=[1.07, np.nan, 0.0, np.inf, 1.03])
    (cell,) = cells_in(write_matr_like(tmp_path / "lab.mat", [made]))
    assert cell.discharge_capacity_ah == {1: 1.07, 5: 1.03}


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
        for name in CYCLE_FIELDS:
            cycles[name][1, 0] = cycles[name][0, 0]
    empty, full = cycles_of("lab_c0", path)
    assert (empty.time_s.shape, full.time_s.shape) == ((0,), (21,))


def test_cycles_are_read_one_at_a_time_and_only_when_asked_for(tmp_path, monkeypatch):
    path = write_matr_like(tmp_path / "lab.mat", [matr_cell(2), matr_cell(2)])
    read = []
    read_series = hdf5.SeriesReader.read

    def noted(reader, index):
        read.append((reader._owner.rpartition(" ")[2], index))
        return read_series(reader, index)

    monkeypatch.setattr(hdf5.SeriesReader, "read", noted)
    cells = read_cells(matr, [path], SourceOptions())
    first = next(cells)
    assert read == []
    next(first.read_cycles(2))
    assert read == [("lab_c0", 1)]
    second = next(cells)
    list(second.read_cycles(1))
    assert read == [("lab_c0", 1), ("lab_c1", 1)]


def open_files_of_this_process():
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("needs /proc")
    return {str(link.readlink()) for link in folder.iterdir() if link.exists()}


def test_a_file_is_open_only_while_cycles_are_read(one_cell_file):
    (cell,) = cells_in(one_cell_file)
    assert str(one_cell_file) not in open_files_of_this_process()
    cycles = cell.read_cycles(2)
    next(cycles)
    assert str(one_cell_file) in open_files_of_this_process()
    cycles.close()
    assert str(one_cell_file) not in open_files_of_this_process()
    # The cell can be read again, and a damaged one leaves nothing open either.
    assert len(list(cell.read_cycles(2))) == 2
    assert str(one_cell_file) not in open_files_of_this_process()


def test_a_place_can_be_read_in_another_process(one_cell_file):
    (place,) = matr.list_cells([one_cell_file], SourceOptions())
    assert pickle.loads(pickle.dumps(place)) == place
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(charge_times_s, (place,)) == [3600.0, 3600.0]


def charge_times_s(place):
    cell = matr.read_cell(place, SourceOptions())
    return [float(cycle.time_s[-1]) for cycle in cell.read_cycles(cell.last_cycle)]


def test_an_interrupt_goes_through_and_closes_the_file(one_cell_file, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    (cell,) = cells_in(one_cell_file)
    monkeypatch.setattr(hdf5.SeriesReader, "_read_equal", interrupted)
    with pytest.raises(KeyboardInterrupt):
        list(cell.read_cycles(2))
    assert str(one_cell_file) not in open_files_of_this_process()


def test_two_points_are_a_series_and_not_the_dimensions_of_an_empty_one(tmp_path):
    two = matr_cycle(points=2)
    path = write_matr_like(tmp_path / "lab.mat", [MatrCell([two])])
    (cycle,) = cycles_of("lab_c0", path)
    assert_array_equal(cycle.time_s, [0.0, 3600.0])


def test_series_of_unequal_length_are_for_the_cleaning_to_reject(tmp_path):
    cycle = matr_cycle(points=21, T=np.arange(20.0))
    path = write_matr_like(tmp_path / "lab.mat", [MatrCell([cycle])])
    (read,) = cycles_of("lab_c0", path)
    assert (read.time_s.size, read.temperature_degc.size) == (21, 20)
    assert_array_equal(read.temperature_degc, np.arange(20.0))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<i2", "<u8"])
def test_real_numbers_of_any_type_are_read(one_cell_file, dtype):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        made = file.create_dataset("made", data=np.array([[3, 4, 5]]).astype(dtype))
        for name in CYCLE_FIELDS:
            cycles[name][1, 0] = made.ref
    first, _ = cycles_of("lab_c0", one_cell_file)
    assert_array_equal(first.voltage_v, [3.0, 4.0, 5.0])
    assert first.voltage_v.dtype == np.float64


@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3)])
def test_columns_of_references_in_any_orientation(one_cell_file, shape):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        for name in CYCLE_FIELDS:
            turn(cycles, name, shape)
        for name in file["batch"]:
            turn(file["batch"], name, tuple(min(length, 1) for length in shape[:2]))
        turn(file["batch"], "policy_readable", (1,))
    (cell,) = cells_in(one_cell_file)
    assert [cycle.number for cycle in cell.read_cycles(9)] == [1, 2]


def turn(group, name, shape):
    values = np.reshape(group[name][()], shape)
    del group[name]
    group.create_dataset(name, data=values, dtype=h5py.ref_dtype)


def test_a_struct_of_a_single_cell_is_kept_without_references(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        for name in list(file["batch"]):
            part = file[file["batch"][name][0, 0]]
            del file["batch"][name]
            file["batch"][name] = part
    (cell,) = cells_in(one_cell_file)
    assert (cell.cell_id, cell.eol_cycles, cell.charge_policy) == ("lab_c0", 500, "5.4C(40%)-3.6C")
    assert [cycle.number for cycle in cell.read_cycles(9)] == [1, 2]


def test_a_series_at_entry_0_is_no_cycle_and_said(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        for name in CYCLE_FIELDS:
            cycles[name][0, 0] = cycles[name][2, 0]
    (cell,) = cells_in(one_cell_file)
    assert [cycle.number for cycle in cell.read_cycles(9)] == [1, 2]
    assert cell.notes == (
        "entry 0 of `cycles` holds a series: left out, an index is a cycle number",
    )


def test_a_cell_of_the_empty_entry_alone_has_no_cycles(tmp_path):
    (cell,) = cells_in(write_matr_like(tmp_path / "lab.mat", [MatrCell([])]))
    assert (cell.last_cycle, list(cell.read_cycles(9))) == (0, [])


def test_a_cell_without_any_entry_has_no_cycles(one_cell_file):
    with h5py.File(one_cell_file, "r+") as file:
        cycles = file[file["batch/cycles"][0, 0]]
        for name in CYCLE_FIELDS:
            empty = file[cycles[name][0, 0]]
            del cycles[name]
            cycles[name] = empty
    (cell,) = cells_in(one_cell_file)
    assert (cell.last_cycle, list(cell.read_cycles(9))) == (0, [])


def test_a_batch_without_cells_has_none(tmp_path):
    path = write_matr_like(tmp_path / "lab.mat", [])
    assert cells_in(path) == []


def test_cells_keep_the_order_of_the_files(tmp_path):
    paths = [
        write_matr_like(tmp_path / "b.mat", [matr_cell(), matr_cell()]),
        write_matr_like(tmp_path / "a.mat", [matr_cell()]),
    ]
    assert [cell.cell_id for cell in cells_in(*paths)] == ["b_c0", "b_c1", "a_c0"]
    assert [path.name for path in matr.find_files(tmp_path)] == ["a.mat", "b.mat"]


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
