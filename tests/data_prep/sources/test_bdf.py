import gzip

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.charges.segmentation import charge_segments, cut_charge
from data_prep.errors import SourceError
from data_prep.sources.base import CellPlace, SourceOptions
from data_prep.sources.bdf import reader as bdf
from tests.builders import read_cells

# Two cycles of a 2 Ah cell; the second has a rest (0 A) and a discharge (negative current).
LABELS = ("Test Time / s", "Voltage / V", "Current / A", "Cycle Count / 1")
MACHINE_NAMES = ("test_time_second", "voltage_volt", "current_ampere", "cycle_count")
ROWS = [
    (0.0, 3.0, 2.0, 1),
    (60.0, 3.4, 2.0, 1),
    (120.0, 3.6, 0.5, 1),
    (700.0, 3.2, 0.0, 2),
    (760.0, 3.1, -4.0, 2),
]
ENDINGS = (".bdf", ".bdf.gz", ".bdf.csv", ".bdf.csv.gz", ".bdf.parquet")


def table(labels=LABELS, **more_columns):
    return pd.DataFrame(ROWS, columns=list(labels)).assign(**more_columns)


def write_table(path, frame):
    if path.name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        text = frame.to_csv(index=False).encode()
        path.write_bytes(gzip.compress(text) if path.name.endswith(".gz") else text)
    return path


def only_cell(path, nominal_capacity_ah=2.0, temperature_column=None):
    options = SourceOptions(nominal_capacity_ah, temperature_column)
    (cell,) = read_cells(bdf, [path], options)
    return cell


def all_cycles(path, **options):
    cell = only_cell(path, **options)
    return list(cell.read_cycles(cell.last_cycle))


@pytest.fixture
def csv_file(tmp_path):
    return write_table(tmp_path / "cell_a.bdf.csv", table())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("labels", [LABELS, MACHINE_NAMES])
@pytest.mark.parametrize(
    ("time_unit", "factor"), [("s", 1.0), ("ms", 1e3), ("min", 1 / 60), ("h", 1 / 3600)]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_every_form_of_the_format_gives_the_same_cycles(
    tmp_path, ending, labels, time_unit, factor, sign
):
    machine = {"s": "second", "ms": "millisecond", "min": "minute", "h": "hour"}[time_unit]
    time_label = f"Test Time / {time_unit}" if labels is LABELS else f"test_time_{machine}"
    frame = table((time_label, *labels[1:]))
    frame[time_label] *= factor
    frame[labels[2]] *= sign
    cell = only_cell(write_table(tmp_path / f"cell_a{ending}", frame))
    first, second = cell.read_cycles(2)
    assert (cell.cell_id, first.number, second.number) == ("cell_a", 1, 2)
    assert_allclose(first.time_s, [0.0, 60.0, 120.0], rtol=1e-12)
    assert_array_equal(first.voltage_v, [3.0, 3.4, 3.6])
    assert_array_equal(first.current_c_rate, [1.0, 1.0, 0.25])
    assert_allclose(second.time_s, [700.0, 760.0], rtol=1e-12)
    assert_array_equal(second.current_c_rate, [0.0, -2.0])
    assert len(cell.notes) == (sign == -1)


def test_measured_capacities_and_temperature_are_those_of_their_columns(tmp_path):
    columns = {
        "Cycle Charging Capacity / mAh": [0.0, 33.0, 50.0, 0.0, 0.0],
        "Cycle Discharging Capacity / Ah": [0.0, 0.0, 0.0, 0.0, 1.5],
        "Surface Temperature / degC": [25.0, 26.5, 28.0, 24.0, 24.5],
        "Voltage / V": [3.0, 3.4, 3.6, 3.2, 3.1],
    }
    rest = pd.DataFrame([(820.0, 3.3, 0.0, 2)], columns=list(LABELS))
    frame = pd.concat([table(**columns), rest]).ffill()
    cell = only_cell(write_table(tmp_path / "cell_a.bdf.csv", frame))
    cycle = next(cell.read_cycles(1))
    assert_allclose(cycle.charge_capacity_ah, [0.0, 0.033, 0.05], rtol=1e-12)
    assert_array_equal(cycle.temperature_degc, [25.0, 26.5, 28.0])
    assert cell.discharge_capacity_ah == {2: 1.5}


def test_the_users_temperature_column_is_taken(tmp_path):
    columns = {"Temperature T1 / degC": 20.0, "Temperature T2 / degC": 30.0}
    path = write_table(tmp_path / "cell_a.bdf.csv", table(**columns))
    assert_array_equal(all_cycles(path)[0].temperature_degc, [20.0] * 3)
    assert_array_equal(all_cycles(path, temperature_column="T2")[0].temperature_degc, [30.0] * 3)
    assert only_cell(path).notes == ("temperature: T1 of 2 columns (T1, T2)",)


def test_values_that_are_missing_or_infinite_are_passed_on(tmp_path):
    frame = table(**{"Voltage / V": [3.0, np.nan, np.inf, 3.2, 3.1]})
    cycles = all_cycles(write_table(tmp_path / "cell_a.bdf.parquet", frame))
    assert_array_equal(cycles[0].voltage_v, [3.0, np.nan, np.inf])


def test_an_unsigned_current_is_refused_and_not_read_as_one_long_charge(tmp_path):
    voltage_v = [*np.linspace(3.0, 4.2, 40), *np.linspace(4.15, 2.95, 40)] * 3
    frame = pd.DataFrame({LABELS[0]: 60.0 * np.arange(240), LABELS[1]: voltage_v, LABELS[2]: 2.0})
    path = write_table(tmp_path / "cell_a.bdf.csv", frame)
    with pytest.raises(
        SourceError, match=r"cell_a\.bdf\.csv: `Current / A` has no sign: it is nev"
    ):
        only_cell(path)


@pytest.fixture
def mixed_folder(tmp_path):
    """Tables of this format and other files."""
    for name in ("b.bdf.parquet", "a.bdf.csv", "d.bdf.gz", "UCam__A0001__20241031_001.csv"):
        write_table(tmp_path / name, table(MACHINE_NAMES))
    write_table(tmp_path / "e.parquet", table())
    (tmp_path / "cells.csv").write_text("cell_id,eol_cycles\na,500\n")
    (tmp_path / "a.capacity.csv").write_text("cycle,discharge_capacity_ah\n1,1.1\n")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "arbin.csv").write_text("Test_Time,Current,Voltage,Cycle_Index\n0,1,3,1\n")
    return tmp_path


