import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SourceError
from data_prep.sources import bdf
from data_prep.sources.base import SourceOptions
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


def table(labels=LABELS, **more_columns):
    frame = pd.DataFrame(ROWS, columns=list(labels))
    return frame.assign(**more_columns)


def write_text(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_csv(path, frame):
    frame.to_csv(path, index=False)
    return path


def only_cell(path, nominal_capacity_ah=2.0):
    (cell,) = read_cells(bdf, [path], SourceOptions(nominal_capacity_ah))
    return cell


def all_cycles(path, **options):
    cell = only_cell(path, **options)
    return list(cell.read_cycles(cell.last_cycle))


@pytest.fixture
def csv_file(tmp_path):
    return write_csv(tmp_path / "cell_a.bdf.csv", table())


@pytest.fixture(params=[".bdf.csv", ".bdf.parquet"])
def write(request, tmp_path):
    """Writes a table as `cell_a` in either form of the format."""

    def write_table(frame):
        path = tmp_path / f"cell_a{request.param}"
        if request.param == ".bdf.csv":
            return write_csv(path, frame)
        frame.to_parquet(path)
        return path

    return write_table


@pytest.mark.parametrize("labels", [LABELS, MACHINE_NAMES])
def test_cycles_come_apart_with_amperes_as_c_rate(write, labels):
    first, second = all_cycles(write(table(labels)))
    assert (first.number, second.number) == (1, 2)
    assert_array_equal(first.time_s, [0.0, 60.0, 120.0])
    assert_array_equal(first.voltage_v, [3.0, 3.4, 3.6])
    assert_array_equal(first.current_c_rate, [1.0, 1.0, 0.25])
    assert_array_equal(second.time_s, [700.0, 760.0])
    assert_array_equal(second.current_c_rate, [0.0, -2.0])
    assert (first.temperature_degc, first.charge_capacity_ah) == (None, None)


@pytest.mark.parametrize("label", bdf.COLUMNS["temperature_degc"].labels)
def test_temperature_is_read_under_each_label(write, label):
    first, second = all_cycles(write(table(**{label: [25.0, 26.5, 28.0, 24.0, 24.5]})))
    assert_array_equal(first.temperature_degc, [25.0, 26.5, 28.0])
    assert_array_equal(second.temperature_degc, [24.0, 24.5])


def test_surface_temperature_goes_before_another_sensor(write):
    columns = {"Temperature T1 / degC": [1.0] * 5, "surface_temperature_celsius": [30.0] * 5}
    assert_array_equal(all_cycles(write(table(**columns)))[0].temperature_degc, [30.0] * 3)


@pytest.mark.parametrize("label", bdf.COLUMNS["charge_capacity_ah"].labels)
def test_charging_capacity_of_the_cycle_is_read(write, label):
    cycles = all_cycles(write(table(**{label: [0.0, 0.033, 0.05, 0.0, 0.0]})))
    assert_array_equal(cycles[0].charge_capacity_ah, [0.0, 0.033, 0.05])


def test_charging_capacity_that_never_resets_is_not_taken_for_it(write):
    cycles = all_cycles(write(table(**{"Charging Capacity / Ah": [0.1] * 5})))
    assert cycles[0].charge_capacity_ah is None


def test_cycles_after_the_last_asked_for_are_not_made(csv_file):
    assert [cycle.number for cycle in only_cell(csv_file).read_cycles(1)] == [1]


def test_cycle_numbers_keep_their_gaps(write):
    cell = only_cell(write(table().replace({"Cycle Count / 1": {2: 7}})))
    assert cell.last_cycle == 7
    assert [cycle.number for cycle in cell.read_cycles(7)] == [1, 7]


def test_rows_of_a_cycle_keep_their_order_in_the_file(write):
    # Long enough that a sort which is not stable would show.
    time_s = np.arange(1000.0)
    rows = {"Test Time / s": time_s, "Voltage / V": 3.3, "Current / A": 2.0}
    frame = pd.DataFrame(rows | {"Cycle Count / 1": 2 - np.arange(1000) % 2})
    first, second = all_cycles(write(frame))
    assert_array_equal(first.time_s, time_s[1::2])
    assert_array_equal(second.time_s, time_s[::2])


def test_single_precision_becomes_double(tmp_path):
    path = tmp_path / "cell_a.bdf.parquet"
    table().astype("float32").to_parquet(path)
    assert all_cycles(path)[0].voltage_v.dtype == np.float64


def test_empty_and_infinite_values_are_passed_on(write):
    frame = table().assign(**{"Voltage / V": [3.0, np.nan, np.inf, 3.2, 3.1]})
    assert_array_equal(all_cycles(write(frame))[0].voltage_v, [3.0, np.nan, np.inf])


def test_a_csv_with_byte_order_mark_and_blanks_after_commas_is_read(tmp_path):
    path = tmp_path / "cell_a.bdf.csv"
    write_text(path, "\ufeff" + ", ".join(LABELS), "0, 3.0, 2.0, 1", "60, 3.4, 2.0, 1")
    assert_array_equal(all_cycles(path)[0].voltage_v, [3.0, 3.4])


def test_a_comma_at_the_end_of_each_row_does_not_shift_the_columns(tmp_path):
    path = tmp_path / "cell_a.bdf.csv"
    write_text(path, ",".join(LABELS), "0,3.0,2.0,1,", "60,3.4,2.0,1,")
    assert_array_equal(all_cycles(path)[0].voltage_v, [3.0, 3.4])


def test_only_bdf_names_are_cells(tmp_path):
    names = ("b.bdf.parquet", "a.bdf.csv", "cells.csv", "a.capacity.csv", "c.csv", "d.parquet")
    for name in names:
        (tmp_path / name).touch()
    assert [path.name for path in bdf.find_files(tmp_path)] == ["a.bdf.csv", "b.bdf.parquet"]


def test_a_folder_without_bdf_files_is_refused(tmp_path):
    write_text(tmp_path / "cells.csv", "cell_id,eol_cycles", "a,500")
    with pytest.raises(SourceError, match=r"holds no BDF files \(names that end with \.bdf\.csv"):
        bdf.find_files(tmp_path)


def test_facts_about_a_cell_come_from_the_files_beside_it(csv_file):
    write_text(
        csv_file.with_name("cells.csv"),
        "\ufeffcell_id,eol_cycles,nominal_capacity_ah,max_voltage_v,charge_policy",
        'cell_a,751,1.25,3.6,"4C, then 1C"',
        "cell_b,,,,",
    )
    write_text(csv_file.with_name("cell_a.capacity.csv"), "cycle,discharge_capacity_ah", "2,1.2")
    cell = only_cell(csv_file, nominal_capacity_ah=None)
    assert (cell.cell_id, cell.source_file) == ("cell_a", "cell_a.bdf.csv")
    assert (cell.eol_cycles, cell.nominal_capacity_ah, cell.max_voltage_v) == (751, 1.25, 3.6)
    assert cell.charge_policy == "4C, then 1C"
    assert cell.discharge_capacity_ah == {2: 1.2}
    assert_array_equal(next(cell.read_cycles(1)).current_c_rate, [1.6, 1.6, 0.4])


def test_a_cell_without_facts_has_none(csv_file):
    write_text(csv_file.with_name("cells.csv"), "cell_id,eol_cycles", "cell_a,", "cell_b,500")
    cell = only_cell(csv_file)
    assert (cell.eol_cycles, cell.max_voltage_v, cell.charge_policy) == (None, None, None)
    assert cell.discharge_capacity_ah == {}


def test_the_users_nominal_capacity_goes_before_cells_csv(csv_file):
    write_text(csv_file.with_name("cells.csv"), "cell_id,nominal_capacity_ah", "cell_a,1.1")
    assert only_cell(csv_file, nominal_capacity_ah=4.0).nominal_capacity_ah == 4.0


def test_an_unknown_nominal_capacity_is_refused_with_both_ways_to_give_it(csv_file):
    with pytest.raises(SourceError, match=r"cell_a is unknown.*--nominal-capacity-ah.*cells\.csv"):
        only_cell(csv_file, nominal_capacity_ah=None)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["cell_a,soon,1.1"], "line 2, cell 'cell_a': `eol_cycles` must be .*eol_cycles=soon"),
        (["cell_b,,", "cell_a,0,1.1"], "line 3, cell 'cell_a': .*eol_cycles=0"),
        (["cell_a,-5,1.1"], "whole number of 1 or more. Received: eol_cycles=-5"),
        (["cell_a,500.5,1.1"], "eol_cycles=500.5"),
        (["cell_a,inf,1.1"], "eol_cycles=inf"),
        (["cell_a,500,0"], "a number above 0. Received: nominal_capacity_ah=0"),
        (["cell_a,500,-1.1"], "nominal_capacity_ah=-1.1"),
        (["cell_a,500,nan"], "nominal_capacity_ah=nan"),
        (["cell_a,500,1.1", "cell_a,600,1.1"], "line 3, cell 'cell_a': is there twice"),
        ([",500,1.1"], "line 2, cell '': has no `cell_id`"),
        (["cell_a,500,1.1,4C,1C"], "line 2: has more values than the header"),
    ],
)
def test_a_bad_row_of_cells_csv_is_refused(csv_file, rows, message):
    path = csv_file.with_name("cells.csv")
    write_text(path, "cell_id,eol_cycles,nominal_capacity_ah", *rows)
    with pytest.raises(SourceError, match=r"cells\.csv, .*" + message):
        only_cell(csv_file)


