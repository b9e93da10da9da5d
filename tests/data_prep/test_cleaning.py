import numpy as np
import pytest

from data_prep.cleaning import RULES, charge_fault, check_units, sample_fault
from data_prep.errors import UnitError
from data_prep.records import Rejection
from tests.builders import NOMINAL_CAPACITY_AH, a_cell, a_charge, constant_charge

SHARE = np.linspace(0.0, 1.0, 61)


def with_peak(low, peak):
    """A series at `low` with one sample at `peak`."""
    values = np.full(61, float(low))
    values[30] = peak
    return values


def of_capacity(capacity_ah):
    values = capacity_ah * SHARE
    return {"charge_capacity_ah": values, "integrated_capacity_ah": values}


def reason_of(charge, **cell_facts):
    fault = charge_fault(a_cell(**cell_facts), charge)
    return fault and fault.reason


def test_a_sound_charge_has_no_fault():
    assert sample_fault(constant_charge()) is None
    assert charge_fault(a_cell(), a_charge()) is None


SIGNAL_NAMES = ("time_s", "voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah")


@pytest.mark.parametrize("name", SIGNAL_NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_counted(name, value):
    values = np.ones(61)
    values[[3, 60]] = value
    expected = Rejection("not_finite", f"2 values of {name} are not finite")
    assert sample_fault(constant_charge(**{name: values})) == expected


@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_signals_of_unequal_length_are_listed(name):
    fault = sample_fault(constant_charge(**{name: np.ones(60)}))
    assert fault.reason == "unequal_lengths"
    assert f"{name} 60" in fault.detail
    assert fault.detail.count(" 61") == 4


def test_absent_signals_are_no_fault():
    cycle = constant_charge(temperature_degc=None, charge_capacity_ah=None)
    assert sample_fault(cycle) is None
    assert reason_of(a_charge(temperature_degc=None)) is None


@pytest.mark.parametrize(("points", "reason"), [(16, None), (15, "too_few_points")])
def test_a_charge_needs_16_points(points, reason):
    assert reason_of(a_charge(points=points)) == reason


def test_a_charge_without_any_point_has_too_few():
    empty = dict.fromkeys(("time_s", "voltage_v", "current_c_rate"), np.zeros(0))
    fault = charge_fault(a_cell(), a_charge(**empty))
    assert fault == Rejection("too_few_points", "charge has 0 points, need 16")


@pytest.mark.parametrize(("step_s", "reason"), [(0.0, None), (-0.01, "time_backwards")])
def test_time_may_stand_but_not_step_back(step_s, reason):
    time_s = 3600.0 * SHARE
    time_s[31:] += time_s[30] + step_s - time_s[31]
    assert reason_of(a_charge(time_s=time_s)) == reason


def test_a_charge_that_lasts_no_time():
    fault = charge_fault(a_cell(), a_charge(time_s=np.zeros(61)))
    assert fault == Rejection("time_backwards", "charge lasts 0 s")


@pytest.mark.parametrize(
    ("peak_v", "limit_v", "reason"),
    [
        # 0.15 V above the limit of the charge.
        (3.74, 3.6, None),
        (3.76, 3.6, "voltage_out_of_range"),
        # No limit known: 0.5 to 5 V.
        (4.99, None, None),
        (5.01, None, "voltage_out_of_range"),
        (0.51, 3.6, None),
        (0.49, 3.6, "voltage_out_of_range"),
        (0.49, None, "voltage_out_of_range"),
    ],
)
def test_voltage_limits(peak_v, limit_v, reason):
    charge = a_charge(voltage_v=with_peak(3.3, peak_v))
    assert reason_of(charge, max_voltage_v=limit_v) == reason


def test_a_voltage_spike_is_told_with_its_value_and_the_limits():
    fault = charge_fault(a_cell(), a_charge(voltage_v=with_peak(3.3, 8.393)))
    assert fault.detail == "8.393 V, outside 0.5 to 3.75"


@pytest.mark.parametrize(
    ("peak", "reason"),
    [
        (14.9, None),
        (15.1, "current_out_of_range"),
        (-14.9, None),
        (-15.1, "current_out_of_range"),
    ],
)
def test_current_limits(peak, reason):
    assert reason_of(a_charge(current_c_rate=with_peak(1.0, peak))) == reason


@pytest.mark.parametrize(
    ("peak", "reason"),
    [
        (99.9, None),
        (100.1, "temperature_out_of_range"),
        (-39.9, None),
        (-40.1, "temperature_out_of_range"),
    ],
)
def test_temperature_limits(peak, reason):
    assert reason_of(a_charge(temperature_degc=with_peak(30.0, peak))) == reason


@pytest.mark.parametrize(
    ("capacity_ah", "reason"),
    [
        # 5 % and 150 % of 1.1 Ah are 0.055 and 1.65 Ah.
        (0.056, None),
        (0.054, "capacity_out_of_range"),
        (1.649, None),
        (1.651, "capacity_out_of_range"),
        (0.0, "capacity_out_of_range"),
    ],
)
def test_charged_capacity_limits(capacity_ah, reason):
    assert reason_of(a_charge(**of_capacity(capacity_ah))) == reason


@pytest.mark.parametrize(("fall_ah", "reason"), [(0.00109, None), (0.00111, "capacity_falls")])
def test_capacity_may_fall_by_a_thousandth_of_the_nominal(fall_ah, reason):
    capacity_ah = NOMINAL_CAPACITY_AH * SHARE
    capacity_ah[31] = capacity_ah[30] - fall_ah
    assert reason_of(a_charge(charge_capacity_ah=capacity_ah)) == reason


@pytest.mark.parametrize(
    ("ratio", "reason"),
    [(0.951, None), (0.949, "capacity_mismatch"), (1.049, None), (1.051, "capacity_mismatch")],
)
def test_integral_and_measurement_agree_within_5_percent(ratio, reason):
    charge = a_charge(integrated_capacity_ah=ratio * NOMINAL_CAPACITY_AH * SHARE)
    assert reason_of(charge) == reason


def test_the_first_rule_that_is_broken_counts():
    charge = a_charge(points=15, voltage_v=np.full(15, 9.0))
    assert reason_of(charge) == "too_few_points"


def test_rules_have_names_of_their_own():
    assert len({rule.reason for rule in RULES}) == len(RULES) == 8


def unit_message(*ratios):
    charges = [
        a_charge(integrated_capacity_ah=ratio * NOMINAL_CAPACITY_AH * SHARE) for ratio in ratios
    ]
    cell = a_cell(cell_id="b1c7", source_file="2017-05-12.mat")
    with pytest.raises(UnitError) as caught:
        check_units(cell, charges)
    return str(caught.value)


def test_amperes_for_c_rate_in_a_cell_of_1_1_ah():
    # 1.1 A read as 1.1 C: 10 % too much.
    message = unit_message(1.1, 1.1)
    assert message.startswith("2017-05-12.mat: b1c7: over time the current adds up to 1.1 times")
    assert message.endswith(
        "Convert the file, give --nominal-capacity-ah, or leave the cell out with --exclude b1c7."
    )


def test_seconds_for_minutes():
    # Seconds taken for minutes and multiplied by 60 once more.
    assert "adds up to 60 times the measured charge capacity" in unit_message(60.0)


def test_a_unit_is_judged_by_the_median_of_a_cell():
    fine = [a_charge()] * 3
    broken = a_charge(integrated_capacity_ah=2.0 * NOMINAL_CAPACITY_AH * SHARE)
    check_units(a_cell(), [*fine, broken, broken])
    with pytest.raises(UnitError, match="adds up to 2 times"):
        check_units(a_cell(), [*fine, *[broken] * 4])


@pytest.mark.parametrize("ratio", [0.951, 1.049])
def test_sensor_error_is_no_unit_error(ratio):
    check_units(a_cell(), [a_charge(integrated_capacity_ah=ratio * NOMINAL_CAPACITY_AH * SHARE)])


@pytest.mark.parametrize(("ratio", "told"), [(0.949, "0.949"), (1.051, "1.05")])
def test_just_beyond_sensor_error(ratio, told):
    assert f"adds up to {told} times" in unit_message(ratio)


def test_units_of_nothing_are_not_judged():
    check_units(a_cell(), [])
    short = a_charge(points=15, integrated_capacity_ah=9.0 * np.ones(15))
    no_capacity = a_charge(charge_capacity_ah=np.zeros(61))
    check_units(a_cell(), [short, no_capacity])
