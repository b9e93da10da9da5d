import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.charges.segmentation import charge_segments, cut_charge
from data_prep.errors import SourceError
from data_prep.sources.arbin import reader as arbin
from data_prep.sources.base import SourceOptions
from tests.builders import read_cells

HEADER = (
    "Data_Point,Test_Time,DateTime,Step_Time,Step_Index,Cycle_Index,Current,Voltage,"
    "Charge_Capacity,Discharge_Capacity,Internal_Resistance,Temperature"
)
METADATA_HEADER = ",Test_ID,IV_Ch_ID,Schedule_File_Name,Item_ID"


def row(minutes, cycle, current_a, voltage_v, charged_ah, discharged_ah, temperature_degc=25.0):
    """A row as the raw downloads write it, whole numbers as floats."""
    return (
        f"0,{60.0 * minutes},1494645243.5,1.0,1.0,{float(cycle)},{current_a},{voltage_v},"
        f"{charged_ah},{discharged_ah},0.0,{temperature_degc}"
    )


def three_cycles(charge_counter_goes_on):
    """A rest, then two cycles of a 1 Ah cell: half an hour at 1 C, half an hour at -1 C, rest.

    The counters are set back with each cycle, or go on through the test.
    """
    rows = [row(minute, 0, 0.0, 3.0, 0.0, 0.0, 20.0) for minute in range(3)]
    for cycle in (1, 2):
        start = 3 + 80 * (cycle - 1)
        counted_ah = 0.5 * (cycle - 1) if charge_counter_goes_on else 0.0
        for minute in range(31):
            charged_ah = counted_ah + minute / 60
            values = (1.0, 3.0 + minute / 60, charged_ah, counted_ah)
            rows.append(row(start + minute, cycle, *values))
        for minute in range(31):
            discharged_ah = counted_ah + minute / 60
            values = (-1.0, 3.5 - minute / 60, counted_ah + 0.5, discharged_ah)
            rows.append(row(start + 31 + minute, cycle, *values))
        rows.append(row(start + 70, cycle, 0.0, 3.1, counted_ah + 0.5, counted_ah + 0.5))
    return rows


@pytest.fixture
def write(tmp_path):
    def write_csv(rows, header=HEADER, name="a.csv"):
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return path

    return write_csv


@pytest.fixture
def describe(tmp_path):
    """Writes the metadata of `a.csv`."""

    def write_metadata(barcode, schedule, name="a_Metadata.csv"):
        (tmp_path / name).write_text(f"{METADATA_HEADER}\n0,144,32,{schedule},{barcode}\n")

    return write_metadata


def only_cell(path, nominal_capacity_ah=1.0, temperature_column=None):
    (cell,) = read_cells(arbin, [path], SourceOptions(nominal_capacity_ah, temperature_column))
    return cell


@pytest.mark.parametrize("goes_on", [False, True])
def test_cycles_come_apart_wherever_the_counters_are_set_back(write, goes_on):
    cell = only_cell(write(three_cycles(goes_on)))
    first, second = cell.read_cycles(2)
    assert (cell.cell_id, cell.last_cycle, first.number, second.number) == ("a", 2, 1, 2)
    assert_array_equal(first.time_s[:2], [180.0, 240.0])
    assert_array_equal(second.current_c_rate[[0, 30, 31, -1]], [1.0, 1.0, -1.0, 0.0])
    assert_array_equal(second.temperature_degc, [25.0] * 63)
    for cycle in (first, second):
        charge = cut_charge(cycle, charge_segments(cycle)[0], 1.0)
        assert_allclose(charge.charge_capacity_ah, np.arange(31) / 60, atol=1e-12)
    assert cell.discharge_capacity_ah == pytest.approx({1: 0.5, 2: 0.5}, rel=1e-12)
    assert cell.notes == ("cycle 0 left out: what comes before the first numbered cycle",)


def test_a_file_that_is_no_arbin_is_named_for_that_and_not_for_its_nominal_capacity(tmp_path):
    path = tmp_path / "junk.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(SourceError, match=r"expected the column Test_Time, found x, y"):
        only_cell(path, nominal_capacity_ah=None)


def test_no_temperature_is_taken_where_the_user_asks_for_none(write):
    (cycle, _) = only_cell(write(three_cycles(False)), temperature_column="none").read_cycles(2)
    assert cycle.temperature_degc is None


