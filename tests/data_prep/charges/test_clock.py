import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.charges.clock import mend_clock, mended_time
from tests.builders import constant_charge


def mended(*time_s):
    """Which samples are left, and their time."""
    in_time, values_s = mended_time(np.array(time_s, float))
    return np.flatnonzero(in_time).tolist(), values_s.tolist()


def test_a_clock_in_order_is_left_alone():
    assert mended(5, 5, 6, 90000) == ([0, 1, 2, 3], [5, 5, 6, 90000])
    assert mended() == ([], [])


def test_the_first_row_of_a_step_with_time_0_is_taken_out():
    # Neware: 7200 s of rest, then the step's first row at 0 and the others in the right time.
    assert mended(7190, 7200, 0, 7200.01, 7210) == ([0, 1, 3, 4], [7190, 7200, 7200.01, 7210])


def test_a_row_out_of_time_near_the_end_of_a_day_is_no_midnight():
    assert mended(86380, 86390, 0, 86399, 86400)[1] == [86380, 86390, 86399, 86400]


def test_a_row_far_ahead_of_its_time_is_taken_out():
    assert mended(10, 20, 1000, 30, 40) == ([0, 1, 3, 4], [10, 20, 30, 40])


def test_of_two_rows_that_changed_places_one_goes():
    assert mended(10, 20, 30, 25, 40) == ([0, 1, 3, 4], [10, 20, 25, 40])


@pytest.mark.parametrize(
    ("time_s", "left"), [((7000, 10, 20, 30), [1, 2, 3]), ((10, 20, 30, 0), [0, 1, 2])]
)
def test_a_lone_first_or_last_row_out_of_time_is_taken_out(time_s, left):
    assert mended(*time_s)[0] == left


def test_a_clock_that_starts_again_for_good_keeps_its_step_back():
    # How long the pause was is not known.
    assert mended(500, 510, 0, 10, 20) == ([0, 1, 2, 3, 4], [500, 510, 0, 10, 20])


def test_a_clock_that_runs_backwards_is_left_alone():
    assert mended(50, 40, 30, 20) == ([0, 1, 2, 3], [50, 40, 30, 20])


def test_a_time_of_day_goes_on_past_midnight():
    # As in CALB 0: 30 s from sample to sample, 86395 s to 26 s.
    assert mended(86365, 86395, 26, 56) == ([0, 1, 2, 3], [86365, 86395, 86426, 86456])


def test_midnight_before_the_last_sample():
    assert mended(86335, 86365, 86395, 26)[1] == [86335, 86365, 86395, 86426]


def test_two_midnights_are_two_days():
    assert mended(86000, 100, 43000, 86300, 50)[1] == [86000, 86500, 129400, 172700, 172850]


@pytest.mark.parametrize(("late_s", "early_s"), [(82799, 10), (86390, 3601)])
def test_a_step_back_far_from_midnight_is_none(late_s, early_s):
    times_s = [late_s - 10, late_s, early_s, early_s + 10]
    assert mended(*times_s) == ([0, 1, 2, 3], times_s)


@pytest.mark.parametrize("elsewhere_s", [-1, 86401])
def test_a_clock_that_shows_more_than_a_day_shows_no_time_of_day(elsewhere_s):
    times_s = sorted([86380, 86390, elsewhere_s]) + [5, 15]
    assert mended(*times_s)[1] == times_s


def test_every_signal_of_a_cycle_loses_the_row_out_of_time():
    time_s = 60.0 * np.arange(61)
    time_s[30] = 0.0
    cycle = constant_charge(time_s=time_s)
    left, repairs = mend_clock(cycle)
    assert repairs == ("row_out_of_time",)
    assert left.number == cycle.number
    for name in ("time_s", "voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah"):
        assert_array_equal(getattr(left, name), np.delete(getattr(cycle, name), 30), name)


def test_an_unwrapped_clock_is_named_and_absent_signals_stay_absent():
    time_s = (85000.0 + 60.0 * np.arange(61)) % 86400
    cycle = constant_charge(time_s=time_s, temperature_degc=None, charge_capacity_ah=None)
    mended_cycle, repairs = mend_clock(cycle)
    assert repairs == ("clock_unwrapped",)
    assert_array_equal(mended_cycle.time_s, 85000.0 + 60.0 * np.arange(61))
    assert mended_cycle.temperature_degc is None
    assert mended_cycle.charge_capacity_ah is None


def test_both_repairs_in_one_cycle_are_both_named():
    time_s = (85000.0 + 60.0 * np.arange(61)) % 86400
    time_s[50] = 0.0
    mended_cycle, repairs = mend_clock(constant_charge(time_s=time_s))
    assert repairs == ("row_out_of_time", "clock_unwrapped")
    assert_array_equal(mended_cycle.time_s, np.delete(85000.0 + 60.0 * np.arange(61), 50))


def test_a_sound_cycle_is_the_same_object():
    cycle = constant_charge()
    assert mend_clock(cycle) == (cycle, ())
    assert mend_clock(cycle)[0] is cycle
