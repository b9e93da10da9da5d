import numpy as np
import pytest

from data_prep.cleaning.checks import charge_fault, check_units, sample_fault, segment_fault
from data_prep.cleaning.rules import RULES, rule_rows, rules_as_markdown
from data_prep.errors import UnitError
from data_prep.records import Rejection
from tests.builders import NOMINAL_CAPACITY_AH, a_cell, a_charge, constant_charge

SHARE = np.linspace(0.0, 1.0, 61)


def with_peak(name, peak, samples=4):
    """A sound charge with some samples of a signal at `peak`; four of them are no spike."""
    values = getattr(a_charge(), name).copy()
    values[30 : 30 + samples] = peak
    return a_charge(**{name: values})


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


def in_the_charge(cycle, segment=slice(10, 50)):
    """The fault of a cycle of 61 samples of which some are the charge."""
    return segment_fault(a_cell(), cycle, segment)


@pytest.mark.parametrize("name", ["voltage_v", "current_c_rate", "charge_capacity_ah"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_in_the_charge_that_is_not_finite_is_counted(name, value):
    values = np.ones(61)
    values[[10, 49]] = value
    expected = Rejection("not_finite", f"2 values of {name} are not finite")
    assert in_the_charge(constant_charge(**{name: values})) == expected


@pytest.mark.parametrize("name", ["voltage_v", "current_c_rate", "charge_capacity_ah"])
def test_a_value_in_the_discharge_that_is_not_finite_does_not_matter(name):
    values = np.ones(61)
    values[[8, 51]] = np.nan
    assert in_the_charge(constant_charge(**{name: values})) is None


@pytest.mark.parametrize(("name", "at_rest"), [("current_c_rate", 9), ("current_c_rate", 50)])
def test_a_current_that_is_none_beside_the_charge_may_hide_some_of_it(name, at_rest):
    values = np.ones(61)
    values[at_rest] = np.nan
    assert in_the_charge(constant_charge(**{name: values})).reason == "not_finite"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_time_that_is_not_finite_is_a_fault_wherever_it_is(value):
    time_s = 60.0 * np.arange(61)
    time_s[60] = value
    fault = sample_fault(constant_charge(time_s=time_s))
    assert fault == Rejection("time_not_finite", "1 values of time_s are not finite")


@pytest.mark.parametrize("name", SIGNAL_NAMES)
def test_signals_of_unequal_length_are_listed(name):
    fault = sample_fault(constant_charge(**{name: np.ones(60)}))
    assert fault.reason == "unequal_lengths"
    assert f"{name} 60" in fault.detail
    assert fault.detail.count(" 61") == 4


@pytest.mark.parametrize("name", ["temperature_degc", "charge_capacity_ah"])
def test_a_column_of_nan_alone_is_an_absent_signal(name):
    cycle = constant_charge(**{name: np.full(61, np.nan)})
    assert sample_fault(cycle) is None
    assert in_the_charge(cycle) is None


def test_a_voltage_of_nan_alone_is_a_fault():
    fault = in_the_charge(constant_charge(voltage_v=np.full(61, np.nan)))
    assert fault == Rejection("not_finite", "42 values of voltage_v are not finite")


def test_a_cycle_without_a_charge():
    rest = constant_charge(current_c_rate=np.full(61, 0.004))
    fault = segment_fault(a_cell(), rest, None)
    assert fault == Rejection("no_charge", "the current never charges: 0.004 C at most")
    assert segment_fault(a_cell(), rest, slice(0, 2)) is None


def test_a_nominal_capacity_in_milliampere_hours_makes_every_current_a_small_one():
    # A charge of 5 A in a cell of 5 Ah, said to have 5000 Ah.
    cycle = constant_charge(current_c_rate=np.full(61, 0.001))
    fault = segment_fault(a_cell(nominal_capacity_ah=5000.0), cycle, None)
    assert fault.detail == (
        "the current never charges: 0.001 C at most, where 1 C is 5000 A; "
        "is the nominal capacity in mAh?"
    )


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
        (3.76, 3.6, "voltage_above_limit"),
        # No limit known: 0.5 to 5 V.
        (4.99, None, None),
        (5.01, None, "voltage_out_of_range"),
        (5.01, 3.6, "voltage_out_of_range"),
        (0.51, 3.6, None),
        (0.49, 3.6, "voltage_out_of_range"),
        (0.49, None, "voltage_out_of_range"),
    ],
)
def test_voltage_limits(peak_v, limit_v, reason):
    assert reason_of(with_peak("voltage_v", peak_v), max_voltage_v=limit_v) == reason