def test_a_rest_of_cycle_0_alone_has_no_charge(write):
    cell = only_cell(write(three_cycles(False)[:3]))
    (cycle,) = cell.read_cycles(1)
    assert charge_segments(cycle)[0] is None
    assert "cycles: counted from the current, Cycle_Index is 0 throughout" in cell.notes


def test_a_meter_that_leaks_is_no_discharge(write):
    rows = [row(minute, 1, 1.0, 3.0 + minute / 100, minute / 60, 4e-11) for minute in range(30)]
    assert only_cell(write(rows)).discharge_capacity_ah == {}


UNITS_IN_NAMES = (
    "Data_Point,Test_Time(s),Date_Time,Step_Time(s),Step_Index,Cycle_Index,Current(A),Voltage(V),"
    "Charge_Capacity(Ah),Discharge_Capacity(Ah),Internal_Resistance(Ohm),Aux_Temperature(C)_1"
)
SECOND = "Aux_Temperature(C)_2"
BLANKS_IN_NAMES = (
    "Data Point,Test Time (s),Date Time,Step Time (s),Step Index,Cycle Index,Current (A),"
    "Voltage (V),Charge Capacity (Ah),Discharge Capacity (Ah),Internal Resistance (Ohm),"
    "Aux_Temperature_1 (C)"
)


@pytest.mark.parametrize("header", [HEADER.lower(), UNITS_IN_NAMES, BLANKS_IN_NAMES])
def test_other_exports_of_the_same_names_are_known(write, header):
    path = write(three_cycles(False), header)
    assert arbin.is_arbin(path)
    cell = only_cell(path)
    first, second = cell.read_cycles(2)
    assert_array_equal(first.current_c_rate[[0, 31]], [1.0, -1.0])
    assert_array_equal(second.temperature_degc, [25.0] * 63)
    assert second.charge_capacity_ah[30] == 0.5
    assert cell.discharge_capacity_ah == pytest.approx({1: 0.5, 2: 0.5}, rel=1e-12)


def test_milliamperes_and_hours_in_names_are_converted(write):
    header = HEADER.replace("Current", "Current(mA)").replace("Test_Time", "Test_Time(h)")
    first, _ = only_cell(write(three_cycles(False), header), 0.001).read_cycles(2)
    assert_allclose(first.time_s[:2], [180.0 * 3600, 240.0 * 3600], rtol=1e-12)
    assert_allclose(first.current_c_rate[[0, 31]], [1.0, -1.0], rtol=1e-12)


def test_an_unknown_unit_is_refused(write):
    path = write(three_cycles(False), HEADER.replace("Voltage", "Voltage(kV)"))
    with pytest.raises(SourceError, match=r"a\.csv: the column Voltage\(kV\) has the unit kV, .*V"):
        only_cell(path)


@pytest.mark.parametrize("missing", ["Test_Time", "Current", "Voltage"])
def test_a_missing_column_is_named_with_those_found(write, missing):
    header = HEADER.replace(f",{missing},", ",Other,")
    path = write(three_cycles(False), header)
    with pytest.raises(SourceError, match=rf"a\.csv: expected the column {missing}, found Data_P"):
        only_cell(path)
    assert not arbin.is_arbin(path)


def test_one_of_several_temperatures_can_be_chosen(write):
    rows = [f"{line},30.0,40.0" for line in three_cycles(False)]
    path = write(rows, HEADER + ",Aux_Temperature_1(C),Aux_Temperature_2(C)")
    note = "columns (Temperature, Aux_Temperature_1(C), Aux_Temperature_2(C))"
    default = only_cell(path)
    assert f"temperature: Temperature of 3 {note}" in default.notes
    assert next(default.read_cycles(1)).temperature_degc[0] == 25.0
    for name, degc in (("Aux_Temperature_1(C)", 30.0), ("aux_temperature_2", 40.0)):
        cell = only_cell(path, temperature_column=name)
        assert next(cell.read_cycles(1)).temperature_degc[0] == degc
    with pytest.raises(SourceError, match="--temperature-column T9: no such .* found Temperature,"):
        only_cell(path, temperature_column="T9")


def test_sensors_numbered_behind_their_unit_are_told_apart(write):
    path = write([f"{line},40.0" for line in three_cycles(False)], UNITS_IN_NAMES + "," + SECOND)
    for name in (SECOND, "aux_temperature_2"):
        cell = only_cell(path, temperature_column=name)
        assert next(cell.read_cycles(1)).temperature_degc[0] == 40.0


