import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.protocol import policy_numbers
from rcvae_tf.model.canvas_networks import (
    SMALLEST_DURATION_SPREAD,
    AgeFeatures,
    CurveHeads,
    DurationNetwork,
    LifeEmbedding,
    PolicyFeatures,
)
from tests.rcvae_tf.builders import randomise

RNG = np.random.default_rng
POLICIES = np.stack([policy_numbers(text) for text in ("5.4C(40%)-3.6C", "4.8C(80%)")])
LAYERS = {
    "age": (AgeFeatures(3), RNG(0).uniform(1.0, 100.0, (2, 1))),
    "life": (LifeEmbedding([400.0, 500.0, 900.0], 3), np.array([450.0, 900.0])),
    "policy": (PolicyFeatures([1.0] * 15, [2.0] * 15), POLICIES),
    "duration": (DurationNetwork(4, 2.5, 0.2), RNG(1).normal(size=(2, 5))),
    "curves": (CurveHeads(2, 4, 6, 5), RNG(2).normal(size=(2, 3))),
    "curves without block 1": (CurveHeads(2, 4, 6, 5, 1), RNG(2).normal(size=(2, 3))),
}


def built(layer, x):
    if not layer.built:
        layer.build(x.shape)
    return layer


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_made_again_from_its_config(name):
    layer, x = LAYERS[name]
    x = x.astype(np.float32)
    randomise(built(layer, x))
    config = keras.saving.serialize_keras_object(layer)
    again = built(keras.saving.deserialize_keras_object(config), x)
    assert again.get_config() == layer.get_config()
    again.set_weights(layer.get_weights())
    for one, other in zip(tf.nest.flatten(layer(x)), tf.nest.flatten(again(x)), strict=True):
        assert_array_equal(one, other)


def test_an_age_is_a_number_a_logarithm_decays_and_waves():
    expected = [
        0.5,
        np.log(50.0) / 2 - 1.5,
        np.exp(-49 / 1.5),
        np.exp(-49 / 6),
        *(np.sin(0.5), np.cos(0.5), np.sin(1.0), np.cos(1.0)),
    ]
    age = AgeFeatures(2)
    assert age.size == len(expected)
    assert_allclose(age(np.float32([[50.0]])), [expected], rtol=1e-5, atol=1e-12)


def test_the_first_cycle_stands_out_of_the_decays():
    features = np.asarray(AgeFeatures(0)(np.float32([[1.0], [2.0], [40.0]])))
    assert_allclose(features[:, 2], [1.0, 0.5134, 0.0], atol=1e-4)
    assert_allclose(features[:, 3], [1.0, 0.8465, 0.0015], atol=1e-4)


def test_an_age_of_zero_has_finite_features():
    assert np.isfinite(AgeFeatures(2)(np.zeros((1, 1), np.float32))).all()


@pytest.fixture
def lives():
    layer = LifeEmbedding([400.0, 500.0, 900.0], 2)
    layer.build((None,))
    layer.embeddings.assign([[0.0, 10.0], [1.0, 20.0], [5.0, 0.0]])
    return layer


def test_a_known_life_has_its_own_row(lives):
    rows = lives(np.float32([400.0, 500.0, 900.0]))
    assert_array_equal(rows, [[0.0, 10.0], [1.0, 20.0], [5.0, 0.0]])


def test_a_life_between_two_known_ones_lies_on_the_line_between_their_rows(lives):
    assert_allclose(lives(np.float32([450.0, 600.0])), [[0.5, 15.0], [2.0, 15.0]], rtol=1e-6)


def test_a_life_outside_the_known_ones_has_the_row_of_the_nearest(lives):
    assert_array_equal(lives(np.float32([1.0, 5000.0])), [[0.0, 10.0], [5.0, 0.0]])


def test_a_single_known_life_is_that_of_every_charge():
    layer = LifeEmbedding([400.0], 2)
    layer.build((None,))
    layer.embeddings.assign([[3.0, 4.0]])
    assert_array_equal(layer(np.float32([100.0, 400.0, 900.0])), [[3.0, 4.0]] * 3)


def test_policy_features_are_standardised_and_a_constant_one_is_not_used():
    spread = np.array([*[0.9] * 10, 0.0, 2.0, 2.0, 0.6, 5e-4])
    layer = PolicyFeatures([4.5] * 15, spread)
    # Rates of 5.4 and 3.6 C; heat 21.6 and 8.64, last fast rate 3.6.
    told = [*[1.0] * 5, *[-1.0] * 5, 0.0, 8.55, 2.07, -1.5, 0.0]
    assert layer.size == 15
    assert_allclose(layer(POLICIES[:1]), [told], rtol=1e-4)


def test_a_duration_begins_at_the_mean_over_training_with_a_third_of_its_spread():
    network = DurationNetwork(8, mean=3.4, spread=0.3)
    network.build((None, 5))
    duration = network(RNG(0).normal(size=(4, 5)).astype(np.float32))
    assert_allclose(duration.mean, [3.4] * 4, rtol=1e-6)
    assert_allclose(duration.spread, [0.3 * np.exp(-1.0)] * 4, rtol=1e-6)


def test_the_spread_of_a_duration_has_a_least_value():
    network = DurationNetwork(8, mean=3.4, spread=0.3)
    network.build((None, 5))
    network.head.bias.assign([2.0, -50.0])
    duration = network(np.zeros((1, 5), np.float32))
    assert_allclose(duration.mean, [3.4 + 0.3 * 2.0], rtol=1e-6)
    assert_allclose(duration.spread, [SMALLEST_DURATION_SPREAD])


def test_what_is_drawn_begins_at_zero():
    heads = CurveHeads(2, 8, num_curves=6, num_spreads=4)
    heads.build((None, 3))
    curves, log_spreads = heads(RNG(0).normal(size=(5, 3)).astype(np.float32))
    assert_array_equal(curves, np.zeros((5, 6)))
    assert_array_equal(log_spreads, np.zeros((5, 4)))


def test_spreads_are_learned_without_moving_what_curves_are_drawn_from():
    heads = CurveHeads(2, 8, num_curves=6, num_spreads=4)
    heads.build((None, 3))
    randomise(heads)
    with tf.GradientTape(persistent=True) as tape:
        curves, log_spreads = heads(RNG(0).normal(size=(5, 3)).astype(np.float32))
    inlet = heads.stack.inlet.kernel.value
    assert tape.gradient(log_spreads, inlet) is None
    assert np.abs(tape.gradient(log_spreads, heads.log_spreads.kernel.value)).max() > 0
    assert np.abs(tape.gradient(curves, inlet)).max() > 0
