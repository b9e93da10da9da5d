import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.charges.segmentation import charge_segments, cut_charge
from data_prep.cleaning.checks import check_units
from data_prep.errors import UnitError
from data_prep.sources.base import SourceOptions
from data_prep.sources.batteryml import reader as batteryml
from data_prep.sources.batteryml.matr_units import DEFECTS
from data_prep.sources.matr import corrections
from tests.builders import read_cells

POINTS = 37
MINUTES_AND_C = "time is in minutes and current a C-rate, told from the capacity"
C_RATE = "current is a C-rate, told from the capacity"


def matr_cycle(number, seconds, amperes):
    """An hour at 1 C into 1.1 Ah, a rest, a discharge; columns divided by `seconds`, `amperes`."""
    charging = POINTS - 12
    time_s = np.linspace(0.0, 3600.0 * (POINTS - 1) / (charging - 1), POINTS)
    current_a = np.concatenate([np.full(charging, 1.1), np.zeros(2), np.full(10, -4.4)])
    voltage_v = np.concatenate([np.linspace(3.0, 3.6, charging + 2), np.linspace(3.3, 2.0, 10)])
    capacity_ah = np.minimum(1.1 * time_s / 3600.0, 1.1)
    return {
        "cycle_number": number,
        "current_in_A": (current_a / amperes).tolist(),
        "voltage_in_V": voltage_v.tolist(),
        "charge_capacity_in_Ah": capacity_ah.tolist(),
        "discharge_capacity_in_Ah": np.linspace(0.0, 1.07, POINTS).tolist(),
        "time_in_s": (time_s / seconds).tolist(),
        "temperature_in_C": [30.0] * POINTS,
    }


def write(folder, seconds=1.0, amperes=1.0, name="MATR_b1c0.pkl", **replaced):
    fields = {
        "cell_id": "MATR_b1c0",
        "cycle_data": [matr_cycle(number, seconds, amperes) for number in (1, 2, 3)],
        "nominal_capacity_in_Ah": 1.1,
        "max_voltage_limit_in_V": 3.6,
        "min_voltage_limit_in_V": 2.0,
        "charge_protocol": [],
    }
    (folder / name).write_bytes(pickle.dumps(fields | replaced))
    return folder / name


def only_cell(path, nominal_capacity_ah=None):
    (cell,) = read_cells(batteryml, [path], SourceOptions(nominal_capacity_ah))
    return cell


def units_of(cell):
    """Raises where the current does not add up to the capacity."""
    cycles = list(cell.read_cycles(cell.last_cycle))
    charges = [cut_charge(c, charge_segments(c)[0], cell.nominal_capacity_ah) for c in cycles]
    check_units(cell, charges)


# BatteryML copies minutes and C-rates, BatteryLife C-rates; the last is as the fields are named.
@pytest.mark.parametrize(
    ("seconds", "amperes", "notes"),
    [(60.0, 1.1, (MINUTES_AND_C,)), (1.0, 1.1, (C_RATE,)), (1.0, 1.0, ())],
)
def test_units_are_told_from_the_capacity(tmp_path, seconds, amperes, notes):
    cell = only_cell(write(tmp_path, seconds, amperes))
    assert cell.notes == notes
    cycle = next(cell.read_cycles(1))
    assert_allclose(cycle.time_s[[0, 24]], [0.0, 3600.0], rtol=1e-12)
    assert_allclose(cycle.current_c_rate[[0, 25, 36]], [1.0, 0.0, -4.0], rtol=1e-12)
    units_of(cell)


@pytest.mark.parametrize("name", ["MATR_b1c0.pkl", "renamed.pkl"])
def test_a_matr_cell_is_known_by_file_name_or_cell_id(tmp_path, name):
    cell_id = "renamed" if name.startswith("MATR") else "MATR_b1c0"
    cell = only_cell(write(tmp_path, 60.0, 1.1, name, cell_id=cell_id))
    assert cell.notes == (MINUTES_AND_C,)


def test_the_users_nominal_capacity_leaves_the_c_rates_of_the_file_at_its_own(tmp_path):
    cell = only_cell(write(tmp_path, 60.0, 1.1), nominal_capacity_ah=2.2)
    assert_allclose(next(cell.read_cycles(1)).current_c_rate[0], 0.5, rtol=1e-12)
    units_of(cell)


def test_other_cells_are_left_as_they_are_and_refused_by_the_check(tmp_path):
    cell = only_cell(write(tmp_path, 60.0, 1.1, "HUST_1-1.pkl", cell_id="HUST_1-1"))
    assert cell.notes == ()
    with pytest.raises(UnitError, match=r"adds up to 0\.0152 times"):
        units_of(cell)


@pytest.mark.parametrize(("seconds", "amperes"), [(3600.0, 1.0), (1.0, 1.3), (1.0, 0.001)])
def test_units_that_nobody_writes_are_left_to_the_check(tmp_path, seconds, amperes):
    cell = only_cell(write(tmp_path, seconds, amperes))
    assert cell.notes == ()
    with pytest.raises(UnitError):
        units_of(cell)


def test_broken_cycles_do_not_decide(tmp_path):
    good = matr_cycle(3, 60.0, 1.1)
    empty = good | {"cycle_number": 1, "time_in_s": [], "current_in_A": []}
    unmeasured = good | {"cycle_number": 2, "charge_capacity_in_Ah": None}
    cell = only_cell(write(tmp_path, cycle_data=[empty, unmeasured, good]))
    assert cell.notes == (MINUTES_AND_C,)


def test_a_cell_without_measured_capacity_is_left_as_it_is(tmp_path):
    unmeasured = matr_cycle(1, 60.0, 1.1) | {"charge_capacity_in_Ah": None}
    cell = only_cell(write(tmp_path, cycle_data=[unmeasured]))
    assert cell.notes == ()
    assert next(cell.read_cycles(1)).time_s[24] == 60.0


def test_the_voltage_limit_of_batteryml_is_set_right(tmp_path):
    cell = only_cell(write(tmp_path, max_voltage_limit_in_V=3.5))
    assert cell.max_voltage_v == 3.6
    assert cell.notes == ("voltage limit 3.6 V as published, not 3.5 V",)


@pytest.mark.parametrize(
    ("steps", "policy"),
    [
        ([(5.4, 40.0), (3.6, 1.0)], "5.4C(40%)-3.6C"),
        ([(4.8, 80.0), (4.8, 1.0)], "4.8C(80%)-4.8C"),
        (
            [(4.8, 0.2), (5.2, 0.4), (5.2, 0.6000000000000001), (4.16, 0.8)],
            "4.8C(20%)-5.2C(40%)-5.2C(60%)-4.16C",
        ),
    ],
)
def test_policies_are_spelled_as_in_the_published_files(tmp_path, steps, policy):
    protocol = [{"rate_in_C": rate, "end_soc": end} for rate, end in steps]
    assert only_cell(write(tmp_path, charge_protocol=protocol)).charge_policy == policy


def test_a_cell_that_is_known_to_be_bad_is_named(tmp_path):
    cell = only_cell(write(tmp_path, name="MATR_b3c37.pkl"))
    assert cell.notes == ("known defect of MATR: noisy channel; --exclude leaves the cell out",)
    assert only_cell(write(tmp_path, name="MATR_b3c3.pkl")).notes == ()


def test_the_known_defects_are_those_of_the_published_files():
    names = [f"b{batch}c{index}" for batch in (1, 2, 3) for index in range(48)]
    rows = {name: row.defect for name in names if (row := corrections.exclusion(name))}
    assert rows == DEFECTS
