import dataclasses

import pytest

from data_prep.errors import ConditionError
from data_prep.records import SIGNALS, Condition


def test_order_of_the_signals():
    assert SIGNALS[:3] == ("voltage_v", "current_c_rate", "temperature_degc")
    assert SIGNALS[3:] == ("charge_capacity_ah", "elapsed_time_s")


def test_remaining_life_is_eol_less_ecl():
    assert Condition(741, 41).rul == 700


def test_remaining_life_is_negative_past_the_end_of_life():
    assert Condition(100, 103).rul == -3


def test_label_is_the_papers():
    assert Condition(1190, 12).label == "1190_12"


def test_conditions_are_ordered_by_eol_then_ecl():
    shuffled = [Condition(700, 2), Condition(90, 100), Condition(700, 1)]
    assert sorted(shuffled) == [Condition(90, 100), Condition(700, 1), Condition(700, 2)]


def test_a_condition_is_a_value():
    assert len({Condition(700, 1), Condition(700, 1)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        Condition(700, 1).ecl = 2


def test_the_first_cycle_and_the_shortest_life():
    assert Condition(1, 1).rul == 0


@pytest.mark.parametrize(
    ("eol", "ecl", "message"),
    [
        (0, 1, "EOL must be a whole number of cycles, 1 or more. Received: EOL=0"),
        (-5, 1, "Received: EOL=-5"),
        (700.5, 1, "Received: EOL=700.5"),
        (float("nan"), 1, "Received: EOL=nan"),
        (float("inf"), 1, "Received: EOL=inf"),
        (700, 0, "ECL must be a whole number of cycles, 1 or more. Received: ECL=0"),
        (700, -1, "Received: ECL=-1"),
        (700, 1.5, "Received: ECL=1.5"),
        (700, float("nan"), "Received: ECL=nan"),
    ],
)
def test_a_condition_that_no_cell_can_have(eol, ecl, message):
    with pytest.raises(ConditionError, match=message):
        Condition(eol, ecl)
