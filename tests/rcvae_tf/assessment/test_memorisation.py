"""Memorisation: values that theory gives for a copy and for more real data."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rcvae_tf.assessment.memorisation import membership_auc, memorisation


@pytest.fixture
def samples():
    """Members, held-out ones, and more of the same distribution."""
    return np.random.default_rng(0).normal(size=(3, 300, 5))


def test_a_copy_lies_on_the_training_charges(samples):
    training, held_out, _ = samples
    found = memorisation(training, held_out, training[:100])
    assert found["distance"] == 0.0
    assert found["distance_ratio"] == 0.0
    assert found["near_share"] == 1.0
    assert found["neighbour_ratio"] == 0.0


def test_more_real_data_lie_as_far_as_those_held_out(samples):
    found = memorisation(*samples)
    assert_allclose(found["distance_ratio"], 1.0, atol=0.1)
    assert_allclose(found["near_share"], 0.05, atol=0.04)
    assert_allclose(found["neighbour_ratio"], found["neighbour_ratio_held_out"], atol=0.05)


def test_memorisation_of_points_on_a_line_by_hand():
    training = np.array([[0.0], [10.0]])
    held_out, others = np.array([[4.0], [4.0]]), np.array([[1.0], [1.0]])
    found = memorisation(training, held_out, others)
    assert_allclose(found["distance_ratio"], 0.25)  # 1 over 4
    assert_allclose(found["neighbour_ratio"], 1 / 9)
    assert_allclose(found["neighbour_ratio_held_out"], 4 / 6)
    assert found["near_share"] == 1.0


def test_two_training_charges_that_are_equal_make_no_single_neighbour():
    found = memorisation(np.zeros((2, 1)), np.ones((2, 1)), np.zeros((1, 1)))
    assert found["neighbour_ratio"] == 1.0


def test_membership_auc_of_independent_data_is_one_half(samples):
    assert_allclose(membership_auc(*samples), 0.5, atol=0.06)


def test_membership_auc_of_a_copy_of_every_member_is_one(samples):
    members, held_out, _ = samples
    assert membership_auc(members, held_out, members) == 1.0


def test_membership_auc_of_copies_of_half_the_members_is_three_quarters(samples):
    members, held_out, more = samples
    others = np.concatenate([members[:150], more])
    assert_allclose(membership_auc(members, held_out, others), 0.75, atol=0.04)


def test_membership_auc_counts_a_tie_half():
    # Distances 1 and 3 of the members, 1 and 2 of those held out: tie, nearer, further, further.
    members, held_out = np.array([[1.0], [3.0]]), np.array([[-1.0], [-2.0]])
    assert membership_auc(members, held_out, np.zeros((1, 1))) == (0.5 + 1) / 4
