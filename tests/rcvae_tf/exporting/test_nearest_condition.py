"""The look-up in the graph finds what the vocabulary finds."""

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import MOST_CYCLES, Condition
from rcvae_tf.conditions import Vocabulary
from rcvae_tf.exporting.nearest_condition import NearestCondition


def match(vocabulary, labels):
    eol, ecl = np.asarray(labels, np.int64).T
    return NearestCondition(vocabulary)(tf.constant(eol), tf.constant(ecl))


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9, 0.99, 1.0])
def test_it_agrees_with_the_vocabulary(weight):
    rng = np.random.default_rng(3)
    known = rng.integers([100, 1], [140, 61], (300, 2)).tolist()
    vocabulary = Vocabulary([Condition(*label) for label in known], weight)
    labels = np.stack([rng.integers(80, 160, 500), rng.integers(-5, 90, 500)], axis=1)
    index, distance = vocabulary.nearest(labels)
    found = match(vocabulary, labels)
    assert_array_equal(found.index, index)
    assert_allclose(found.distance, distance, atol=1e-9)
    assert_array_equal(np.stack([found.eol, found.ecl], 1), vocabulary.labels[index])
    assert_array_equal(found.in_support, vocabulary.in_support(labels))


def test_ties_go_to_the_smaller_index():
    vocabulary = Vocabulary([Condition(500, 10), Condition(500, 20), Condition(700, 10)], 0.9)
    found = match(vocabulary, [(500, 15), (600, 15)])
    assert_array_equal(found.index, [0, 0])
    assert_allclose(found.distance, [0.5, 90.5])


@pytest.mark.parametrize("ecl", [-(2**62), 0, MOST_CYCLES, 2**62])
def test_ages_beyond_all_reason_are_matched(ecl):
    vocabulary = Vocabulary([Condition(500, 10), Condition(500, 20), Condition(700, 15)], 0.9)
    found = match(vocabulary, [(700, ecl)])
    assert found.index.numpy() in (0, 1, 2)
    assert not found.in_support.numpy()[0]


def test_one_condition_is_always_the_nearest():
    found = match(Vocabulary([Condition(500, 10)], 0.9), [(500, 10), (1, 1)])
    assert_array_equal(found.index, [0, 0])
    assert_array_equal(found.in_support, [True, False])
    assert_allclose(found.distance, [0.0, 0.9 * 499 + 0.1 * 9])