def test_a_file_without_temperature_is_allowed(write):
    path = write(three_cycles(False), HEADER.replace("Temperature", "Aux_Voltage"))
    assert next(only_cell(path).read_cycles(1)).temperature_degc is None


def test_a_cell_of_matr_is_known_by_its_barcode(write, describe):
    path = write(three_cycles(False))
    describe("el150800453116", "2017-05-12_TESTS\\20170512-4_4C-80PER_4_4C.SDU")
    cell = only_cell(path, nominal_capacity_ah=None)
    assert (cell.nominal_capacity_ah, cell.max_voltage_v) == (1.1, 3.6)
    assert cell.charge_policy == "4.4C(80%)-4.4C"
    assert cell.notes[:2] == (
        "cell: one of MATR by its barcode, so 1.1 Ah and 3.6 V where not given",
        "charge policy: from the name of the schedule in the metadata",
    )


@pytest.mark.parametrize(
    ("schedule", "policy"),
    [
        ("2017-06-30_tests\\20170629-2C_10per_6C.sdu", "2C(10%)-6C"),
        ("2017-12-04_tests/20170630-4_65C_69per_6C.sdu", "4.65C(69%)-6C"),
        ("20170814-8C_05per_3_47C.sdu", "8C(5%)-3.47C"),
    ],
)
def test_policies_of_schedules_of_matr(write, describe, schedule, policy):
    path = write(three_cycles(False))
    describe("EL151000429559", schedule, name="a_metadata.csv")
    assert only_cell(path, nominal_capacity_ah=None).charge_policy == policy


def test_a_schedule_that_is_no_policy_is_named(write, describe):
    path = write(three_cycles(False))
    describe("EL150800460659", "20170509-6C_1C_36CV.sdu")
    cell = only_cell(path, nominal_capacity_ah=None)
    assert cell.charge_policy is None
    note = "charge policy: not certain from the schedule 20170509-6C_1C_36CV.sdu, unknown"
    assert cell.notes[1] == note


def test_cells_csv_and_the_user_go_before_the_metadata(write, describe):
    path = write(three_cycles(False))
    describe("EL150800453116", "20170512-4_4C-80PER_4_4C.SDU")
    path.with_name("cells.csv").write_text(
        "cell_id,eol_cycles,nominal_capacity_ah,max_voltage_v,charge_policy\na,600,2.0,4.2,1C\n"
    )
    cell = only_cell(path, nominal_capacity_ah=None)
    assert (cell.nominal_capacity_ah, cell.max_voltage_v, cell.eol_cycles) == (2.0, 4.2, 600)
    assert cell.charge_policy == "1C"
    assert only_cell(path, nominal_capacity_ah=3.0).nominal_capacity_ah == 3.0


@pytest.mark.parametrize("barcode", ["", "EH161100303714", "EL150800", "my cell"])
def test_another_cell_needs_its_nominal_capacity(write, describe, barcode):
    path = write(three_cycles(False))
    describe(barcode, "20170512-4_4C-80PER_4_4C.SDU")
    with pytest.raises(SourceError, match=r"a\.csv: the nominal .* unknown.*--nominal-capacity-ah"):
        only_cell(path, nominal_capacity_ah=None)
    cell = only_cell(path)
    assert (cell.charge_policy, cell.max_voltage_v) == (None, None)
    assert "not certain from the schedule 20170512-4_4C-80PER_4_4C.SDU" in cell.notes[0]


