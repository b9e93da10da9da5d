import numpy as np
from numpy.testing import assert_array_equal

from data_prep.sources.cycler.cycle_counting import count_cycles

# In steps of 60 s, 1 C over 10 samples moves 15 % of the capacity.
REST = [0.0] * 3
CHARGE = [1.0] * 10
DISCHARGE = [-1.0] * 10


def counted(*parts):
    """How many samples each cycle has."""
    current_c_rate = np.array([value for part in parts for value in part], float)
    numbers = count_cycles(60.0 * np.arange(current_c_rate.size), current_c_rate)
    assert np.all(np.diff(numbers) >= 0)
    return np.bincount(numbers)[1:].tolist()


def test_a_charge_and_the_discharge_after_it_are_a_cycle():
    assert counted(CHARGE, DISCHARGE, CHARGE, DISCHARGE) == [20, 20]


def test_the_rest_before_a_charge_belongs_to_it():
    assert counted(REST, CHARGE, REST, DISCHARGE, REST, CHARGE, REST, DISCHARGE) == [26, 26]


def test_what_comes_before_the_first_charge_belongs_to_cycle_1():
    assert counted(REST, DISCHARGE, REST, CHARGE, DISCHARGE, REST, CHARGE) == [36, 13]


def test_what_comes_after_the_last_discharge_belongs_to_the_last_cycle():
    assert counted(CHARGE, DISCHARGE, CHARGE, DISCHARGE, REST, [0.1]) == [20, 24]


def test_a_second_discharge_to_the_bottom_belongs_to_the_same_cycle():
    assert counted(CHARGE, DISCHARGE, REST, [-0.2] * 20, REST, CHARGE) == [43, 13]


def test_pulses_begin_no_cycle():
    # Of resistance in a charge, of braking in a discharge.
    assert counted(CHARGE, [-3.6, 0, 3.6], CHARGE, DISCHARGE, [1.0, 1.0], DISCHARGE) == [45]


def test_a_record_without_a_charge_is_one_cycle():
    assert counted(REST) == [3]
    assert counted(DISCHARGE) == [10]
    assert count_cycles(np.zeros(0), np.zeros(0)).tolist() == []


def test_a_row_out_of_time_goes_with_the_row_before():
    # Charge and discharge without a rest, the head of each step at time 0.
    current_c_rate = np.array(CHARGE + DISCHARGE + CHARGE + DISCHARGE)
    time_s = 60.0 * np.arange(40)
    time_s[[10, 20, 30]] = 0.0
    numbers = count_cycles(time_s, current_c_rate)
    assert_array_equal(numbers, np.repeat([1, 2], [21, 19]))


def test_a_neware_record_of_a_rate_test_has_5_cycles(shared_data):
    import pandas as pd

    (path,) = (shared_data / "bdf").glob("SINTEF*.csv")
    table = pd.read_csv(path)
    numbers = count_cycles(
        table["test_time_second"].to_numpy(), table["current_ampere"].to_numpy() / 6.55
    )
    # Steps of the schedule: charges 2, 6, 10, 14, 19; a discharge 2 steps after each.
    last_steps = [table["step_index"][numbers == number].to_numpy()[-2] for number in range(1, 6)]
    assert numbers.max() == 5
    assert last_steps == [4, 8, 12, 16, 21]
