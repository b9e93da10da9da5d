import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.charges.capacity import integrate_capacity, join_counter, measured
from data_prep.charges.segmentation import charge_segments, cut_charge
from data_prep.records import Cycle
from tests.builders import constant_charge

REST = [0.0] * 3
CHARGE = [1.0] * 10
# A step of 60 s at 4 C moves 6.7 % of the capacity: three of them are a discharge, not a pulse.
DISCHARGE = [-4.0] * 3


def cycle_of(current_c_rate, step_s=60.0, **series):
    current_c_rate = np.array(current_c_rate, float)
    time_s = step_s * np.arange(current_c_rate.size)
    return Cycle(1, time_s, np.full(current_c_rate.size, 3.3), current_c_rate, **series)


def segment_of(*parts, **options):
    return charge_segments(cycle_of([value for part in parts for value in part], **options))[0]


def test_a_cycle_that_is_all_charge():
    assert segment_of(CHARGE) == slice(0, 10)


def test_charge_before_discharge():
    assert segment_of(REST, CHARGE, REST, DISCHARGE, REST) == slice(3, 13)


def test_charge_after_discharge():
    assert segment_of(DISCHARGE, REST, CHARGE, REST) == slice(6, 16)


def test_of_two_charges_the_one_that_moves_more_counts():
    # 3 x 1 C before the discharge, 10 x 1 C after it; then the other way round.
    assert segment_of([1.0] * 3, DISCHARGE, CHARGE) == slice(6, 16)
    assert segment_of(CHARGE, DISCHARGE, [1.0] * 3) == slice(0, 10)


def all_charges(*parts, **options):
    return charge_segments(cycle_of([value for part in parts for value in part], **options))


def test_the_other_charges_of_a_cycle_are_given_too():
    assert all_charges(CHARGE, DISCHARGE, [1.0] * 3, DISCHARGE, [1.0] * 5) == (
        slice(0, 10),
        [slice(13, 16), slice(19, 24)],
    )
    assert all_charges(CHARGE, REST, DISCHARGE) == (slice(0, 10), [])
    assert all_charges(REST) == (None, [])


def test_two_samples_of_noise_before_a_discharge_are_no_other_charge():
    # 0.05 C for 60 s is 0.08 % of the capacity, 0.07 C 0.12 %.
    assert all_charges([0.05, 0.05], DISCHARGE, CHARGE) == (slice(5, 15), [])
    assert all_charges([0.07, 0.07], DISCHARGE, CHARGE) == (slice(5, 15), [slice(0, 2)])


def test_a_charge_whose_clock_starts_again_is_not_lost_to_a_smaller_one():
    # 15 % before the step back, 5 % behind it; then a discharge, and a charge of 8 %.
    time_s = np.concatenate([60.0 * np.arange(10), 60.0 * np.arange(4), 3600 + 60.0 * np.arange(9)])
    current_c_rate = np.array([1.0] * 14 + DISCHARGE + [1.0] * 6)
    cycle = Cycle(1, time_s, np.full(23, 3.3), current_c_rate)
    assert charge_segments(cycle) == (slice(0, 14), [slice(17, 23)])


HOUR = [0.0] * 60


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        # Longer than the charge of an hour, and not.
        ([0.0] * 61, (slice(0, 61), [slice(122, 125)])),
        ([0.0] * 59, (slice(0, 123), [])),
    ],
)
def test_a_top_up_behind_a_long_rest_is_another_charge(rest, expected):
    assert all_charges([1.0] * 61, rest, [0.1] * 3) == expected


def test_a_rest_of_less_than_an_hour_behind_a_fast_charge_belongs_to_it():
    # Ten minutes at 6 C, half an hour of rest, 3 % more.
    found = all_charges([6.0] * 11, [0.0] * 30, [1.0] * 3)
    assert found == (slice(0, 44), [])


def test_a_top_up_before_a_long_rest_is_another_charge():
    found = all_charges([0.1] * 3, HOUR, [1.0] * 31)
    assert found == (slice(63, 94), [slice(0, 3)])