def test_files_of_a_folder_are_those_named_so_and_those_with_its_header(mixed_folder):
    files = bdf.find_files(mixed_folder)
    names = ["UCam__A0001__20241031_001.csv", "a.bdf.csv", "b.bdf.parquet", "d.bdf.gz", "e.parquet"]
    assert [path.name for path in files] == names
    assert all(bdf.is_bdf(path) for path in files)
    places = list(bdf.list_cells(files, SourceOptions()))
    assert [place.cell_id for place in places] == ["UCam__A0001__20241031_001", *"abde"]
    assert [place.key.eol_cycles for place in places] == [None, 500, None, None, None]


@pytest.mark.parametrize("name", ["cells.csv", "a.capacity.csv", "arbin.csv", "notes.txt"])
def test_other_files_are_not_of_this_format(mixed_folder, name):
    assert not bdf.is_bdf(mixed_folder / name)


def test_a_file_that_is_given_by_itself_is_read_whatever_its_header(mixed_folder):
    path = mixed_folder / "arbin.csv"
    assert bdf.find_files(path) == [path]
    with pytest.raises(SourceError, match=r"arbin\.csv: expected the column Test Time / s or "):
        only_cell(path)


def test_a_file_with_a_damaged_header_among_those_of_the_format_is_not_passed_over(mixed_folder):
    for name in ("0.csv", "1.parquet", "2.txt"):
        (mixed_folder / name).write_bytes(b"")
    files = bdf.find_files(mixed_folder)
    assert [path.name for path in files[:2]] == ["0.csv", "1.parquet"]
    assert len(files) == 2 + 5
    places = list(bdf.list_cells(files, SourceOptions()))
    for place, message in zip(
        places[:2], ("expected names", "cannot be read as a Pa"), strict=True
    ):
        with pytest.raises(SourceError, match=message):
            bdf.read_cell(place, SourceOptions(2.0))


def test_a_folder_of_damaged_tables_alone_is_not_of_this_format(tmp_path):
    (tmp_path / "0.csv").touch()
    with pytest.raises(SourceError, match="holds no BDF files"):
        bdf.find_files(tmp_path)


def test_a_damaged_file_is_listed_and_refused_when_it_is_read(tmp_path):
    path = tmp_path / "cell_a.bdf.csv"
    path.touch()
    assert bdf.find_files(tmp_path) == [path]
    (place,) = bdf.list_cells([path], SourceOptions())
    assert isinstance(place, CellPlace)
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.csv: expected names of columns"):
        bdf.read_cell(place, SourceOptions(2.0))


