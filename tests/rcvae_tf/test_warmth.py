import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.protocol import policy_numbers
from rcvae_tf.model.warmth import TIME_CONSTANTS_MIN, warmth, warmth_statistics

TIMES_MIN = np.array([[0.0, 1.0, 4.0, 30.0]], np.float32)
DECAYS = 1.0 / np.array(TIME_CONSTANTS_MIN)[:, None]


def warmth_of(policy, num_fast_steps, minutes=TIMES_MIN):
    return np.asarray(warmth(policy_numbers(policy)[None], num_fast_steps, minutes))[0]


def test_a_constant_rate_warms_exponentially_to_its_square():
    expected = 2.0**2 * (1.0 - np.exp(-TIMES_MIN * DECAYS))
    assert_allclose(warmth_of("2C", 0), expected, rtol=1e-5)
    # The same charge where the canvas has steps for other policies.
    assert_allclose(warmth_of("2C", 3), expected, rtol=1e-5)


def test_a_step_that_is_over_cools_while_the_next_one_warms():
    # 6C(20%) lasts 2 min, then 2C holds.
    def since(start_min):
        return 1.0 - np.exp(-np.maximum(TIMES_MIN - start_min, 0.0) * DECAYS)

    expected = 36.0 * (since(0.0) - since(2.0)) + 4.0 * since(2.0)
    assert_allclose(warmth_of("6C(20%)-2C(100%)", 1), expected, rtol=1e-5, atol=1e-5)


def test_long_behind_the_fast_charge_the_last_rate_is_all_that_is_left():
    late = np.array([[500.0]], np.float32)
    assert_allclose(warmth_of("5.4C(40%)-3.6C", 2, late), np.ones((3, 1)), rtol=1e-5)


def test_an_unknown_policy_warms_nothing():
    assert_array_equal(warmth_of("", 2), np.zeros((3, 4)))


def test_statistics_are_over_samples_and_the_spread_over_knots_too():
    # Two samples, one time constant, two knots: deviations of 1 and of 3.
    mean, spread = warmth_statistics(np.array([[[1.0, 2.0]], [[3.0, 8.0]]]))
    assert_array_equal(mean, [[2.0, 5.0]])
    assert_allclose(spread, [np.sqrt((1 + 9 + 1 + 9) / 4)])
