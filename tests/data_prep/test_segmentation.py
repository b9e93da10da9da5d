import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import Cycle
from data_prep.segmentation import charge_segment, cut_charge, integrate_capacity
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
    return charge_segment(cycle_of([value for part in parts for value in part], **options))


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


def test_a_rest_inside_belongs_to_the_charge():
    assert segment_of(REST, CHARGE, REST, CHARGE, REST) == slice(3, 26)


def test_a_short_negative_pulse_inside_stays_inside():
    # -3.6 C for 6 s moves 3.6 * 6 / 3600 = 0.6 % of the capacity, less than 2 %.
    assert segment_of(CHARGE, [-3.6], CHARGE, step_s=6.0) == slice(0, 21)


@pytest.mark.parametrize(("c_rate", "expected"), [(-1.19, slice(0, 22)), (-1.21, slice(0, 10))])
def test_a_discharge_of_2_percent_separates_two_charges(c_rate, expected):
    # 1.2 C from one sample to the next, 60 s later, is 2 %; the first of two equal charges counts.
    assert segment_of(CHARGE, [c_rate, c_rate], CHARGE) == expected


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