@pytest.mark.parametrize(("header", "found"), [("cell,eol_cycles", "cell, eol"), ("", "nothing")])
def test_a_cells_csv_without_cell_ids_names_what_it_has(csv_file, header, found):
    write_text(csv_file.with_name("cells.csv"), header)
    with pytest.raises(
        SourceError, match=rf"cells\.csv: expected the column cell_id, found {found}"
    ):
        only_cell(csv_file)


def test_a_cells_csv_of_other_bytes_is_refused(csv_file):
    csv_file.with_name("cells.csv").write_bytes(b"cell_id,charge_policy\ncell_a,\xff\xfe\n")
    with pytest.raises(SourceError, match=r"cells\.csv: cannot be read as a comma-separated table"):
        only_cell(csv_file)


def test_a_cycle_without_measured_capacity_has_no_entry(csv_file):
    path = csv_file.with_name("cell_a.capacity.csv")
    write_text(path, "cycle,discharge_capacity_ah", "1,1.75", "2,", "3,nan", "5,1.5")
    assert only_cell(csv_file).discharge_capacity_ah == {1: 1.75, 5: 1.5}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,1.2", "2,low"], ", line 3: .* Received: discharge_capacity_ah=low"),
        (["0,1.2"], ", line 2: `cycle` must be a whole number of 1 or more. Received: cycle=0"),
        (["1.5,1.2"], "cycle=1.5"),
        ([",1.2"], ", line 2: `cycle` is empty"),
        (["1,1.2", "1,1.1"], ", line 3: cycle 1 is there twice"),
    ],
)
def test_a_bad_row_of_capacities_is_refused(csv_file, rows, message):
    path = csv_file.with_name("cell_a.capacity.csv")
    write_text(path, "cycle,discharge_capacity_ah", *rows)
    with pytest.raises(SourceError, match=r"cell_a\.capacity\.csv" + ".*" + message):
        only_cell(csv_file)