def test_top_ups_of_a_cell_that_is_kept_full_are_one_other_charge():
    top_up = [0.0] * 120 + [0.1] * 3
    found = all_charges([1.0] * 61, top_up, top_up)
    assert found == (slice(0, 61), [slice(181, 307)])


def test_a_long_rest_amid_a_charge_belongs_to_it():
    # A pause at half: what follows is no top-up.
    assert all_charges([1.0] * 31, HOUR * 2, [1.0] * 31) == (slice(0, 182), [])


def test_a_titration_is_one_charge():
    # Twenty pulses of 5 % with two hours of rest after each.
    pulse = [1.0] * 4 + [0.0] * 120
    assert all_charges(*[pulse] * 20) == (slice(0, 19 * 124 + 4), [])


def test_a_rest_inside_belongs_to_the_charge():
    assert segment_of(REST, CHARGE, REST, CHARGE, REST) == slice(3, 26)


def test_a_short_negative_pulse_inside_stays_inside():
    # -3.6 C for 6 s moves 3.6 * 6 / 3600 = 0.6 % of the capacity, less than 2 %.
    assert segment_of(CHARGE, [-3.6], CHARGE, step_s=6.0) == slice(0, 21)


@pytest.mark.parametrize(("c_rate", "expected"), [(-1.19, slice(0, 22)), (-1.21, slice(0, 10))])
def test_a_discharge_of_2_percent_separates_two_charges(c_rate, expected):
    # 1.2 C from one sample to the next, 60 s later, is 2 %; the first of two equal charges counts.
    assert segment_of(CHARGE, [c_rate, c_rate], CHARGE) == expected


def test_a_discharge_in_pulses_separates_two_charges():
    # Pulses of 1 C for 60 s = 1.7 % each, with rests: together 5 %.
    assert segment_of([1.0] * 5, [-1.0, -1.0, 0.0] * 3, CHARGE) == slice(14, 24)


def test_a_discharge_of_which_a_thinned_record_kept_one_sample_separates_two_charges():
    time_s = np.array([0, 600, 1200, 4800, 8400, 9000, 9600, 10200.0])
    current_c_rate = np.array([1, 1, 1, -1, 1, 1, 1, 1.0])
    cycle = Cycle(1, time_s, np.full(8, 3.3), current_c_rate)
    assert charge_segments(cycle)[0] == slice(4, 8)


def test_pulses_of_resistance_at_80_percent_stay_inside_the_charge():
    # MATR: ten pulses of 3.6 C, 30 ms each way, amid a rest of 60 s; then 1 C to the limit.
    pulses = [0.0] + [-3.6, 0.0, 3.6, 0.0] * 10
    current_c_rate = np.array([4.8] * 10 + pulses + CHARGE)
    steps_s = np.array([60.0] * 10 + [60.0] + [0.03] * 39 + [60.0] + [60.0] * 9)
    time_s = np.concatenate([[0.0], np.cumsum(steps_s)])
    cycle = Cycle(1, time_s, np.full(time_s.size, 3.4), current_c_rate)
    assert charge_segments(cycle)[0] == slice(0, 61)


def test_the_limit_of_voltage_reached_inside_the_fast_charge_does_not_end_it():
    # The current tapers at 3.6 V, rests 5 s, and goes on at 1 C.
    assert segment_of([6.0] * 9, [4.0, 2.0, 1.2], REST, CHARGE, step_s=5.0) == slice(0, 25)


def test_a_clock_that_starts_again_outside_the_charge_does_no_harm():
    # Step times: the rest before the charge counts from 0, the charge again.
    time_s = np.concatenate([60.0 * np.arange(30), 60.0 * np.arange(10)])
    cycle = Cycle(1, time_s, np.full(40, 3.3), np.array([0.0] * 30 + CHARGE))
    assert charge_segments(cycle)[0] == slice(30, 40)


def test_a_leftover_discharge_sample_near_the_start_is_cut_off():
    assert segment_of([0.0], [-2.2], CHARGE, step_s=3.0) == slice(2, 12)
    # Sometimes after the charge has begun for a sample or two.
    assert segment_of([0.0, 0.7, 0.7, -2.2], CHARGE, step_s=3.0) == slice(4, 14)


