import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.sources.cycler.discharges import discharge_capacities

INTEGRAL = "discharge capacity: the integral of the current"
UNFINISHED = "last discharge not counted: the record ends in it"

# Two cycles of a 2 Ah cell, a row each 15 minutes: charge at 2 A, discharge at 1 A and at 3 A.
TIME_S = 900.0 * np.arange(12)
CURRENT_A = np.array([2.0, 2.0, -1.0, -1.0, -1.0, 0.0, 2.0, 2.0, -3.0, -3.0, -3.0, 0.0])
# Either discharge ends at 2.5 V.
VOLTAGE_V = np.array([3.3, 3.6, 3.2, 3.0, 2.5, 2.9] * 2)
NUMBERS = np.repeat([1, 2], 6)
# Half the first and half the last interval of a discharge go with the rows at its ends.
CYCLE_1_AH = 1.0 * (0.25 / 2 + 0.25 + 0.25 + 0.25 / 2)


def capacities(
    numbers=NUMBERS, time_s=TIME_S, current_a=CURRENT_A, measured_ah=None, voltage_v=None
):
    voltage_v = np.full(len(numbers), 3.3) if voltage_v is None else np.asarray(voltage_v)
    measured_ah = None if measured_ah is None else np.asarray(measured_ah, float)
    return discharge_capacities(numbers, time_s, np.asarray(current_a), voltage_v, measured_ah, 2.0)


def assert_capacities(found, expected, notes):
    assert list(found[0]) == list(expected)
    assert_allclose(list(found[0].values()), list(expected.values()), rtol=1e-12)
    assert found[1] == notes


def test_current_is_integrated_where_nothing_was_measured():
    assert_capacities(capacities(), {1: CYCLE_1_AH, 2: 3 * CYCLE_1_AH}, (INTEGRAL,))


def test_a_row_out_of_time_does_not_count():
    # As a Neware export has it: the first row of a step carries 0 s.
    time_s = np.insert(TIME_S, 8, 0.0)
    found = capacities(np.insert(NUMBERS, 8, 2), time_s, np.insert(CURRENT_A, 8, -3.0))
    assert_capacities(found, {1: CYCLE_1_AH, 2: 3 * CYCLE_1_AH}, (INTEGRAL,))


def test_a_clock_that_starts_again_with_each_cycle_counts_nothing_between_them():
    time_s = np.tile(TIME_S[:6], 2)
    assert_capacities(capacities(time_s=time_s), {1: CYCLE_1_AH, 2: 3 * CYCLE_1_AH}, (INTEGRAL,))


def test_a_clock_that_starts_again_amid_a_discharge_counts_nothing_there():
    time_s = np.concatenate([TIME_S[:3], TIME_S[:9]])
    expected = {1: CYCLE_1_AH - 0.25, 2: 3 * CYCLE_1_AH}
    assert_capacities(capacities(time_s=time_s), expected, (INTEGRAL,))


def test_what_passes_between_two_cycles_of_a_record_with_gaps_is_of_neither():
    numbers = np.repeat([1, 9], 6)
    measured_ah = [5, 5, 5, 5.5, 5.9, 5.9, 20, 20, 20, 20.5, 21.6, 21.6]
    assert_capacities(capacities(numbers, measured_ah=measured_ah), {1: 0.9, 9: 1.6}, ())


def test_rows_that_are_not_finite_are_bridged():
    current_a = np.insert(CURRENT_A, 3, np.nan)
    time_s = np.insert(TIME_S, 3, TIME_S[2] + 1.0)
    found = capacities(np.insert(NUMBERS, 3, 1), time_s, current_a)
    assert_capacities(found, {1: CYCLE_1_AH, 2: 3 * CYCLE_1_AH}, (INTEGRAL,))


@pytest.mark.parametrize(
    "measured_ah",
    [
        [0, 0, 0, 0.5, 0.9, 0.9, 0, 0, 0, 0.5, 1.6, 1.6],  # set back with each cycle
        [0, 0, 0, 0.5, 0.9, 0.9, 0.9, 0, 0, 0.5, 1.6, 1.6],  # a row late
        [5, 5, 5, 5.5, 5.9, 5.9, 5.9, 5.9, 5.9, 6.4, 7.5, 7.5],  # never set back
    ],
)
def test_a_meter_counts_wherever_it_is_set_back(measured_ah):
    assert_capacities(capacities(measured_ah=measured_ah), {1: 0.9, 2: 1.6}, ())


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_gap_in_the_meter_counts_what_is_left(gap):
    measured_ah = [0, 0, 0, 0.5, gap, 0.9, gap, gap, 0, 0.5, 1.6, 1.6]
    assert_capacities(capacities(measured_ah=measured_ah), {1: 0.5, 2: 1.6}, ())


def test_cycle_0_and_cycles_without_a_discharge_have_no_capacity():
    found = capacities(numbers=np.repeat([0, 1, 2], 4), measured_ah=[0] * 2 + [1] * 4 + [1.03] * 6)
    # 0.03 Ah of 2 Ah is a pulse.
    assert found == ({}, ())


@pytest.mark.parametrize("last_v", [2.53, 2.6, np.nan])
def test_a_discharge_in_which_the_record_ends_is_not_taken_for_the_end_of_life(last_v):
    voltage_v = [*VOLTAGE_V[:10], last_v]
    rows = (NUMBERS[:-1], TIME_S[:-1], CURRENT_A[:-1])
    assert_capacities(
        capacities(*rows, voltage_v=voltage_v), {1: CYCLE_1_AH}, (INTEGRAL, UNFINISHED)
    )
    measured_ah = [0, 0, 0, 0.5, 0.9, 0.9, 0, 0, 0, 0.5, 0.8]
    found = capacities(*rows, measured_ah, voltage_v)
    assert_capacities(found, {1: 0.9}, (UNFINISHED,))


def test_a_last_discharge_that_reaches_the_cut_off_of_the_others_counts():
    measured_ah = [0, 0, 0, 0.5, 0.9, 0.9, 0, 0, 0, 0.5, 1.6]
    for last_v in (2.51, 2.4):
        voltage_v = [*VOLTAGE_V[:10], last_v]
        found = capacities(NUMBERS[:-1], TIME_S[:-1], CURRENT_A[:-1], measured_ah, voltage_v)
        assert_capacities(found, {1: 0.9, 2: 1.6}, ())


def test_the_usual_end_of_the_discharges_is_the_cut_off_not_one_that_was_broken_off():
    # Cycles 1, 3 and 4 end at 2.5 V, cycle 2 was broken off at 3.1 V; the record ends at 3.05 V.
    numbers, current_a = np.repeat(np.arange(1, 6), 3), [2.0, -2.0, -2.0] * 5
    voltage_v = np.array([3.6, 3.2, 2.5] * 5)
    voltage_v[5], voltage_v[14] = 3.1, 3.05
    found = capacities(numbers, 900.0 * np.arange(15), current_a, None, voltage_v)
    assert list(found[0]) == [1, 2, 3, 4]


def test_a_single_discharge_in_which_the_record_ends_has_no_other_to_compare_with():
    found = capacities(NUMBERS[:5], TIME_S[:5], CURRENT_A[:5], voltage_v=VOLTAGE_V[:5])
    assert found == ({}, (UNFINISHED,))


def test_charges_alone_have_no_discharge_capacity_and_no_note():
    assert capacities(current_a=np.ones(12)) == ({}, ())