def test_capacities_without_their_column_are_refused(csv_file):
    write_text(csv_file.with_name("cell_a.capacity.csv"), "cycle,capacity", "1,1.2")
    with pytest.raises(SourceError, match="expected the column discharge_capacity_ah, found cycle"):
        only_cell(csv_file)


def test_two_files_of_one_cell_are_refused(csv_file):
    twin = csv_file.with_name("cell_a.bdf.parquet")
    table().to_parquet(twin)
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.parquet: cell cell_a is also in cell_a"):
        list(read_cells(bdf, bdf.find_files(csv_file.parent), SourceOptions(2.0)))


@pytest.mark.parametrize("missing", LABELS)
def test_a_missing_column_is_named_with_those_found(write, missing):
    found = ", ".join(label for label in LABELS if label != missing)
    message = rf"cell_a\.bdf\..*: expected the column {missing} or \w+, found {found}\."
    path = write(table().drop(columns=missing))
    with pytest.raises(SourceError, match=message):
        only_cell(path)


@pytest.mark.parametrize("number", [0, -1, 1.5, np.nan, np.inf])
def test_cycles_not_numbered_from_1_are_refused(write, number):
    path = write(table().assign(**{"Cycle Count / 1": [1, 1, 1, number, 2]}))
    with pytest.raises(SourceError, match=rf"data row 4: the cycle count .* Received: {number}\."):
        only_cell(path)