def test_a_file_without_metadata_needs_its_nominal_capacity(write):
    path = write(three_cycles(False))
    with pytest.raises(SourceError, match="no barcode of MATR is in its metadata"):
        only_cell(path, nominal_capacity_ah=None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected one row, that of cell a, found 0"),
        (b"Item_ID\nx\ny\n", "expected one row, that of cell a, found 2"),
        (b"Item_ID\n\xff\xfe\n", "cannot be read as a comma-separated table"),
    ],
)
def test_damaged_metadata_are_refused(write, tmp_path, content, message):
    path = write(three_cycles(False))
    (tmp_path / "a_Metadata.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"a_Metadata\.csv: {message}.* or take it away\."):
        only_cell(path)


def test_metadata_with_other_columns_say_nothing(write, tmp_path):
    path = write(three_cycles(False))
    (tmp_path / "a_Metadata.csv").write_text("Test_ID\n7,more,than,named\n")
    assert only_cell(path).charge_policy is None


def test_files_of_a_folder_are_those_with_the_columns_of_arbin(write, describe, tmp_path):
    write(three_cycles(False), name="b.csv")
    write(three_cycles(False), name="a.csv")
    describe("EL150800453116", "x.sdu")
    (tmp_path / "cells.csv").write_text("cell_id,eol_cycles\nb,500\n")
    (tmp_path / "a.capacity.csv").write_text("cycle,discharge_capacity_ah\n1,0.7\n")
    (tmp_path / "bdf.csv").write_text("test_time_second,voltage_volt,current_ampere\n0,3,1\n")
    (tmp_path / "mine.csv").write_text("Test_Time,Voltage,Current\n0,3,1\n")
    files = arbin.find_files(tmp_path)
    assert [path.name for path in files] == ["a.csv", "b.csv"]
    (tmp_path / "c.csv").touch()  # may be an Arbin file that was copied badly
    assert [path.name for path in arbin.find_files(tmp_path)] == ["a.csv", "b.csv", "c.csv"]
    places = list(arbin.list_cells(files, SourceOptions()))
    assert [(place.cell_id, place.key.eol_cycles) for place in places] == [("a", None), ("b", 500)]
    assert arbin.read_cell(places[0], SourceOptions(1.0)).discharge_capacity_ah == {1: 0.7}


def test_a_folder_without_arbin_files_is_refused(tmp_path):
    (tmp_path / "cells.csv").write_text("cell_id\na\n")
    with pytest.raises(SourceError, match="holds no Arbin CSV files .with the columns Test_Time"):
        arbin.find_files(tmp_path)


def test_a_file_that_is_given_by_itself_is_read_whatever_its_header(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("Test_Time,Voltage,Current\n0,3.0,1.0\n60,3.5,1.0\n")
    assert arbin.find_files(path) == [path]
    (cycle,) = only_cell(path).read_cycles(1)
    assert_array_equal(cycle.voltage_v, [3.0, 3.5])


def test_text_for_a_number_is_named_with_its_row_and_column(write):
    rows = three_cycles(False)
    rows[4] = row(4, 1, 1.0, "OVER", 0.0, 0.0)
    with pytest.raises(SourceError, match=r"a\.csv, data row 5: `Voltage` .* Received: 'OVER'"):
        only_cell(write(rows))


@pytest.fixture(scope="module")
def real_cell(shared_data):
    (path,) = arbin.find_files(shared_data / "arbin")
    return only_cell(path, nominal_capacity_ah=None)


def test_real_cell_is_known_by_its_metadata(real_cell):
    assert real_cell.cell_id == "2017-05-09_test-TC-contact_CH33"
    assert (real_cell.nominal_capacity_ah, real_cell.max_voltage_v) == (1.1, 3.6)
    assert (real_cell.charge_policy, real_cell.eol_cycles) == (None, None)
    assert real_cell.discharge_capacity_ah == {}
    assert real_cell.notes == (
        "cell: one of MATR by its barcode, so 1.1 Ah and 3.6 V where not given",
        "charge policy: not certain from the schedule 20170509-6C_1C_36CV.sdu, unknown",
        "cycles: counted from the current, not numbered in the file",
    )


def test_real_charge_is_6_c_then_1_c_and_never_fills(real_cell):
    (cycle,) = real_cell.read_cycles(10)
    assert (real_cell.last_cycle, cycle.number, cycle.time_s.size) == (1, 1, 287)
    assert_array_equal(cycle.time_s[[0, 1, -1]], [0.0, 0.6929, 1022.8913])
    assert_allclose(cycle.voltage_v[[0, -1]], [3.298668384552002, 3.411986], rtol=1e-6)
    # 6.6 A and 1.1 A into 1.1 Ah.
    assert_allclose(cycle.current_c_rate[[0, -1]], [6.000404, 1.000026], rtol=1e-6)
    assert (cycle.current_c_rate > 5.9).sum() == 47
    assert_allclose(cycle.temperature_degc[[0, -1]], [25.174374, 25.446468], rtol=1e-6)
    assert cycle.voltage_v.max() == pytest.approx(3.6, abs=1e-4)


def test_real_charge_capacity_is_the_integral_of_the_current(real_cell):
    (cycle,) = real_cell.read_cycles(1)
    charge = cut_charge(cycle, charge_segments(cycle)[0], 1.1)
    assert charge.charge_capacity_ah[-1] == pytest.approx(0.603092, abs=1e-6)
    assert charge.integrated_capacity_ah[-1] == pytest.approx(0.602952, abs=1e-6)
