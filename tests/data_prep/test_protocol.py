import numpy as np
import pytest

from data_prep.errors import UserError
from data_prep.protocol import ChargeStep, parse_policy, policy_numbers


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("5.4C(40%)-3.6C", [(5.4, 0.4), (3.6, 0.8), (1.0, 1.0)]),
        ("3.6C(80%)-3.6C", [(3.6, 0.8), (1.0, 1.0)]),
        ("1C(4%)-6C", [(1.0, 0.04), (6.0, 0.8), (1.0, 1.0)]),
        ("5C(67%)-4C-newstructure", [(5.0, 0.67), (4.0, 0.8), (1.0, 1.0)]),
        ("4.8C(80%)-4.8C-newstructure", [(4.8, 0.8), (1.0, 1.0)]),
        (
            "3.6C(20%)-6C(40%)-5.6C(60%)-4.755C(80%)-1C",
            [(3.6, 0.2), (6.0, 0.4), (5.6, 0.6), (4.755, 0.8), (1.0, 1.0)],
        ),
        ("0.75C", [(0.75, 1.0)]),
        ("5C(67%)-4C(100%)", [(5.0, 0.67), (4.0, 1.0)]),  # all said, nothing is added
        ("2C(90%)-0.5C", [(2.0, 0.9), (0.5, 1.0)]),
        (" 5.4c(40%) - 3.6c ", [(5.4, 0.4), (3.6, 0.8), (1.0, 1.0)]),
    ],
)
def test_policy_text_becomes_steps_to_a_full_cell(text, steps):
    assert parse_policy(text) == tuple(ChargeStep(*step) for step in steps)


@pytest.mark.parametrize(
    "text",
    ["", "fast", "5.4C(40%)", "5.4C-3.6C", "5C(40%)-4C(30%)-3C", "0C(40%)-3C", "5.4C(40%)-30C"]
    + ["1C(1%)-2C(2%)-3C(3%)-4C(4%)-5C(5%)-6C", "5.4C(140%)-3.6C", "5.4C(40%)-"],
)
def test_a_text_that_is_no_policy_is_refused_with_the_text(text):
    with pytest.raises(UserError, match="Received: policy="):
        parse_policy(text)


def test_numbers_are_rates_and_states_of_charge_with_the_last_step_repeated():
    expected = [[5.4, 0.4], [3.6, 0.8], [1, 1], [1, 1], [1, 1], [1, 1]]
    np.testing.assert_array_equal(policy_numbers("5.4C(40%)-3.6C"), np.float32(expected))


def test_an_unknown_policy_is_all_zero():
    np.testing.assert_array_equal(policy_numbers(""), np.zeros((6, 2)))


def test_all_124_policies_of_severson_are_read(shared_data):
    lines = (shared_data / "matr_policies.csv").read_text(encoding="utf-8-sig").splitlines()
    texts = [line.split(",")[4] for line in lines[1:]]
    assert len(texts) == 124
    assert len({policy_numbers(text).tobytes() for text in texts}) == 68