def test_a_rest_behind_the_leftover_sample_is_cut_off_too():
    assert segment_of([0.7, 0.7, -2.2, 0.0, 0.0], CHARGE, step_s=3.0) == slice(5, 15)


@pytest.mark.parametrize("tail", [[-3.0], [-3.0, 0.0], [-3.0, 0.0, 0.0]])
def test_two_samples_and_a_leftover_discharge_are_no_charge(tail):
    assert segment_of([1.0, 1.0], tail, step_s=3.0) is None


def test_noise_after_the_charge_is_cut_off():
    # The offset of a resting channel, and single samples above the limit.
    assert segment_of(CHARGE, [0.001, 0.004, 0.0, 0.006, 0.0, 0.02]) == slice(0, 10)


def test_noise_before_the_charge_is_cut_off():
    assert segment_of([0.004, 0.006, 0.0], CHARGE) == slice(3, 13)


def test_the_tail_of_a_constant_voltage_stage_stays():
    assert segment_of(CHARGE, [0.5, 0.1, 0.02, 0.02], REST) == slice(0, 14)


@pytest.mark.parametrize("current", [[], [1.0], [0.0] * 9, [-4.0] * 9, [0.006, 0.0, 0.006, 0.0]])
def test_no_charge_at_all(current):
    assert segment_of(current) is None


def test_constant_1_c_over_1_h_is_the_nominal_capacity():
    time_s = np.linspace(0.0, 3600.0, 7)
    capacity_ah = integrate_capacity(time_s, np.ones(7), nominal_capacity_ah=1.1)
    assert_allclose(capacity_ah, 1.1 * np.arange(7) / 6, rtol=1e-12)


def test_a_clock_that_steps_back_takes_no_charge_out():
    # 1 A for half an hour on either side of the step.
    capacity_ah = integrate_capacity(np.array([0, 1800.0, 0, 1800.0]), np.ones(4), 1.0)
    assert_allclose(capacity_ah, [0.0, 0.5, 0.5, 1.0], rtol=1e-12)


def test_a_ramp_on_uneven_times_is_integrated_by_trapezoids():
    # 2 Ah cell: (0 + 1)/2 * 2 A * 0.5 h = 0.5 Ah; then (1 + 3)/2 * 2 A * 0.25 h = 1 Ah.
    capacity_ah = integrate_capacity(np.array([0.0, 1800.0, 2700.0]), np.array([0.0, 1.0, 3.0]), 2)
    assert_allclose(capacity_ah, [0.0, 0.5, 1.5], rtol=1e-12)


def test_a_cut_charge_starts_at_time_0_and_capacity_0():
    cycle = cycle_of(
        [0.0, 1.0, 1.0, 0.5, 0.0],
        temperature_degc=np.array([20.0, 21.0, 22.0, 23.0, 24.0]),
        charge_capacity_ah=np.array([0.25, 0.25, 0.5, 0.625, 0.625]),
    )
    charge = cut_charge(cycle, slice(1, 4), nominal_capacity_ah=1.1)
    assert_array_equal(charge.time_s, [0.0, 60.0, 120.0])
    assert_array_equal(charge.current_c_rate, [1.0, 1.0, 0.5])
    assert_array_equal(charge.temperature_degc, [21.0, 22.0, 23.0])
    assert_array_equal(charge.charge_capacity_ah, [0.0, 0.25, 0.375])
    # 1.1 A * 60 s = 66 As, then 0.75 * 1.1 A * 60 s = 49.5 As.
    assert_allclose(charge.integrated_capacity_ah, np.array([0.0, 66.0, 115.5]) / 3600, rtol=1e-12)


def test_capacity_that_is_not_measured_is_integrated():
    cycle = constant_charge(charge_capacity_ah=None, temperature_degc=None)
    charge = cut_charge(cycle, slice(0, 61), nominal_capacity_ah=2.0)
    assert_array_equal(charge.charge_capacity_ah, charge.integrated_capacity_ah)
    assert_allclose(charge.charge_capacity_ah[-1], 2.0, rtol=1e-12)
    assert charge.temperature_degc is None


