from pathlib import Path

import pytest

from data_prep.errors import SourceError
from data_prep.sources.bdf.columns import TERMS, find_column, find_columns, is_bdf_header

LABELS = ("Test Time / s", "Voltage / V", "Current / A", "Cycle Count / 1")
MACHINE_NAMES = ("test_time_second", "voltage_volt", "current_ampere", "cycle_count")
PATH = Path("a.bdf.csv")


def columns_of(*more, temperature=None):
    return find_columns(PATH, (*LABELS, *more), temperature)


def temperature_of(*more, temperature=None):
    columns, notes = columns_of(*more, temperature=temperature)
    column = columns.get("temperature_degc")
    return column and column.name, notes


@pytest.mark.parametrize("names", [LABELS, MACHINE_NAMES])
def test_either_style_of_header_is_known(names):
    columns, notes = find_columns(PATH, names, None)
    found = {quantity: column.name for quantity, column in columns.items()}
    assert found == dict(zip(("time_s", "voltage_v", "current_a", "cycle"), names, strict=True))
    assert {column.in_our_unit(2.0) for column in columns.values()} == {2.0}
    assert notes == ()
    assert is_bdf_header(names)


@pytest.mark.parametrize(
    ("quantity", "name", "ours"),
    [
        ("time_s", "Test Time / ms", 0.002),
        ("time_s", "test_time_millisecond", 0.002),
        ("time_s", "Test Time / min", 120.0),
        ("time_s", "test_time_minute", 120.0),
        ("time_s", "Test Time / h", 7200.0),
        ("time_s", "test_time_hour", 7200.0),
        ("voltage_v", "Voltage / mV", 0.002),
        ("voltage_v", "voltage_millivolt", 0.002),
        ("current_a", "Current / mA", 0.002),
        ("current_a", "current_milliampere", 0.002),
        ("charge_capacity_ah", "Cycle Charging Capacity / Ah", 2.0),
        ("charge_capacity_ah", "cycle_charging_capacity_ah", 2.0),
        ("charge_capacity_ah", "Cycle Charging Capacity / mAh", 0.002),
        ("discharge_capacity_ah", "Cycle Discharging Capacity / Ah", 2.0),
        ("discharge_capacity_ah", "cycle_discharging_capacity_mah", 0.002),
    ],
)
def test_a_quantity_in_each_unit(quantity, name, ours):
    column = find_column(("x", name), TERMS[quantity])
    assert column.name == name
    assert column.in_our_unit(2.0) == pytest.approx(ours, rel=1e-12)


def test_our_unit_goes_before_others_and_a_label_before_a_machine_name():
    names = ("Test Time / h", "test_time_second", "Test Time / s", "test_time_hour")
    assert find_column(names, TERMS["time_s"]).name == "Test Time / s"
    assert find_column(names[:2], TERMS["time_s"]).name == "test_time_second"


def test_letters_and_blanks_do_not_matter():
    assert find_column(["voltage/V "], TERMS["voltage_v"]).name == "voltage/V "


def test_of_two_columns_of_one_name_but_for_letters_the_first_is_taken():
    assert find_column(["VOLTAGE / V", "Voltage / V"], TERMS["voltage_v"]).name == "VOLTAGE / V"


def test_capacity_of_the_whole_test_is_not_taken_for_that_of_the_cycle():
    names = ("Charging Capacity / Ah", "charging_capacity_ah", "Step Charging Capacity / Ah")
    assert find_column(names, TERMS["charge_capacity_ah"]) is None


def test_unix_time_stands_in_for_test_time_with_a_note():
    names = ("Unix Time / ms", *LABELS[1:])
    columns, notes = find_columns(PATH, names, None)
    assert columns["time_s"].name == "Unix Time / ms"
    assert columns["time_s"].in_our_unit(2.0) == 0.002
    assert notes == ("time: Unix Time, as there is no Test Time",)
    assert is_bdf_header(names)
    both, notes = find_columns(PATH, (*LABELS, "Unix Time / s"), None)
    assert (both["time_s"].name, notes) == ("Test Time / s", ())