def test_a_voltage_beyond_the_limits_is_told_with_its_value_and_the_limits():
    fault = charge_fault(a_cell(), with_peak("voltage_v", 8.393, samples=1))
    assert fault.detail == "8.393 V, outside 0.5 to 5"
    fault = charge_fault(a_cell(), with_peak("voltage_v", 3.9))
    assert fault.detail == "3.9 V, the limit is 3.6 V"


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
    assert reason_of(with_peak("current_c_rate", peak)) == reason


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
    assert reason_of(a_charge(temperature_degc=np.linspace(30.0, peak, 61))) == reason


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


# Sample 30 of the sound charge is at 3.3 V, its neighbours at 3.29 V and 3.31 V.
@pytest.mark.parametrize(
    ("peak_v", "reason"),
    [(3.409, None), (3.411, "voltage_spike"), (3.191, None), (3.189, "voltage_spike")],
)
def test_a_lone_sample_of_voltage_0_1_v_off_both_neighbours(peak_v, reason):
    assert reason_of(with_peak("voltage_v", peak_v, samples=1)) == reason


def test_a_voltage_spike_is_told_with_its_sample():
    fault = charge_fault(a_cell(), with_peak("voltage_v", 3.51, samples=1))
    assert fault.detail == "sample 31 leaps 0.2 V off both its neighbours"


@pytest.mark.parametrize("samples", [2, 3])
@pytest.mark.parametrize(("off_v", "reason"), [(0.07, None), (0.14, "voltage_spike")])
def test_some_samples_of_nonsense_voltage_in_a_row(samples, off_v, reason):
    # 10 mV a sample: the middle of them lies off the median by 10 to 20 mV less.
    charge = with_peak("voltage_v", 3.3 + off_v, samples=samples)
    assert reason_of(charge) == reason


def test_two_samples_at_4_9_v_are_told():
    fault = charge_fault(a_cell(max_voltage_v=None), with_peak("voltage_v", 4.9, samples=2))
    detail = "sample 31 lies 1.58 V off the median of 7 around it"
    assert fault == Rejection("voltage_spike", detail)


def test_the_voltage_in_a_rest_of_three_samples_is_no_spike():
    # The current pauses: the voltage falls by the resistance, and comes back.
    rest = with_peak("voltage_v", 3.15, samples=3).voltage_v
    current_c_rate = with_peak("current_c_rate", 0.0, samples=3).current_c_rate
    assert reason_of(a_charge(voltage_v=rest, current_c_rate=current_c_rate)) is None


def test_the_voltage_under_a_pulse_of_current_is_no_spike():
    # A pulse of resistance: 3.6 C for one sample, and the voltage answers with 0.2 V.
    pulse = with_peak("voltage_v", 3.51, samples=1).voltage_v
    current_c_rate = with_peak("current_c_rate", 4.6, samples=1).current_c_rate
    assert reason_of(a_charge(voltage_v=pulse, current_c_rate=current_c_rate)) is None


def test_a_voltage_that_steps_with_the_current_is_no_spike():
    voltage_v = a_charge().voltage_v.copy()
    voltage_v[:30] += 0.2
    assert reason_of(a_charge(voltage_v=voltage_v)) is None


def test_the_steep_rise_at_the_start_of_a_charge_is_no_spike():
    voltage_v = a_charge().voltage_v.copy()
    voltage_v[:4] = [1.8, 2.2, 2.6, 2.9]
    assert reason_of(a_charge(voltage_v=voltage_v)) is None


# Sample 30 is at 28 degC, its neighbours at 27.9 and 28.1 degC.
@pytest.mark.parametrize(
    ("peak_degc", "reason"),
    [(32.8, None), (33.2, "temperature_spike"), (23.2, None), (22.8, "temperature_spike")],
)
def test_a_lone_sample_of_temperature_5_k_off_both_neighbours(peak_degc, reason):
    assert reason_of(with_peak("temperature_degc", peak_degc, samples=1)) == reason


@pytest.mark.parametrize(("fall_k", "reason"), [(4.9, None), (5.1, "temperature_spike")])
def test_a_thermometer_that_falls_off_and_stays_off(fall_k, reason):
    temperature_degc = np.full(61, 30.0) + 0.01 * np.arange(61)
    temperature_degc[30:] -= fall_k
    assert reason_of(a_charge(temperature_degc=temperature_degc)) == reason


