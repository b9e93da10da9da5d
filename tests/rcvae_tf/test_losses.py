import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from rcvae_tf.model.layers import reparameterise
from rcvae_tf.model.losses import kld, mse, total_loss

X = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], np.float32)
X_RECONSTRUCTED = np.array([[1.0, 4.0, 3.0], [1.0, -1.0, 5.0]], np.float32)
ALL_PRESENT = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("reduction", "expected"),
    # Squared errors by element: (0, 4, 0) and (1, 1, 25); K = 2 samples.
    [("mean", (4 / 3 + 27 / 3) / 2), ("sum", (4 + 27) / 2)],
)
def test_mse_is_a_mean_over_samples(reduction, expected):
    assert_allclose(mse(X, X_RECONSTRUCTED, ALL_PRESENT, reduction), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("reduction", "expected"), [("mean", (4 / 2 + 2 / 2) / 2), ("sum", (4 + 2) / 2)]
)
def test_elements_of_absent_signals_do_not_count(reduction, expected):
    present = np.array([1.0, 1.0, 0.0], np.float32)
    assert_allclose(mse(X, X_RECONSTRUCTED, present, reduction), expected, rtol=1e-6)


def test_kld_of_the_standard_normal_is_zero():
    assert np.all(kld(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32)).numpy() == 0.0)


def test_kld_worked_by_hand():
    # -1/2 (1 + log 4 - 1 - 4) = 2 - log 2; -1/2 (1 + 0 - 9 - 1) = 4.5
    z_mean = np.array([[1.0, 3.0]], np.float32)
    z_log_var = np.array([[np.log(4.0), 0.0]], np.float32)
    assert_allclose(kld(z_mean, z_log_var), [[2.0 - np.log(2.0), 4.5]], rtol=1e-6)


def test_kld_is_never_negative():
    rng = np.random.default_rng(0)
    values = kld(rng.normal(0, 2, (1000, 4)), rng.normal(0, 2, (1000, 4))).numpy()
    assert values.min() >= 0.0


@pytest.mark.parametrize(
    ("kl_weight", "expected"),
    # KLD of the samples: 0.1 + 0.3 and 0.5 + 0.7; their mean is 0.8.
    [(1.0, 2.0 + 0.8), (0.25, 2.0 + 0.2), (0.0, 2.0)],
)
def test_loss_adds_the_kld_summed_over_the_latent_and_averaged_over_the_batch(kl_weight, expected):
    kld_value = np.array([[0.1, 0.3], [0.5, 0.7]], np.float32)
    assert_allclose(total_loss(2.0, kld_value, kl_weight), expected, rtol=1e-6)


def test_loss_does_not_change_with_the_size_of_the_batch():
    rng = np.random.default_rng(0)
    x, other = rng.normal(size=(2, 4, 3)).astype(np.float32)
    z_mean, z_log_var = rng.normal(size=(2, 4, 2)).astype(np.float32)

    def loss(times):
        stacked = [np.tile(values, (times, 1)) for values in (x, other, z_mean, z_log_var)]
        mse_value = mse(*stacked[:2], ALL_PRESENT, "mean")
        return total_loss(mse_value, kld(*stacked[2:]), 1.0)

    assert_allclose(loss(5), loss(1), rtol=1e-6)


def test_the_squared_error_reaches_the_variance_through_the_draw():
    z_mean, z_log_var = tf.constant([[1.0, 2.0]]), tf.Variable([[0.0, np.log(4.0)]])
    epsilon = tf.constant([[0.5, -1.0]])
    with tf.GradientTape() as tape:
        z = reparameterise(z_mean, z_log_var, epsilon)
        loss = mse(tf.zeros((1, 2)), z, np.ones(2, np.float32), "sum")
    # dL/dlogvar = 2 z * epsilon * sigma / 2 with z = (1.5, 0), sigma = (1, 2)
    assert_allclose(tape.gradient(loss, z_log_var), [[0.75, 0.0]], atol=1e-6)