@pytest.mark.parametrize("missing", range(3))
def test_a_missing_column_is_named_with_its_units_and_those_found(missing):
    names = [name for position, name in enumerate(LABELS) if position != missing]
    with pytest.raises(SourceError) as caught:
        find_columns(PATH, names, None)
    others = ("ms, min, h", "mV", "mA")[missing]
    expected = f"{LABELS[missing]} or {MACHINE_NAMES[missing]} (also in {others})"
    assert str(caught.value) == (
        f"a.bdf.csv: expected the column {expected}, found {', '.join(names)}. "
        f"Rename the column as the format has it."
    )
    assert not is_bdf_header(names)


def test_another_unit_is_not_the_column():
    with pytest.raises(
        SourceError, match="expected the column Current / A .* found .*Current / kA"
    ):
        find_columns(PATH, ("Test Time / s", "Voltage / V", "Current / kA"), None)


def test_a_record_without_cycle_count_or_temperature_is_allowed():
    columns, notes = find_columns(PATH, LABELS[:3], None)
    assert (list(columns), notes) == (["time_s", "voltage_v", "current_a"], ())


@pytest.mark.parametrize(
    "name",
    [
        "Surface Temperature / degC",
        "surface_temperature_celsius",
        "Temperature T1 / degC",
        "Surface Temperature T1 / degC",
        "temperature_t1_celsius",
        "Temperature / °C",
        "Internal Temperature / degC",
    ],
)
def test_one_temperature_needs_no_note(name):
    assert temperature_of(name) == (name, ())


def test_kelvin_become_degrees():
    columns, _ = columns_of("Surface Temperature / K")
    assert columns["temperature_degc"].in_our_unit(298.15) == 25.0


def test_the_first_of_several_temperatures_is_taken():
    names = ("temperature_t2_celsius", "temperature_t1_celsius")
    assert temperature_of(*names) == (names[0], ("temperature: T2 of 2 columns (T2, T1)",))


def test_the_surface_goes_before_another_sensor_and_the_chamber_behind():
    names = ("Ambient Temperature / degC", "Temperature T1 / degC", "surface_temperature_celsius")
    note = "temperature: surface of 3 columns (surface, T1, ambient)"
    assert temperature_of(*names) == (names[2], (note,))


def test_the_temperature_of_the_chamber_is_not_taken_for_that_of_the_cell():
    note = "temperature: none of the cell (ambient with --temperature-column)"
    assert temperature_of("ambient_temperature_celsius") == (None, (note,))


@pytest.mark.parametrize(
    "wanted", ["T3", "t3", "Temperature T3 / degC", "temperature_t3_celsius", " temperature t3"]
)
def test_a_temperature_is_chosen_by_any_of_its_names(wanted):
    names = [f"temperature_t{number}_celsius" for number in (1, 2, 3)]
    note = "temperature: T3 of 3 columns (T1, T2, T3)"
    assert temperature_of(*names, temperature=wanted) == (names[2], (note,))


def test_the_chamber_can_be_asked_for():
    names = ("Surface Temperature / degC", "Ambient Temperature / degC")
    note = "temperature: ambient of 2 columns (surface, ambient)"
    assert temperature_of(*names, temperature="ambient") == (names[1], (note,))


def test_the_very_name_goes_before_a_short_one():
    names = ("Surface Temperature T1 / degC", "temperature_t1_celsius")
    assert temperature_of(*names, temperature=names[1])[0] == names[1]


@pytest.mark.parametrize(
    ("names", "found"),
    [((), "nothing"), (("T1 Temperature / degC", "temperature_t2_kelvin"), "T1 .* / degC, temp")],
)
def test_a_temperature_that_is_not_there_is_refused_with_those_that_are(names, found):
    with pytest.raises(SourceError, match=rf"--temperature-column T9: no such .* found {found}"):
        columns_of(*names, temperature="T9")