def test_a_thermometer_that_falls_off_is_told_with_its_sample():
    temperature_degc = np.where(np.arange(61) < 30, 25.0, 0.0)
    fault = charge_fault(a_cell(), a_charge(temperature_degc=temperature_degc))
    assert fault == Rejection("temperature_spike", "steps by -25 K from sample 30 to the next")


def test_a_cell_that_cools_over_a_long_rest_has_no_step():
    temperature_degc = np.where(np.arange(61) < 30, 35.0, 25.0)
    time_s = a_charge().time_s.copy()
    time_s[30:] += 7200.0
    assert reason_of(a_charge(temperature_degc=temperature_degc, time_s=time_s)) is None


def with_hole(first, after):
    """The sound charge without the samples between two."""
    kept = np.r_[0 : first + 1, after:61]
    return a_charge(
        **{
            name: getattr(a_charge(), name)[kept]
            for name in ("time_s", "voltage_v", "current_c_rate", "temperature_degc")
            + ("charge_capacity_ah", "integrated_capacity_ah")
        }
    )


@pytest.mark.parametrize(("minutes", "reason"), [(5, None), (7, "gap")])
def test_a_hole_in_which_a_tenth_of_the_capacity_is_charged(minutes, reason):
    # At 1 C, 6 minutes are a tenth.
    assert reason_of(with_hole(20, 20 + minutes)) == reason


def test_a_gap_is_told_with_its_length_and_charge():
    # 20 of 60 minutes of 1.1 Ah.
    fault = charge_fault(a_cell(), with_hole(20, 40))
    assert fault.detail == "0.367 Ah in a gap of 1200 s between two samples"


def test_a_counter_that_jumps_is_a_gap_though_the_current_shows_none():
    capacity_ah = a_charge().charge_capacity_ah.copy()
    capacity_ah[40:] += 0.12 * NOMINAL_CAPACITY_AH
    integrated_ah = 0.96 * capacity_ah[-1] * SHARE
    charge = a_charge(charge_capacity_ah=capacity_ah, integrated_capacity_ah=integrated_ah)
    assert reason_of(charge) == "gap"


def test_a_long_rest_without_samples_is_no_gap():
    time_s = a_charge().time_s.copy()
    time_s[30:] += 86400.0
    assert reason_of(a_charge(time_s=time_s)) is None


def stuck_voltage(samples, limit_v=3.6, last_c_rate=1.0):
    """The voltage stays at that of sample 20; the current falls evenly over those samples."""
    voltage_v, current_c_rate = a_charge().voltage_v.copy(), np.ones(61)
    voltage_v[20 : 20 + samples] = voltage_v[20]
    current_c_rate[20 : 20 + samples] = np.linspace(1.0, last_c_rate, samples)
    charge = a_charge(voltage_v=voltage_v, current_c_rate=current_c_rate)
    return charge_fault(a_cell(max_voltage_v=limit_v), charge)


def test_a_voltage_that_stays_for_a_quarter_of_the_charge_is_stuck():
    # From sample 20 to sample 36 are 16 of 60 minutes; a digit of 10 mV, from 3.06 V to 3.54 V,
    # adds 2 % to the quarter.
    assert stuck_voltage(17) is None
    assert stuck_voltage(18) == Rejection("voltage_stuck", "stays at 3.2 V over 28 % of the charge")


def test_a_voltage_that_the_charger_holds_is_not_stuck():
    # The current falls by a tenth within 15.7 of 60 minutes, or takes 18.3.
    assert stuck_voltage(34, last_c_rate=0.79) is None
    assert stuck_voltage(34, last_c_rate=0.82).reason == "voltage_stuck"


def held(limit_v=3.6, hold_v=3.6, level_c_rate=0.02):
    """Ten minutes to a voltage that is held for 50, at a current that soon levels out."""
    voltage_v = np.interp(np.arange(61), [0, 10], [3.0, hold_v])
    current_c_rate = np.interp(np.arange(61), [0, 10, 20], [1.0, 1.0, level_c_rate])
    charge = a_charge(voltage_v=voltage_v, current_c_rate=current_c_rate)
    return reason_of(charge, max_voltage_v=limit_v)


def test_a_float_charge_whose_current_levels_out_is_not_stuck():
    assert held() is None
    assert held(limit_v=None) is None


