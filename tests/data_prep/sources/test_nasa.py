import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.io import savemat

from data_prep.end_of_life import find_end_of_life
from data_prep.errors import SourceError
from data_prep.protocol import ChargeStep, parse_policy
from data_prep.records import DroppedCell
from data_prep.sources.base import SourceOptions
from data_prep.sources.nasa import reader as nasa
from data_prep.sources.nasa.records import CHARGE_FIELDS
from tests.builders import read_cells


def charge(**replaced):
    data = {
        "Time": [0.0, 10.0, 20.0],
        "Voltage_measured": [3.3, 3.9, 4.2],
        "Current_measured": [1.5, 1.0, 0.25],
        "Temperature_measured": [24.0, 25.0, 26.5],
    }
    data = {name: values for name, values in (data | replaced).items() if values is not None}
    return {"type": "charge", "data": data}


def discharge(capacity_ah):
    return {"type": "discharge", "data": {"Capacity": capacity_ah}}


def impedance():
    return {"type": "impedance", "data": {"Re": 0.05}}


def write(path, *records):
    savemat(path, {path.stem: {"cycle": list(records)}})
    return path


def only_cell(path, nominal_capacity_ah=None):
    (cell,) = read_cells(nasa, [path], SourceOptions(nominal_capacity_ah))
    return cell


def all_cycles(cell):
    return list(cell.read_cycles(cell.last_cycle))


def test_a_cell_is_named_after_its_file_and_is_a_2_ah_cell(tmp_path):
    cell = only_cell(write(tmp_path / "B0099.mat", charge(), discharge(1.8)))
    assert (cell.cell_id, cell.source_file) == ("B0099", "B0099.mat")
    assert (cell.nominal_capacity_ah, cell.max_voltage_v) == (2.0, 4.2)
    assert (cell.charge_policy, cell.eol_cycles, cell.notes) == ("0.75C", None, ())


def test_amperes_become_c_rate_and_other_series_keep_their_unit(tmp_path):
    (cycle,) = all_cycles(only_cell(write(tmp_path / "B0099.mat", charge())))
    assert cycle.number == 1
    assert_array_equal(cycle.time_s, [0.0, 10.0, 20.0])
    assert_array_equal(cycle.voltage_v, [3.3, 3.9, 4.2])
    assert_array_equal(cycle.current_c_rate, [0.75, 0.5, 0.125])
    assert_array_equal(cycle.temperature_degc, [24.0, 25.0, 26.5])
    assert cycle.charge_capacity_ah is None


def test_the_users_nominal_capacity_goes_before_2_ah(tmp_path):
    cell = only_cell(write(tmp_path / "B0099.mat", charge()), nominal_capacity_ah=2.5)
    assert cell.nominal_capacity_ah == 2.5
    # 1.5 A of 2.5 Ah, to the end of the charge.
    assert cell.charge_policy == "0.6C"
    assert parse_policy(cell.charge_policy) == (ChargeStep(0.6, 1.0),)
    assert_array_equal(all_cycles(cell)[0].current_c_rate, [0.6, 0.4, 0.1])


def test_charges_are_counted_and_impedance_is_passed_over(tmp_path):
    second = charge(Time=[0.0, 1.0, 2.0])
    path = write(tmp_path / "B0099.mat", impedance(), charge(), impedance(), second, charge())
    cell = only_cell(path)
    assert cell.last_cycle == 3
    assert [cycle.number for cycle in cell.read_cycles(2)] == [1, 2]
    assert_array_equal(all_cycles(cell)[1].time_s, [0.0, 1.0, 2.0])


def test_capacity_is_of_the_first_discharge_after_the_charge(tmp_path):
    path = write(
        tmp_path / "B0099.mat",
        discharge(1.95),  # Before any charge: belongs to no cycle.
        charge(),
        impedance(),
        discharge(1.75),
        discharge(0.5),
        charge(),  # Charged again without a discharge.
        charge(),
        discharge(1.5),
    )
    assert only_cell(path).discharge_capacity_ah == {1: 1.75, 3: 1.5}


def test_discharges_without_a_capacity_give_no_entry(tmp_path):
    nothing = {"type": "discharge", "data": {"Time": [0.0, 1.0]}}
    path = write(
        tmp_path / "B0099.mat",
        *(charge(), discharge([]), charge(), discharge(np.nan)),
        *(charge(), nothing, charge(), discharge(0.0)),
    )
    assert only_cell(path).discharge_capacity_ah == {4: 0.0}


def test_nan_and_spikes_of_a_charge_are_passed_on(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(Voltage_measured=[3.3, np.nan, 8.4]))
    assert_array_equal(all_cycles(only_cell(path))[0].voltage_v, [3.3, np.nan, 8.4])


def test_charges_of_one_and_of_no_sample_stay_arrays(tmp_path):
    fields = CHARGE_FIELDS.values()
    path = write(
        tmp_path / "B0099.mat",
        charge(**dict.fromkeys(fields, 3.0)),
        charge(**{f: [] for f in fields}),
    )
    one, none = all_cycles(only_cell(path))
    assert_array_equal(one.voltage_v, [3.0])
    assert none.voltage_v.shape == (0,)