def test_text_among_the_numbers_names_row_and_column(write):
    path = write(table().assign(**{"Voltage / V": ["3.0", "3.4", "OVER", "3.2", "3.1"]}))
    with pytest.raises(SourceError, match=r"data row 3: `Voltage / V` .* Received: 'OVER'"):
        all_cycles(path)


def test_dates_in_the_place_of_seconds_are_refused(write):
    path = write(table().assign(**{"Test Time / s": pd.Timestamp("2024-10-23 08:00")}))
    with pytest.raises(SourceError, match="data row 1: `Test Time / s` .* Received: '2024-10-23"):
        all_cycles(path)


def test_an_empty_csv_is_refused(tmp_path):
    path = tmp_path / "cell_a.bdf.csv"
    path.touch()
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.csv: cannot be read .*No columns"):
        only_cell(path)


def test_a_table_without_rows_is_refused(write):
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.\w+: has no rows under its header"):
        only_cell(write(table().iloc[:0]))


@pytest.mark.parametrize("rows", [["0,3.0,2.0,1,9"], ["0,3.0,2.0,1", "60,3.4,2.0,1,9"]])
def test_rows_longer_than_the_header_are_refused(tmp_path, rows):
    path = write_text(tmp_path / "cell_a.bdf.csv", ",".join(LABELS), *rows)
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.csv: cannot be read as a comma-separated"):
        only_cell(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_parquet_is_refused(tmp_path, share):
    path = tmp_path / "cell_a.bdf.parquet"
    table().to_parquet(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.parquet: cannot be read as a Parquet"):
        only_cell(path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    path = tmp_path / "cell_a.bdf.csv"
    path.mkdir()
    with pytest.raises(SourceError, match=r"cell_a\.bdf\.csv: cannot be read"):
        only_cell(path)


@pytest.fixture(scope="module")
def real_cells(shared_data):
    cells = read_cells(bdf, bdf.find_files(shared_data / "attia"), SourceOptions())
    return {cell.cell_id: cell for cell in cells}


def test_real_cells_are_15_of_1_1_ah_in_3_policies(real_cells):
    cells = real_cells.values()
    assert len(cells) == 15
    assert {(cell.nominal_capacity_ah, cell.max_voltage_v) for cell in cells} == {(1.1, 3.6)}
    policies = [cell.charge_policy for cell in cells]
    assert sorted(policies.count(policy) for policy in set(policies)) == [5, 5, 5]


def test_real_cell_has_its_known_life(real_cells):
    cell = real_cells["attia_ch11"]
    assert (cell.last_cycle, cell.eol_cycles) == (761, 751)
    assert cell.charge_policy == "3.6C(20%)-6C(40%)-5.6C(60%)-4.755C(80%)-1C"
    capacities_ah = cell.discharge_capacity_ah
    assert [capacities_ah[cycle] for cycle in (1, 2, 3)] == [1.0453, 1.04862, 1.04908]
    assert len(capacities_ah) == 761


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


def test_real_capacity_first_falls_below_80_percent_at_the_eol(real_cells):
    for cell in real_cells.values():
        below_80_percent = [n for n, ah in cell.discharge_capacity_ah.items() if ah < 0.8 * 1.1]
        assert min(below_80_percent) == cell.eol_cycles


def test_real_export_with_machine_names_and_three_sensors(shared_data):
    (path,) = bdf.find_files(shared_data / "bdf")
    (cycle,) = all_cycles(path, nominal_capacity_ah=3.0)
    assert cycle.time_s.size == 13086
    assert_array_equal(cycle.time_s[:3], [0.0, 0.01, 10.0])
    assert_array_equal(cycle.voltage_v[:3], [3.8133, 3.8133, 3.8133])
    assert_array_equal(cycle.temperature_degc[:3], [26.5, 26.5, 26.5])
    assert (np.diff(cycle.time_s) < 0).sum() == 19