@pytest.mark.parametrize("names", [[], ["cells.csv"], ["notes.txt"]])
def test_a_folder_without_bdf_files_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("cell_id,eol_cycles\na,500\n")
    with pytest.raises(SourceError, match=r"holds no BDF files \(names that end with \.bdf, "):
        bdf.find_files(tmp_path)


def test_facts_about_a_cell_come_from_the_files_beside_it(csv_file):
    csv_file.with_name("cells.csv").write_text(
        "cell_id,eol_cycles,nominal_capacity_ah,max_voltage_v,charge_policy\n"
        'cell_a,751,1.25,3.6,"4C, then 1C"\nnot_here,,,,\n'
    )
    csv_file.with_name("cell_a.capacity.csv").write_text("cycle,discharge_capacity_ah\n2,1.2\n")
    cell = only_cell(csv_file, nominal_capacity_ah=None)
    assert (cell.cell_id, cell.source_file) == ("cell_a", "cell_a.bdf.csv")
    assert (cell.eol_cycles, cell.nominal_capacity_ah, cell.max_voltage_v) == (751, 1.25, 3.6)
    assert cell.charge_policy == "4C, then 1C"
    assert cell.discharge_capacity_ah == {2: 1.2}
    assert_array_equal(next(cell.read_cycles(1)).current_c_rate, [1.6, 1.6, 0.4])


def test_a_cell_without_facts_has_none(csv_file):
    write_table(csv_file.with_name("cell_b.bdf.csv"), table())
    csv_file.with_name("cells.csv").write_text("cell_id,eol_cycles\ncell_b,500\n")
    cell = only_cell(csv_file)
    assert (cell.eol_cycles, cell.max_voltage_v, cell.charge_policy) == (None, None, None)
    assert cell.discharge_capacity_ah == {}


def test_the_users_nominal_capacity_goes_before_cells_csv(csv_file):
    csv_file.with_name("cells.csv").write_text("cell_id,nominal_capacity_ah\ncell_a,1.1\n")
    assert only_cell(csv_file, nominal_capacity_ah=4.0).nominal_capacity_ah == 4.0


def test_an_unknown_nominal_capacity_is_refused_with_both_ways_to_give_it(csv_file):
    with pytest.raises(SourceError, match=r"cell_a is unknown.*--nominal-capacity-ah.*cells\.csv"):
        only_cell(csv_file, nominal_capacity_ah=None)


def test_a_file_that_is_no_bdf_is_named_for_that_and_not_for_its_nominal_capacity(tmp_path):
    path = tmp_path / "junk.bdf.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(SourceError, match=r"expected the column Test Time / s .* found x, y"):
        only_cell(path, nominal_capacity_ah=None)


def test_no_temperature_is_taken_where_the_user_asks_for_none(tmp_path):
    columns = {"Temperature T1 / degC": 20.0, "Temperature T2 / degC": 30.0}
    path = write_table(tmp_path / "cell_a.bdf.csv", table(**columns))
    assert all_cycles(path, temperature_column="none")[0].temperature_degc is None
    assert only_cell(path, temperature_column="none").notes == ()


@pytest.fixture(scope="module")
def real_cells(shared_data):
    cells = read_cells(bdf, bdf.find_files(shared_data / "attia"), SourceOptions())
    return {cell.cell_id: cell for cell in cells}


def test_real_cell_has_its_known_life(real_cells):
    cell = real_cells["attia_ch11"]
    assert (len(real_cells), cell.last_cycle, cell.eol_cycles) == (15, 761, 751)
    assert cell.charge_policy == "3.6C(20%)-6C(40%)-5.6C(60%)-4.755C(80%)-1C"
    capacities_ah = cell.discharge_capacity_ah
    assert [capacities_ah[cycle] for cycle in (1, 2, 3)] == [1.0453, 1.04862, 1.04908]
    assert len(capacities_ah) == 761


def test_real_charges_leave_no_choice(real_cells):
    assert {cell.notes for cell in real_cells.values()} == {()}


def test_real_charges_have_128_points_each(real_cells):
    cell = real_cells["attia_ch11"]
    cycles = list(cell.read_cycles(cell.last_cycle))
    assert [cycle.number for cycle in cycles] == list(range(1, 762))
    assert {cycle.time_s.size for cycle in cycles} == {128}