def test_a_cell_with_a_single_charge_and_nothing_else_is_read(tmp_path):
    savemat(tmp_path / "B0099.mat", {"B0099": {"cycle": charge()}})
    assert only_cell(tmp_path / "B0099.mat").last_cycle == 1


@pytest.mark.parametrize("records", [[], [impedance(), discharge(1.8)]])
def test_a_cell_without_a_charge_is_dropped(tmp_path, records):
    dropped = only_cell(write(tmp_path / "B0099.mat", *records))
    detail = f"none of its {len(records)} records is a charge"
    assert dropped == DroppedCell("B0099", "B0099.mat", "no_charges", detail)


def test_a_file_of_text_is_refused(tmp_path):
    path = tmp_path / "B0099.mat"
    path.write_text("voltage,current\n" * 20)
    with pytest.raises(SourceError, match=r"B0099\.mat: cannot be read as a MATLAB v5 file"):
        only_cell(path)


@pytest.mark.parametrize("kept_bytes", [0, 60, 128, 140, 700])
def test_a_truncated_file_is_refused(tmp_path, kept_bytes):
    path = write(tmp_path / "B0099.mat", charge(), discharge(1.8))
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(SourceError, match=r"B0099\.mat: .*Download the file again"):
        only_cell(path)


def test_a_matlab_v73_file_is_refused_with_the_source_that_reads_it(tmp_path):
    path = tmp_path / "batch1.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(384))
    with pytest.raises(SourceError, match=r"batch1\.mat: is a MATLAB v7\.3.*--source matr"):
        only_cell(path)


def test_an_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "B0099.mat"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(SourceError, match=r"B0099\.mat: cannot be read as a MATLAB v5 file"):
        only_cell(path)


def test_a_file_without_the_cycle_struct_names_what_it_has(tmp_path):
    savemat(tmp_path / "B0099.mat", {"voltage": [3.3], "current": [1.5]})
    with pytest.raises(SourceError, match=r"B0099\.mat: .*`cycle`, found voltage, current\."):
        only_cell(tmp_path / "B0099.mat")


@pytest.mark.parametrize("cycle", [3.0, "charge", [charge(), {"data": 1.0}]])
def test_a_cycle_array_of_other_things_than_records_is_refused(tmp_path, cycle):
    savemat(tmp_path / "B0099.mat", {"B0099": {"cycle": cycle}})
    with pytest.raises(SourceError, match=r"B0099\.mat: record [12] of `cycle` is no struct"):
        only_cell(tmp_path / "B0099.mat")


def test_a_charge_without_a_field_names_cycle_and_field(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(), charge(Current_measured=None))
    with pytest.raises(SourceError, match=r"B0099\.mat, charge 2: .*`Current_measured`, found"):
        all_cycles(only_cell(path))


def test_a_charge_without_data_names_cycle(tmp_path):
    path = write(tmp_path / "B0099.mat", {"type": "charge"})
    with pytest.raises(SourceError, match=r"B0099\.mat, charge 1: .*`Time`, found nothing"):
        all_cycles(only_cell(path))


def test_series_of_unequal_length_are_refused(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(Time=[0.0, 10.0]))
    with pytest.raises(SourceError, match=r"charge 1: .*'Time': 2, 'Voltage_measured': 3"):
        all_cycles(only_cell(path))


def test_text_in_the_place_of_a_series_is_refused(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(Voltage_measured="high"))
    with pytest.raises(SourceError, match=r"charge 1: `Voltage_measured` must be real numbers"):
        all_cycles(only_cell(path))


def test_several_capacities_of_one_discharge_are_refused(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(), discharge([1.8, 1.7]))
    with pytest.raises(SourceError, match="discharge after charge 1: `Capacity` has 2 values"):
        only_cell(path)


def test_a_folder_without_mat_files_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"holds neither NASA \.mat files nor the metadata\.csv"):
        nasa.find_files(tmp_path)


def test_a_place_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="nowhere: no such file or folder"):
        nasa.find_files(tmp_path / "nowhere")


def test_a_file_is_read_once_for_all_its_cycles(tmp_path):
    path = write(tmp_path / "B0099.mat", charge(), charge())
    cell = only_cell(path)
    path.unlink()
    assert [cycle.number for cycle in all_cycles(cell)] == [1, 2]


@pytest.mark.parametrize("do_compression", [False, True])
def test_damaged_bytes_are_read_or_refused_in_one_line(tmp_path, do_compression):
    path = tmp_path / "B0099.mat"
    cycle = [charge(), discharge(1.8), impedance(), charge()]
    savemat(path, {"B0099": {"cycle": cycle}}, do_compression=do_compression)
    good, generator = path.read_bytes(), np.random.default_rng(1)
    num_read, messages = 0, []
    for _ in range(300):
        data = bytearray(good)
        for place in generator.integers(0, len(data), generator.integers(1, 4)):
            data[place] = generator.integers(0, 256)
        path.write_bytes(data)
        try:
            cell = only_cell(path)
            num_read += len(all_cycles(cell)) if not isinstance(cell, DroppedCell) else 1
        except SourceError as error:
            messages.append(str(error))
    assert num_read > 10
    assert len(messages) > 100
    assert {len(message.splitlines()) for message in messages} == {1}


