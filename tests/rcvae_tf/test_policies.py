import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.errors import UserError
from data_prep.protocol import policy_numbers
from rcvae_tf.generation.policies import (
    PolicyMatch,
    c_rate_difference,
    example_policy,
    match_policy,
)


@pytest.mark.parametrize(
    ("policy", "other", "expected"),
    [
        ("5.4C(40%)-3.6C", "5.4C(40%)-3.6C", 0.0),
        ("5C(80%)", "4C(80%)", 1.0),
        # 1 C apart over 20 of 80 %
        ("5C(20%)-4C(80%)", "4C(80%)", 0.25**0.5),
        # 2 C over 0 to 10 %, 1 C over 10 to 40 %, 3 C over 40 to 80 %
        ("6C(10%)-5C(40%)-1C(80%)", "4C(80%)", ((2**2 * 10 + 1 * 30 + 3**2 * 40) / 80) ** 0.5),
        # nothing but what follows 80 % differs
        ("4C(80%)-1C", "4C(80%)-2C", 0.0),
        # one rate for the whole charge
        ("1C", "4C(80%)", 3.0),
        # a step that goes on behind 80 %: 1 C over 67 to 80 %
        ("5C(67%)-4C(100%)", "5C(80%)", (13 / 80) ** 0.5),
    ],
)
def test_difference_is_the_rms_up_to_80_percent(policy, other, expected):
    steps, others = policy_numbers(policy), policy_numbers(other)
    assert_allclose(c_rate_difference(steps, others), expected, rtol=1e-6, atol=1e-6)
    assert_allclose(c_rate_difference(others, steps), expected, rtol=1e-6, atol=1e-6)


def test_the_nearest_policy_is_found_and_told_as_it_was_spelled():
    match = match_policy("5C(80%)", ["3.6C(80%)-3.6C", "4.8C(80%)-4.8C", "5.4C(80%)-1C"])
    assert match.nearest == "4.8C(80%)-4.8C"
    assert_allclose(match.c_rate_difference, 0.2, rtol=1e-6)
    assert match.seen is False


def test_a_policy_of_another_spelling_is_seen():
    known = ["3.6C(80%)", "5.4C(40%)-3.6C(80%)-1C"]
    assert match_policy("5.4C(40%)-3.6C", known) == PolicyMatch(known[1], 0.0, seen=True)


def test_a_policy_that_differs_behind_80_percent_was_not_seen():
    match = match_policy("4C(80%)-2C", ["4C(80%)-1C"])
    assert match == PolicyMatch("4C(80%)-1C", 0.0, seen=False)
    seen = match_policy("4C(80%)-2C", ["4C(80%)-1C", "4C(80%)-2C"])
    assert seen == PolicyMatch("4C(80%)-2C", 0.0, seen=True)


def test_what_is_no_policy_among_the_known_ones_is_left_out():
    assert match_policy("4C(80%)", ["", "unknown"]) is None
    assert match_policy("4C(80%)", ["", "unknown", "1C"]).nearest == "1C"
    assert example_policy(["", "unknown", "1C"]) == "1C"
    assert np.any(policy_numbers(example_policy([])))


def test_what_is_asked_for_must_be_a_policy():
    with pytest.raises(UserError, match=r"Received: policy='4C-3C'"):
        match_policy("4C-3C", ["4C(80%)"])