def test_real_first_points_of_a_charge(real_cells):
    cycle = next(real_cells["attia_ch11"].read_cycles(1))
    assert_allclose(cycle.time_s[:2], [0.0, 13.18], rtol=1e-12)
    # Stored in single precision, about 1e-7 relative.
    assert_allclose(cycle.voltage_v[:2], [2.6096, 3.0365], rtol=1e-6)
    assert_allclose(cycle.current_c_rate[:2], [0.3410 / 1.1, 3.961 / 1.1], rtol=1e-6)
    assert (cycle.temperature_degc, cycle.charge_capacity_ah) == (None, None)


def test_real_charges_begin_below_their_rate_and_pause_at_policy_steps(real_cells):
    # The first point is at 0.3 to 0.5 C, those at a policy step are near 0.
    cycles = list(real_cells["attia_ch11"].read_cycles(100))
    first_c_rates = [cycle.current_c_rate[0] for cycle in cycles]
    assert_allclose([min(first_c_rates), max(first_c_rates)], [0.242, 0.432], atol=1e-3)
    lowest_c_rates = [cycle.current_c_rate[3:100].min() for cycle in cycles]
    assert np.median(lowest_c_rates) == pytest.approx(0.195, abs=1e-3)


def test_real_charges_integrate_to_their_discharges(real_cells):
    # Charges alone, without a measured Qc: 1 to 2 % from the discharge, up to 5 % near the end.
    cell = real_cells["attia_ch11"]
    ratios = []
    for cycle in cell.read_cycles(700):
        charge = cut_charge(cycle, charge_segments(cycle)[0], 1.1)
        ratios.append(charge.charge_capacity_ah[-1] / cell.discharge_capacity_ah[cycle.number])
    assert 0.98 < np.median(ratios) < 1.02
    assert 0.95 < min(ratios) < max(ratios) < 1.05


# A rate test of a cell of 6.55 Ah (its discharges are at 0.1, 1, 2, 5 and 9 times 6.55 A).
@pytest.fixture(scope="module")
def rate_test(shared_data):
    (path,) = bdf.find_files(shared_data / "bdf")
    return path


def test_real_export_of_one_cycle_number_is_counted_in_5_cycles(rate_test):
    cell = only_cell(rate_test, nominal_capacity_ah=6.55)
    cycles = list(cell.read_cycles(cell.last_cycle))
    assert [cycle.number for cycle in cycles] == [1, 2, 3, 4, 5]
    assert sum(cycle.time_s.size for cycle in cycles) == 13086
    assert cell.notes == (
        "temperature: T1 of 3 columns (T1, T2, T3)",
        "cycles: counted from the current, cycle_count is 1 throughout",
        "discharge capacity: the integral of the current",
    )


def test_real_samples_come_as_they_were_written(rate_test):
    cycles = all_cycles(rate_test, nominal_capacity_ah=6.55)
    assert_array_equal(cycles[0].time_s[:3], [0.0, 0.01, 10.0])
    assert_array_equal(cycles[0].voltage_v[:3], [3.8133, 3.8133, 3.8133])
    assert_array_equal(cycles[0].temperature_degc[:3], [26.5, 26.5, 26.5])
    assert (cycles[-1].time_s[-1], cycles[-1].voltage_v[-1]) == (125628.17, 2.9995)
    # The first row of each step but the first carries 0 s.
    time_s = np.concatenate([cycle.time_s for cycle in cycles])
    assert (np.diff(time_s) < 0).sum() == 19


def test_real_discharges_are_integrated_across_the_jumps_of_the_clock(rate_test):
    capacities_ah = only_cell(rate_test, nominal_capacity_ah=6.55).discharge_capacity_ah
    # 0.6538 A over 40084.87 s, 6.55 A over 3987.12 s, 13.1 A over 1988.91 s: 7.28, 7.25, 7.24 Ah.
    # The record ends in the last one, at the 3.0 V at which the others end.
    assert_allclose(list(capacities_ah.values()), [7.28, 7.25, 7.24, 7.21, 7.19], atol=0.01)
    assert list(capacities_ah) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("name", "hottest_degc"), [("T1", 50.4), ("T2", 57.9), ("T3", 51.8)])
def test_real_temperatures_can_be_chosen_from(rate_test, name, hottest_degc):
    last = all_cycles(rate_test, nominal_capacity_ah=6.55, temperature_column=name)[-1]
    assert last.temperature_degc.max() == hottest_degc