def test_files_are_found_in_order(tmp_path):
    for name in ("B0006.mat", "B0005.mat", "README.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in nasa.find_files(tmp_path)] == ["B0005.mat", "B0006.mat"]


@pytest.fixture(scope="module")
def real_cells(shared_data):
    cells = read_cells(nasa, nasa.find_files(shared_data / "nasa"), SourceOptions())
    return {cell.cell_id: cell for cell in cells}


def test_real_cells_have_their_known_numbers_of_charges(real_cells):
    counts = {cell_id: cell.last_cycle for cell_id, cell in real_cells.items()}
    assert counts == {"B0025": 31, "B0045": 72, "B0046": 72}


@pytest.mark.parametrize(
    ("cell_id", "first_capacities_ah"),
    [
        ("B0025", [1.847011162956716, 1.8485654344528386, 1.847111177186175]),
        # 1.0819... and 1.7282... of their files' first discharges precede the first charge.
        ("B0045", [0.927952404748273, 0.885193608411576, 0.8581010699478283]),
        ("B0046", [1.5161488467923143, 1.503121190703977, 1.48586566102824]),
    ],
)
def test_real_discharge_capacities_start_as_in_the_file(real_cells, cell_id, first_capacities_ah):
    capacities_ah = real_cells[cell_id].discharge_capacity_ah
    assert [capacities_ah[cycle] for cycle in (1, 2, 3)] == first_capacities_ah


@pytest.mark.parametrize(
    ("cell_id", "without_discharge"), [("B0025", {8, 24, 31}), ("B0045", {72}), ("B0046", {72})]
)
def test_real_charges_without_a_discharge_have_no_capacity(real_cells, cell_id, without_discharge):
    cell = real_cells[cell_id]
    assert set(range(1, cell.last_cycle + 1)) - set(cell.discharge_capacity_ah) == without_discharge


def test_real_first_samples_with_the_leftover_discharge_current(real_cells):
    cycle = next(real_cells["B0025"].read_cycles(1))
    assert cycle.time_s.size == 3815
    assert_allclose(cycle.time_s[:3], [0.0, 2.516, 5.204], rtol=1e-12)
    # The file's own numbers, printed to nine digits; -3.04061888 A and 1.50885830 A of 2 Ah.
    assert_allclose(cycle.voltage_v[:3], [3.21079458, 2.80241830, 3.37146591], rtol=1e-8)
    assert_allclose(cycle.current_c_rate[1:3], [-1.52030944, 0.75442915], rtol=1e-8)
    assert_allclose(cycle.temperature_degc[:2], [26.93533655, 26.93664327], rtol=1e-8)


def test_real_truncated_last_charge_keeps_its_nan(real_cells):
    *_, last = real_cells["B0025"].read_cycles(31)
    assert (last.number, last.time_s.size) == (31, 508)
    for series in (last.voltage_v, last.current_c_rate, last.temperature_degc):
        assert np.flatnonzero(np.isnan(series)).tolist() == [504, 507]


def test_real_cell_at_4_degc_starts_cold(real_cells):
    cycle = next(real_cells["B0045"].read_cycles(1))
    assert cycle.time_s.size == 1621
    assert_allclose(cycle.temperature_degc[:2], [6.20157813, 6.20766749], rtol=1e-8)
    assert_allclose(cycle.current_c_rate[1], 0.755261615, rtol=1e-8)


def test_real_charges_begin_with_one_sample_of_leftover_discharge(real_cells):
    lowest_a = [
        2.0 * np.min(cycle.current_c_rate[:3]) for cycle in real_cells["B0025"].read_cycles(31)
    ]
    assert len(lowest_a) == 31
    assert max(lowest_a) < -2.5
    assert_allclose(min(lowest_a), -3.9135, atol=1e-4)


def test_real_charges_end_at_3_hours_with_current_still_flowing(real_cells):
    ends = [
        (cycle.time_s[-1], 2.0 * cycle.current_c_rate[-1])
        for cycle in real_cells["B0046"].read_cycles(5)
    ]
    assert_allclose([time_s for time_s, _ in ends], 10805.0, atol=5.0)
    assert_allclose(
        [current_a for _, current_a in ends], [0.0594, 0.0706, 0.0668, 0.0538, 0.0682], atol=1e-4
    )


def test_real_cells_at_4_degc_are_past_their_life_from_the_first_cycle(real_cells):
    assert find_end_of_life(real_cells["B0045"], 0.8, "drop").reason == "eol_before_record"
    # A discharge that was broken off.
    assert real_cells["B0045"].discharge_capacity_ah[19] == 0.0
