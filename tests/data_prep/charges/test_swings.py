import numpy as np
import pytest

from data_prep.charges.swings import Swing, find_swings


def swings_of(*parts, step_s=60.0):
    current_c_rate = np.array([value for part in parts for value in part], float)
    return find_swings(step_s * np.arange(current_c_rate.size), current_c_rate)


# In steps of 60 s, 1 C over 10 samples moves 9 / 60 = 15 % of the capacity.
REST = [0.0] * 3
CHARGE = [1.0] * 10
DISCHARGE = [-1.0] * 10


def test_charge_and_discharge_take_turns():
    assert swings_of(REST, CHARGE, REST, DISCHARGE, REST, CHARGE) == [
        Swing(3, 13, True),
        Swing(16, 26, False),
        Swing(29, 39, True),
    ]


@pytest.mark.parametrize("current", [[], [1.0], [0.0] * 9, [0.004] * 999, [1.0, 1.0]])
def test_nothing_is_moved(current):
    assert swings_of(current) == []


def test_a_discharge_in_pulses_is_one_discharge():
    # A titration: pulses of 2 samples, 1 C for 60 s = 1.7 %, each less than 2 %; rests between.
    pulse = [-1.0, -1.0, 0.0, 0.0]
    assert swings_of(CHARGE, REST, *[pulse] * 5, REST, CHARGE) == [
        Swing(0, 10, True),
        Swing(13, 31, False),
        Swing(36, 46, True),
    ]


def test_a_charge_in_pulses_is_one_charge():
    assert swings_of(DISCHARGE, *[[1.0, 1.0, 0.0]] * 4, DISCHARGE)[1] == Swing(10, 21, True)


def test_regenerative_braking_does_not_end_a_discharge():
    # 1 C for 60 s back in = 1.7 %.
    assert swings_of(DISCHARGE, [1.0, 1.0], DISCHARGE) == [Swing(0, 22, False)]


def test_a_discharge_of_2_percent_is_one():
    assert len(swings_of(CHARGE, [-1.19, -1.19], CHARGE)) == 1
    assert len(swings_of(CHARGE, [-1.21, -1.21], CHARGE)) == 3


def test_a_lone_sample_is_a_pulse_where_its_interval_is_short():
    # 3.6 C amid samples 60 s apart would be 6 % at the most.
    assert swings_of(CHARGE, [0.0, -3.6, 0.0], CHARGE) == [Swing(0, 23, True)]


@pytest.mark.parametrize(("minutes", "discharges"), [(11, 0), (13, 1)])
def test_a_discharge_of_which_one_sample_is_left(minutes, discharges):
    # A thinned record: 1 C over an interval of 13 minutes is 21.7 %, of 11 minutes 18.3 %.
    charge_s = 60.0 * np.arange(10)
    lone_s = charge_s[-1] + 60.0 * minutes
    time_s = np.concatenate([charge_s, [lone_s], lone_s + 60.0 * minutes + charge_s])
    found = find_swings(time_s, np.array([*CHARGE, -1.0, *CHARGE]))
    assert [swing for swing in found if not swing.charging] == [Swing(10, 11, False)] * discharges


def test_a_clock_that_starts_again_moves_nothing():
    # From 3600 s back to 0 s at 1 C: not minus the whole capacity.
    time_s = np.concatenate([3060.0 + 60.0 * np.arange(10), 60.0 * np.arange(10)])
    assert find_swings(time_s, np.ones(20)) == [Swing(0, 20, True)]
