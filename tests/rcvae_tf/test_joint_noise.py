"""Noise that hangs together: the factor model by hand, how it is measured, what it draws."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.dataset import validation_batches
from rcvae_tf.model.charge import never_falling
from rcvae_tf.model.joint_noise import JointNoise, own_share
from rcvae_tf.training.joint_noise import common_factors, deviations, measure_joint_noise
from tests.rcvae_tf.builders import NUM_POINTS, tiny_model

RNG = np.random.default_rng


def joint_noise(loadings, log_size_spread=0.0, scale=1.0, farthest=99.0):
    """One signal and two points, so five deviations."""
    layer = JointNoise(len(loadings), 1, 2, scale)
    layer.build()
    layer.loadings.assign(loadings)
    layer.log_size_spread.assign(np.full(len(loadings), log_size_spread))
    layer.farthest.assign(np.full(len(loadings), farthest))
    return layer


def moments(values):
    centred = values - values.mean(axis=0)
    variance = np.mean(centred**2, axis=0)
    return variance, np.mean(centred**4, axis=0) / variance**2


# The factor model


def test_a_factor_moves_points_capacity_and_duration_together():
    layer = joint_noise([[1.0, 2.0, 0.1, 0.2, 0.01], [0.0, -1.0, 0.0, 0.0, 0.0]], scale=2.0)
    drawn = layer(tf.constant([[1.0, 0.0], [0.5, 1.0]]), tf.zeros((2, 2)))
    assert_allclose(drawn.deviation.points, [[[2.0, 4.0]], [[1.0, 0.0]]])
    assert_allclose(drawn.deviation.capacity_ah, [[0.2, 0.4], [0.1, 0.2]])
    assert_allclose(drawn.deviation.log_duration, [0.02, 0.01])
    assert_allclose(drawn.variance.points, [[[1.0, 5.0]]])


def test_a_size_of_one_deviation_is_e_to_the_spread_less_its_square():
    layer = joint_noise([[1.0] * 5], log_size_spread=0.5)
    drawn = layer(tf.ones((1, 1)), tf.ones((1, 1)))
    assert_allclose(drawn.deviation.log_duration, [np.exp(0.5 - 0.25)], rtol=1e-6)


def test_no_factor_goes_further_than_in_training():
    layer = joint_noise([[1.0] * 5], scale=2.0, farthest=1.5)
    drawn = layer(tf.constant([[-9.0], [1.0], [7.0]]), tf.zeros((3, 1)))
    assert_allclose(drawn.deviation.log_duration, [-3.0, 2.0, 3.0])


def test_sizes_leave_the_variance_and_raise_the_kurtosis():
    layer = joint_noise([[1.0] * 5], log_size_spread=0.3)
    factors, sizes = RNG(0).normal(size=(2, 400_000, 1)).astype(np.float32)
    variance, kurtosis = moments(np.asarray(layer(factors, sizes).deviation.log_duration))
    assert variance == pytest.approx(1.0, abs=0.01)
    assert kurtosis == pytest.approx(3.0 * np.exp(4 * 0.3**2), rel=0.05)


@pytest.mark.parametrize(
    ("common", "share"), [(0.0, 1.0), (0.5, 0.5**0.5), (1.0, 0.02**0.5), (9.0, 0.02**0.5)]
)
def test_a_point_keeps_what_is_not_common(common, share):
    assert_allclose(own_share(tf.constant([common]), tf.constant([1.0])), [share], rtol=1e-6)


def test_a_spread_of_zero_has_no_share_that_is_no_number():
    assert np.isfinite(own_share(tf.zeros(1), tf.zeros(1))).all()


def test_a_capacity_that_would_fall_stays():
    capacity_ah = tf.constant([[0.0, 0.2, 0.1, 0.3], [-0.1, 0.0, 0.5, 0.5]])
    assert_allclose(
        never_falling(capacity_ah), [[0.0, 0.2, 0.2, 0.4], [0.0, 0.1, 0.6, 0.6]], atol=1e-7
    )


# How it is measured


def test_deviations_along_one_direction_are_one_factor():
    measured = np.outer([2.0, -2.0] * 4, [1.0, 2.0, -1.0, 0.0])
    factors = common_factors(measured, 3)
    assert_allclose(np.abs(factors.loadings[0]), [2.0, 4.0, 2.0, 0.0], atol=1e-9)
    assert np.sign(factors.loadings[0, 0]) == -np.sign(factors.loadings[0, 2])
    assert_array_equal(factors.loadings[1:], np.zeros((2, 4)))
    # Two values alone: a kurtosis of 1, less than a Gaussian's.
    assert_array_equal(factors.log_size_spread, np.zeros(3))
    assert_allclose(factors.farthest, [1.0, 0.0, 0.0])


def test_a_rare_event_is_a_factor_of_its_own():
    rng = RNG(1)
    daily, rare = rng.normal(size=4000), rng.choice([-5.0, 0.0, 5.0], 4000, p=[0.02, 0.96, 0.02])
    measured = np.outer(daily, [1.0, 1.0, 0.0]) + np.outer(rare, [0.0, 1.0, 1.0])
    factors = common_factors(measured, 2)
    k = int(np.argmax(factors.log_size_spread))
    assert_allclose(np.abs(factors.loadings[k]), np.array([0.0, 1.0, 1.0]) * rare.std(), atol=0.06)
    assert_allclose(np.abs(factors.loadings[1 - k]), [1.0, 1.0, 0.0], atol=0.06)
    # Of 0, and of +-5 with 4 %: a kurtosis of 1 / 0.04.
    assert factors.log_size_spread[k] == pytest.approx(np.sqrt(np.log(25 / 3) / 4), rel=0.1)


def test_all_factors_together_have_the_covariance_of_what_was_measured():
    mixed = RNG(2).normal(size=(500, 4)) @ RNG(3).normal(size=(4, 4))
    loadings = common_factors(mixed, 4).loadings
    assert_allclose(loadings.T @ loadings, np.cov(mixed.T, bias=True), atol=1e-9)


def test_four_samples_make_a_factor_and_none_make_none():
    measured = RNG(4).normal(size=(9, 6))
    assert np.any(common_factors(measured, 5).loadings, axis=1).tolist() == [True] * 2 + [False] * 3
    assert not common_factors(measured[:3], 5).loadings.any()
    assert not common_factors(np.zeros((9, 6)), 5).loadings.any()


# In the model


@pytest.fixture
def untrained(dataset):
    return tiny_model(dataset, noise_factors=4)


def charges(model, noise):
    inputs = {
        "condition": tf.constant([[500.0, 3.0]]),
        "policy_steps": tf.zeros((1, 6, 2)),
    }
    curves, duration_min = model._charges(inputs, noise)
    return curves.numpy()[0], duration_min.numpy()[0]


def test_without_loadings_noise_is_as_if_there_were_no_factors(untrained):
    model, _ = untrained
    noise = model.draw_noise(1, RNG(5))
    alone = {name: noise[name] for name in ("z", "duration_epsilon", "point_noise")}
    assert_allclose(charges(model, noise)[0], charges(model, alone)[0], atol=2e-6)


def test_a_factor_of_the_capacity_raises_it_by_its_loading(untrained):
    model, _ = untrained
    model.charge.capacity_tolerance_ah = 9.0
    loadings = np.zeros(model.joint_noise.loadings.shape)
    loadings[1, 3 * NUM_POINTS : -1] = np.linspace(0.0, 0.02, NUM_POINTS)
    loadings[2, -1] = 0.1
    model.joint_noise.loadings.assign(loadings)
    model.joint_noise.farthest.assign(np.full(4, 9.0))
    noise = {"z": np.zeros((1, 2), np.float32), "factor_sizes": np.zeros((1, 4), np.float32)}
    plain, higher, longer = (
        charges(model, {**noise, "factors": np.float32([factors])})
        for factors in ([0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0])
    )
    assert higher[0][-1, -1] - plain[0][-1, -1] == pytest.approx(0.04, abs=1e-5)
    assert_array_equal(higher[0][:-1], plain[0][:-1])
    assert longer[1] / plain[1] == pytest.approx(np.exp(0.3), rel=1e-5)


def test_an_untrained_model_deviates_by_measured_less_mean_curves(untrained, dataset):
    model, vocabulary = untrained
    measured = deviations(model, validation_batches(dataset.train, vocabulary, 4))
    assert measured.shape == (15, 4 * NUM_POINTS + 1)
    duration_min = dataset.train.curves["elapsed_time_s"][:, -1] / 60.0
    expected = np.log(duration_min) - model.data_facts["canvas"]["log_duration_mean"]
    assert_allclose(measured[:, -1], expected, atol=1e-5)
    # Within the canvas what is expected at a time is the mean over charges at that time.
    assert abs(measured[:, :NUM_POINTS].mean()) < 0.5 * measured[:, :NUM_POINTS].std()


def test_what_was_measured_is_drawn_again(untrained, dataset):
    model, vocabulary = untrained
    samples = validation_batches(dataset.train, vocabulary, 4)
    measure_joint_noise(model, samples)
    loadings = model.joint_noise.loadings.numpy()
    # 15 samples make three factors.
    assert np.any(loadings, axis=1).tolist() == [True, True, True, False]
    explained = np.sum(loadings**2, axis=0)
    variance = deviations(model, samples).var(axis=0)
    assert (explained <= variance * (1 + 1e-4) + 1e-9).all()
    assert explained.sum() > 0.5 * variance.sum()