def test_a_voltage_that_stands_below_the_limit_is_stuck_though_it_is_the_highest():
    assert held(hold_v=3.59) == "voltage_stuck"
    # No charger that has come to a voltage it holds goes on at half its current.
    assert held(limit_v=None, level_c_rate=0.51) == "voltage_stuck"


@pytest.mark.parametrize(("digit_v", "reason"), [(0.0001, "voltage_stuck"), (0.005, None)])
def test_a_plateau_seen_by_a_coarse_voltmeter_is_not_stuck(digit_v, reason):
    # Lithium iron phosphate at C/20: a plateau of 24 mV for four fifths of the time, a third of
    # it within one digit of 5 mV.
    share = np.linspace(0.0, 1.0, 601)
    true_v = np.interp(share, [0, 0.1, 0.4, 0.7, 0.9, 1.0], [2.9, 3.331, 3.339, 3.342, 3.355, 3.6])
    voltage_v = np.round(true_v / 0.005) * 0.005
    # A fine voltmeter that shows such steps stands still.
    voltage_v[-1] = voltage_v[-2] + digit_v
    current_c_rate = np.full(601, 0.05)
    charge = a_charge(
        points=601,
        voltage_v=voltage_v,
        current_c_rate=current_c_rate,
        time_s=72000.0 * share,
    )
    assert reason_of(charge) == reason


def test_a_voltage_that_stays_while_the_current_steps_down_is_stuck():
    # No charger that holds a voltage has the same current for 48 of 60 minutes.
    current_c_rate = np.where(np.arange(61) < 12, 2.0, 0.8)
    charge = a_charge(voltage_v=np.full(61, 3.3), current_c_rate=current_c_rate)
    fault = charge_fault(a_cell(), charge)
    assert fault == Rejection("voltage_stuck", "stays at 3.3 V over 80 % of the charge")


def test_a_rest_at_one_voltage_is_not_stuck():
    voltage_v, current_c_rate = a_charge().voltage_v.copy(), np.ones(61)
    voltage_v[20:50], current_c_rate[20:50] = voltage_v[20], 0.0
    assert reason_of(a_charge(voltage_v=voltage_v, current_c_rate=current_c_rate)) is None


@pytest.mark.parametrize(("fall_ah", "reason"), [(0.004, None), (0.0051, "capacity_falls")])
def test_a_counter_of_both_directions_falls_by_what_a_pulse_takes_out(fall_ah, reason):
    # 0.2 C of 1.1 Ah over a minute take out 3.7 mAh; 1.1 mAh more are allowed.
    current_c_rate = np.ones(61)
    current_c_rate[30] = -0.2
    capacity_ah = NOMINAL_CAPACITY_AH * SHARE
    capacity_ah[31:] += capacity_ah[30] - fall_ah - capacity_ah[31]
    charge = a_charge(current_c_rate=current_c_rate, charge_capacity_ah=capacity_ah)
    assert reason_of(charge) == reason


def test_rules_that_are_left_out_reject_nothing():
    charge = with_peak("voltage_v", 3.8, samples=1)
    assert reason_of(charge) == "voltage_above_limit"
    assert charge_fault(a_cell(), charge, without=("voltage_above_limit",)).reason == (
        "voltage_spike"
    )
    assert charge_fault(a_cell(), charge, ("voltage_above_limit", "voltage_spike")) is None


def test_a_charge_of_nothing_passes_where_its_rule_is_left_out():
    charge = a_charge(**of_capacity(0.0))
    assert charge_fault(a_cell(), charge, without=("capacity_out_of_range",)) is None


def test_rules_have_names_of_their_own():
    assert len({rule.name for rule in RULES}) == len(RULES) == 22


def test_the_table_says_what_is_applied():
    rows = {row["rule"]: row for row in rule_rows()}
    assert list(rows) == [rule.name for rule in RULES]
    assert rows["voltage_out_of_range"]["threshold"] == "0.5 to 5 V"
    assert rows["gap"]["threshold"] == "0.1 of nominal"
    assert rows["unequal_lengths"]["threshold"] == ""
    assert all(row["looks for"] and row["source of the threshold"] for row in rows.values())


def test_the_table_as_markdown():
    lines = rules_as_markdown().splitlines()
    assert lines[:2] == [
        "| rule | looks for | threshold | source of the threshold |",
        "| --- | --- | --- | --- |",
    ]
    assert len(lines) == 2 + len(RULES)
    assert all(line.count("|") == 5 for line in lines)
    assert lines[6].startswith("| too_few_points | fewer samples in the charge | 16 samples |")


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
