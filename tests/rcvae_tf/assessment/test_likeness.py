"""Measures of likeness on Gaussian data, where theory gives the values, and on a few points."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from rcvae_tf.assessment.discrepancy import mmd, squared_distances
from rcvae_tf.assessment.discrimination import discriminative_score
from rcvae_tf.assessment.neighbours import expected_coverage, neighbour_scores
from rcvae_tf.assessment.spread import spread_ratios


@pytest.fixture
def two_samples():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 300, 4))


def cells(count, num_cells=10):
    return np.arange(count) % num_cells


def test_two_samples_of_one_distribution_cannot_be_told_apart(two_samples):
    score = discriminative_score(*two_samples, cells(300), cells(300), seed=0)
    assert abs(score["accuracy"] - 0.5) < 4 * score["chance"]
    assert_allclose(score["chance"], 0.5 / np.sqrt(600))


def test_far_samples_are_always_told_apart(two_samples):
    first, second = two_samples
    assert discriminative_score(first, second + 20.0, cells(300), cells(300), 0)["accuracy"] == 1.0


def test_the_classifier_is_asked_about_cells_that_it_has_not_seen(two_samples):
    # Each cell has a mark of its own on what is real: it says nothing of another cell.
    first, second = (sample.copy() for sample in two_samples)
    first[:, 0], second[:, 0] = 100.0 * cells(300), 100.0 * cells(300) + 50.0
    held_out = discriminative_score(first[:, :1], second[:, :1], cells(300), cells(300), 0)
    assert held_out["accuracy"] < 0.7


def test_mmd_of_one_distribution_is_about_zero_and_within_chance(two_samples):
    found = mmd(*two_samples, np.random.default_rng(1))
    assert abs(found["mmd2"]) < 0.005
    assert 0.05 < found["p_value"] <= 1.0
    assert abs(found["chance_mean"]) < 0.002


def test_p_values_of_one_distribution_are_spread_evenly():
    rng = np.random.default_rng(2)
    found = [mmd(*rng.normal(size=(2, 30, 2)), rng)["p_value"] for _ in range(60)]
    assert abs(np.mean(found) - 0.5) < 4 / np.sqrt(12 * 60)


def test_mmd_of_a_shift_is_beyond_chance(two_samples):
    first, second = two_samples
    found = mmd(first, second + 0.5, np.random.default_rng(1))
    assert found["mmd2"] > found["chance_95"] > 0
    assert found["p_value"] == pytest.approx(1 / 501)


def test_mmd_of_two_points_each_by_hand():
    # Distances 1 within each set, 3 and 4, 2 and 3 between them; the median within the first is 1.
    found = mmd(np.array([[0.0], [1.0]]), np.array([[3.0], [4.0]]), np.random.default_rng(0))
    kernel = np.exp(-np.array([0.5, 4.5, 8.0, 2.0]))  # squared distances 1, 9, 16, 4 over 2
    expected = 2 * kernel[0] - 2 * (2 * kernel[1] + kernel[2] + kernel[3]) / 4
    assert_allclose(found["mmd2"], expected)


def test_neighbour_scores_of_one_distribution_are_as_published():
    rng = np.random.default_rng(3)
    found = [neighbour_scores(*rng.normal(size=(2, 400, 8))) for _ in range(4)]
    assert_allclose(np.mean([f["density"] for f in found]), 1.0, atol=0.08)
    assert_allclose(
        np.mean([f["coverage"] for f in found]), expected_coverage(400, 400, 5), atol=0.01
    )


def test_expected_coverage_by_hand_and_in_the_limit():
    # Of 2 and 1, k 1: one of two is as likely the nearest as the other: 1 - 1 / 2.
    assert_allclose(expected_coverage(2, 1, 1), 0.5)
    assert_allclose(expected_coverage(10**6, 10**6, 5), 1 - 2**-5, rtol=1e-5)


def test_the_reference_itself_is_precise_and_covered(two_samples):
    found = neighbour_scores(two_samples[0], two_samples[0])
    assert [found[name] for name in ("precision", "recall", "coverage")] == [1.0, 1.0, 1.0]


def test_neighbour_scores_of_points_on_a_line_by_hand():
    # Reach of 0, 1, 2, 10 to the nearest: 1, 1, 1, 8; of 0.5, 30, 31, 32: 29.5, 1, 1, 1.
    reference = np.array([[0.0], [1.0], [2.0], [10.0]])
    others = np.array([[0.5], [30.0], [31.0], [32.0]])
    found = neighbour_scores(reference, others, k=1)
    assert found["precision"] == 0.25
    assert found["density"] == 0.5  # 0.5 lies within the reach of 0 and of 1
    assert found["coverage"] == 0.5
    assert found["recall"] == 1.0  # the reach of 0.5 holds all


def test_modes_that_are_left_out_cost_recall_and_coverage_not_precision():
    rng = np.random.default_rng(4)
    reference = np.concatenate([rng.normal(size=(100, 2)), rng.normal(50.0, 1.0, (100, 2))])
    found = neighbour_scores(reference, rng.normal(size=(200, 2)))
    assert found["precision"] > 0.9
    assert found["recall"] < 0.55
    assert found["coverage"] < 0.55


def test_squared_distance_of_an_equal_point_is_exactly_zero():
    rows = np.random.default_rng(5).normal(1e3, 1.0, (20, 50))
    assert np.all(np.diag(squared_distances(rows, rows)) == 0.0)


LABELS = np.array([[500, ecl] for ecl in range(1, 10)])


def test_spread_ratio_of_doubled_deviations_is_two():
    curves = np.random.default_rng(6).normal(size=(9, 4))
    found = spread_ratios({"voltage_v": curves}, LABELS, {"voltage_v": 2 * curves}, LABELS)
    assert_allclose(found["voltage_v"], 2.0)


def test_spread_ratio_of_equal_curves_is_zero_and_without_measured_spread_none():
    curves = np.random.default_rng(6).normal(size=(9, 4))
    same = np.ones((9, 4))
    assert spread_ratios({"v": curves}, LABELS, {"v": same}, LABELS) == {"v": 0.0}
    assert spread_ratios({"v": same}, LABELS, {"v": curves}, LABELS) == {"v": None}


def test_spread_between_bins_does_not_count():
    # Three terciles of age, each with deviations of 1 about its own level.
    deviations = np.tile([-1.0, 0.0, 1.0], 3)[:, None]
    levels = np.repeat([0.0, 100.0, 200.0], 3)[:, None]
    found = spread_ratios({"v": deviations}, LABELS, {"v": deviations + levels}, LABELS)
    assert_allclose(found["v"], 1.0)
