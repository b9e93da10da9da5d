import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.protocol import policy_numbers
from rcvae_tf.model.policy import (
    NUM_FEATURES,
    count_fast_steps,
    fast_steps,
    last_rate,
    policy_features,
    step_rates,
)


def numbers(*policies):
    return np.stack([policy_numbers(policy) for policy in policies])


def test_fast_steps_last_until_their_state_of_charge():
    # 40 % at 5.4 C are 0.4 / 5.4 h, 40 % at 3.6 C are 0.4 / 3.6 h; 1 C follows and is not fast.
    rates, minutes = fast_steps(numbers("5.4C(40%)-3.6C"), 3)
    assert_allclose(rates, [[5.4, 3.6, 0.0]])
    assert_allclose(minutes, [[40 / 9, 20 / 3, 0.0]], rtol=1e-5)


def test_a_policy_with_fewer_steps_has_zeros_behind_them():
    rates, minutes = fast_steps(numbers("6C(20%)-5C(50%)-4C", "4.8C(80%)"), 3)
    assert_allclose(rates, [[6.0, 5.0, 4.0], [4.8, 0.0, 0.0]])
    assert_allclose(minutes, [[2.0, 3.6, 4.5], [10.0, 0.0, 0.0]], rtol=1e-5)


def test_one_rate_for_the_whole_charge_is_no_fast_step():
    rates, minutes = fast_steps(numbers("0.75C"), 2)
    assert_array_equal(rates, [[0.0, 0.0]])
    assert_array_equal(minutes, [[0.0, 0.0]])
    assert_allclose(last_rate(numbers("0.75C")), [[0.75]])


def test_an_unknown_policy_is_zero_in_every_respect():
    unknown = numbers("")
    for part in (*fast_steps(unknown, 3), last_rate(unknown), policy_features(unknown)):
        assert_array_equal(part, np.zeros(part.shape))


def test_the_last_rate_is_that_behind_the_fast_charge():
    policies = numbers("5.4C(40%)-3.6C", "5C(67%)-4C(100%)", "8C(15%)-3.6C(80%)-2C(100%)")
    assert_allclose(last_rate(policies), [[1.0], [4.0], [2.0]])


def test_a_step_that_a_policy_does_not_have_has_the_rate_of_the_one_before():
    policies = numbers("6C(20%)-5C(50%)-4C", "4.8C(80%)", "0.75C", "")
    expected = [[6.0, 5.0, 4.0, 1.0], [4.8, 4.8, 4.8, 1.0], [0.75] * 4, [0.0] * 4]
    assert_allclose(step_rates(policies, 3), expected)


def test_features_of_a_policy_of_two_steps():
    # Rates at 4, 12 ... 76 %; 4.44 + 6.67 min; a tenth of 5.4^2 * 4.44 + 3.6^2 * 6.67; a tenth of
    # 3.6^2 * 6.67; the last rate; the first.
    expected = [*[5.4] * 5, *[3.6] * 5, 100 / 9, 21.6, 8.64, 3.6, 5.4]
    assert_allclose(policy_features(numbers("5.4C(40%)-3.6C")), [expected], rtol=1e-5)


def test_features_of_a_policy_of_one_fast_step():
    expected = [*[4.8] * 10, 10.0, 23.04, 23.04, 4.8, 4.8]
    assert_allclose(policy_features(numbers("4.8C(80%)")), [expected], rtol=1e-5)


def test_features_of_one_rate_have_no_fast_charge():
    expected = [*[0.75] * 10, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert_allclose(policy_features(numbers("0.75C")), [expected])


def test_features_of_the_longest_policy_read_every_step():
    policy = "4C(20%)-5C(30%)-6C(40%)-7C(60%)-3C(80%)-1C"
    # 4, 12 | 20, 28 | 36 | 44, 52 | 60, 68, 76: a step that ends at 20 % is over at 20 %.
    profile = [4.0, 4.0, 5.0, 5.0, 6.0, 7.0, 7.0, 3.0, 3.0, 3.0]
    features = np.asarray(policy_features(numbers(policy)))[0]
    assert features.shape == (NUM_FEATURES,)
    assert_allclose(features[:10], profile)
    assert_allclose(features[13:], [3.0, 4.0])


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        (("4.8C(80%)", "6C(20%)-5C(50%)-4C", "5.4C(40%)-3.6C"), 3),
        (("4C", "4.8C(80%)"), 1),
        (("4C", "0.75C"), 0),
        (("",), 0),
    ],
)
def test_the_canvas_has_room_for_the_most_steps(policies, expected):
    assert count_fast_steps(numbers(*policies)) == expected
