import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.model.networks import Decoder, Encoder, decoder_input, encoder_input

X = np.array([[1.0, 2.0]], np.float32)
CONDITION = np.array([[3.0]], np.float32)


@pytest.fixture
def encoder():
    """One plain layer of width 2 on (condition, x): a = ReLU(condition, x_1 + x_2)."""
    layer = Encoder(1, 2, 1, "plain")
    layer.build((None, 2), (None, 1))
    layer.stack.set_weights([np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.zeros(2)])
    layer.mean_head.set_weights([np.array([[1.0], [10.0]]), np.array([0.5])])
    layer.log_variance_head.set_weights([np.array([[-1.0], [0.5]]), np.array([0.25])])
    return layer


def test_encoder_input_is_the_condition_then_the_sample():
    assert_array_equal(encoder_input(CONDITION, X), [[3.0, 1.0, 2.0]])


def test_decoder_input_is_z_then_the_condition():
    assert_array_equal(decoder_input(X, CONDITION), [[1.0, 2.0, 3.0]])


def test_latent_mean_is_linear_in_the_last_hidden_layer(encoder):
    a = np.array([[3.0, 2.0], [0.0, 1.0]], np.float32)
    assert_allclose(encoder.latent_mean(a), [[23.5], [10.5]], rtol=1e-6)


def test_latent_log_variance_is_linear_in_the_last_hidden_layer(encoder):
    a = np.array([[3.0, 2.0], [0.0, 1.0]], np.float32)
    assert_allclose(encoder.latent_log_variance(a), [[-1.75], [0.75]], rtol=1e-6)


def test_log_variance_stays_where_its_exponential_has_meaning(encoder):
    a = np.array([[1000.0, 0.0], [0.0, 1000.0]], np.float32)
    assert_array_equal(encoder.latent_log_variance(a), [[-20.0], [10.0]])


def test_encoder_worked_by_hand(encoder):
    z_mean, z_log_var = encoder(X, CONDITION)
    # a = ReLU(3, 1 + 2); mean 3 + 30 + 0.5; log variance -3 + 1.5 + 0.25
    assert_allclose(z_mean, [[33.5]], rtol=1e-6)
    assert_allclose(z_log_var, [[-1.25]], rtol=1e-6)


def test_decoder_worked_by_hand():
    layer = Decoder(1, 2, 3, "plain")
    layer.build((None, 2), (None, 1))
    layer.stack.set_weights([np.array([[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]), np.array([0.0, 5.0])])
    layer.head.set_weights(
        [np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]), np.array([0.0, 0.0, 7.0])]
    )
    # z (1, 2), condition 3: a = ReLU(3, 2); head (3, 2, 6 + 2 + 7)
    assert_allclose(layer(X, CONDITION), [[3.0, 2.0, 15.0]], rtol=1e-6)


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_decoder_output_changes_with_z_and_with_the_condition(block):
    layer = Decoder(2, 8, 5, block)
    layer.build((None, 2), (None, 1))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    out = layer(X, CONDITION).numpy()
    assert np.abs(layer(X + 1.0, CONDITION).numpy() - out).max() > 1e-2
    assert np.abs(layer(X, CONDITION + 1.0).numpy() - out).max() > 1e-2


def test_a_residual_decoder_starts_at_the_training_mean():
    layer = Decoder(2, 8, 5, "residual")
    assert_array_equal(layer(X, CONDITION), np.zeros((1, 5)))


def test_a_plain_decoder_does_not_start_at_zero():
    assert np.abs(Decoder(2, 8, 5, "plain")(X, CONDITION).numpy()).max() > 0.0


def test_a_decoder_without_its_first_layer_gives_z_and_condition_to_the_second():
    layer = Decoder(2, 2, 1, "plain", detached_layer=1)
    layer.build((None, 2), (None, 1))
    layer.stack.set_weights([np.array([[1.0, 0.0], [1.0, 0.0], [0.0, -1.0]]), np.array([0.0, 5.0])])
    layer.head.set_weights([np.array([[1.0], [10.0]]), np.array([0.0])])
    # z (1, 2), condition 3: a = ReLU(3, 2); head 3 + 20
    assert_allclose(layer(X, CONDITION), [[23.0]], rtol=1e-6)
    assert [part.name for part in layer.stack.hidden] == ["hidden_2"]


@pytest.mark.parametrize("block", ["plain", "residual"])
def test_a_network_told_no_condition_takes_the_rest(block):
    nothing = np.zeros((1, 0), np.float32)
    encoder, decoder = Encoder(2, 4, 3, block), Decoder(2, 4, 5, block)
    encoder.build((None, 2), (None, 0))
    decoder.build((None, 2), (None, 0))
    assert encoder.get_weights()[0].shape == decoder.get_weights()[0].shape == (2, 4)
    assert encoder(X, nothing)[0].shape == (1, 3)
    assert decoder(X, nothing).shape == (1, 5)