def charged(counter_ah, **series):
    """The charge of a cycle that charges throughout, with the counter as the source wrote it."""
    counter_ah = np.array(counter_ah, float)
    cycle = cycle_of([1.0] * counter_ah.size, charge_capacity_ah=counter_ah, **series)
    return cut_charge(cycle, slice(0, counter_ah.size), nominal_capacity_ah=1.1)


def test_a_top_up_whose_counter_starts_above_0_starts_at_0():
    # Arbin: the counter of the schedule shows 0.005 Ah at the first sample of the charge.
    charge = charged([0.005, 0.010, 0.020])
    assert_allclose(charge.charge_capacity_ah, [0.0, 0.005, 0.015], rtol=1e-12)
    assert charge.repairs == ()


def test_a_counter_that_also_counts_the_discharge_is_read_from_the_start_of_the_charge():
    # CALB: the column counts the discharge, shows 0 in the rest and 0.48 Ah 30 s into the charge.
    cycle = cycle_of(
        [*[-1.0] * 4, 0.0, *[1.0] * 3],
        charge_capacity_ah=np.array([12.0, 24.0, 36.0, 48.0, 0.0, 0.48, 0.96, 1.44]),
    )
    charge = cut_charge(cycle, slice(5, 8), nominal_capacity_ah=58.0)
    assert_allclose(charge.charge_capacity_ah, [0.0, 0.48, 0.96], rtol=1e-12)
    assert charge.repairs == ()


def test_a_counter_that_starts_again_at_a_step_inside_the_charge_is_joined():
    # Restarts at the second step (0.1 Ah within the interval) and, in a rest, at the third (0 Ah).
    charge = charged([0.1, 0.4, 0.8, 0.1, 0.3, 0.0, 0.0, 0.2])
    assert_allclose(charge.charge_capacity_ah, [0, 0.3, 0.7, 0.8, 1.0, 1.0, 1.0, 1.2], rtol=1e-12)
    assert charge.repairs == ("counter_joined",)


@pytest.mark.parametrize(
    "counter_ah",
    [
        [0.0, 0.2, 0.0, 0.4, 0.6],  # one sample drops and comes back
        [0.0, 0.4, 0.3, 0.35, 0.5],  # falls, but not to the start
        [2e-6, 0.0, 1e-6, 0.5, 1.0],  # noise before the charge
    ],
)
def test_a_counter_that_only_falls_is_not_joined(counter_ah):
    assert_array_equal(join_counter(np.array(counter_ah)), counter_ah)


@pytest.mark.parametrize("written", [0.0, np.nan])
def test_a_temperature_written_as_constant_0_is_absent(written):
    assert charged([0.1, 0.2, 0.3], temperature_degc=np.full(3, written)).temperature_degc is None


def test_a_temperature_at_the_freezing_point_is_measured():
    assert_array_equal(measured(np.array([0.0, 0.0, 0.1])), [0.0, 0.0, 0.1])
    assert measured(None) is None


def test_a_temperature_is_absent_by_its_whole_cycle_not_by_its_charge():
    # A sensor of 1 degC resolution at the freezing point, while the charge lasts.
    cycle = cycle_of([1.0] * 4 + [-1.0] * 2, temperature_degc=np.array([0.0] * 4 + [1.0, 2.0]))
    charge = cut_charge(cycle, slice(0, 4), nominal_capacity_ah=1.1)
    assert_array_equal(charge.temperature_degc, np.zeros(4))


def test_a_counter_that_shows_0_throughout_is_replaced_by_the_integral():
    # 1.1 A for 60 s and 120 s.
    charge = charged([0.0, 0.0, 0.0])
    assert_allclose(charge.charge_capacity_ah, np.array([0.0, 66.0, 132.0]) / 3600, rtol=1e-12)


def test_repairs_of_the_clock_go_with_the_charge():
    cycle = cycle_of([1.0] * 3, charge_capacity_ah=np.array([0.5, 0.1, 0.2]))
    charge = cut_charge(cycle, slice(0, 3), 1.1, repairs=("clock_unwrapped",))
    assert charge.repairs == ("clock_unwrapped", "counter_joined")
