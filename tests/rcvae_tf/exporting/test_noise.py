"""Noise from seeds: the distributions that the model draws, and a row for itself."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from rcvae_tf.exporting.noise import noise_of_seeds
from rcvae_tf.model.rcvae import LAPLACE, NORMAL, NoisePart

PARTS = {
    "z": NoisePart(NORMAL, (3,), np.float32(1.0)),
    "one": NoisePart(NORMAL, (), np.float32(1.5)),
    "points": NoisePart(LAPLACE, (2, 5), np.array([[1.0], [0.5]], np.float32)),
}


@pytest.fixture(scope="module")
def draw():
    signature = [tf.TensorSpec([None], tf.int64)]
    return tf.function(lambda seed: noise_of_seeds(PARTS, seed), input_signature=signature)


def numbers(draw, seeds):
    noise = draw(tf.constant(seeds, tf.int64))
    return {name: values.numpy() for name, values in noise.items()}


def test_a_row_follows_from_its_seed_alone(draw):
    alone, among = numbers(draw, [7]), numbers(draw, [1, 7, 2**62, -5, 7])
    for name in PARTS:
        # To the last bit: how the processor cuts arrays into pieces shows in it.
        assert_allclose(alone[name][0], among[name][1], rtol=1e-6)
        assert_allclose(among[name][4], among[name][1], rtol=1e-6)
        assert not np.array_equal(among[name][0], among[name][1])


def test_shapes_are_those_of_the_parts_and_no_row_is_no_noise(draw):
    shapes = {name: values.shape for name, values in numbers(draw, []).items()}
    assert shapes == {"z": (0, 3), "one": (0,), "points": (0, 2, 5)}


def test_distributions_are_those_of_the_model(draw):
    noise = numbers(draw, np.arange(20_000))
    assert np.all([np.isfinite(values).all() for values in noise.values()])
    # Mean and spread of 60,000 draws, four standard errors wide.
    assert abs(noise["z"].mean()) < 4 / 60_000**0.5
    assert noise["z"].std() == pytest.approx(1.0, abs=0.012)
    assert noise["one"].std() == pytest.approx(1.5, abs=0.03)
    # A Laplace distribution of scale 1: mean absolute value 1, a share exp(-2) beyond 2.
    points = noise["points"]
    assert np.abs(points[:, 0]).mean() == pytest.approx(1.0, abs=0.013)
    assert np.abs(points[:, 1]).mean() == pytest.approx(0.5, abs=0.007)
    assert (np.abs(points[:, 0]) > 2).mean() == pytest.approx(np.exp(-2), abs=0.005)
    assert abs(np.corrcoef(points[:, 0, 0], points[:, 0, 1])[0, 1]) < 0.03


def test_the_parts_of_a_model_are_what_it_takes_as_noise(default_run):
    parts = default_run.model.noise_parts
    drawn = default_run.model.draw_noise(2, np.random.default_rng(0))
    assert {name: (2, *part.shape) for name, part in parts.items()} == {
        name: values.shape for name, values in drawn.items()
    }
