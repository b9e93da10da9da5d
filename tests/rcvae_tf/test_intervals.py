import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.records import SIGNALS
from rcvae_tf.evaluation import intervals
from rcvae_tf.evaluation.intervals import (
    condition_bins,
    interval_metrics,
    join_scores,
    score_draws,
    spread_ratio,
)

ONE_BIN = np.tile([500, 10], (4, 1))


def scores_of(draws, measured, are_all=False):
    """Of one signal: draws of shape `(draws, samples, points)`."""
    measured = {"voltage_v": np.array(measured)}
    scored = score_draws({"voltage_v": np.array(draws)}, measured, are_all)
    return scored["voltage_v"]


def crps_by_pairs(draws, measured):
    """As its definition has it, over all pairs of draws."""
    pairs = np.abs(draws[:, None] - draws[None]).mean(axis=(0, 1))
    return (np.abs(draws - measured).mean(axis=0) - pairs / 2).mean(axis=-1)


def test_crps_worked_by_hand():
    # |0 - 1|, |2 - 1|, |4 - 1|: mean 5/3; six pairs: 2 (2 + 4 + 2) / 6 = 8/3, or nine: 16/9.
    draws = [[[4.0]], [[0.0]], [[2.0]]]
    assert_allclose(scores_of(draws, [[1.0]]).crps, [5 / 3 - 4 / 3])
    assert_allclose(scores_of(draws, [[1.0]], are_all=True).crps, [5 / 3 - 8 / 9])


def test_crps_is_that_of_all_pairs_of_draws():
    rng = np.random.default_rng(0)
    draws, measured = rng.normal(size=(7, 5, 3)), rng.normal(size=(5, 3))
    expected = crps_by_pairs(draws, measured)
    assert_allclose(scores_of(draws, measured, are_all=True).crps, expected)


def test_crps_of_a_sample_is_that_of_its_distribution_on_average():
    members = np.array([0.0, 1.0, 5.0])[:, None, None]
    whole = scores_of(members, [[2.0]], are_all=True).crps
    pairs = [members[[j, k]] for j in range(3) for k in range(3)]
    assert_allclose(np.mean([scores_of(pair, [[2.0]]).crps for pair in pairs]), whole[0])


def test_crps_of_draws_without_spread_is_the_mae():
    assert_allclose(scores_of(np.full((6, 1, 2), 3.0), [[1.0, 4.0]]).crps, [1.5])
    assert_allclose(scores_of([[[3.0, 3.0]]], [[1.0, 4.0]]).crps, [1.5])


def test_crps_of_a_normal_distribution_is_its_closed_form():
    # 2 phi(0) - 1 / sqrt(pi) for a standard normal and 0 measured.
    quantiles = np.random.default_rng(1).normal(size=(200_000, 1, 1))
    expected = 2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi)
    assert_allclose(scores_of(quantiles, [[0.0]]).crps, [expected], atol=2e-3)


def test_the_interval_of_19_draws_is_from_the_first_to_the_last():
    # 0.05 (19 + 1) = 1 and 0.95 (19 + 1) = 19.
    draws = np.random.default_rng(0).permutation(np.arange(1.0, 20.0))[:, None, None]
    scores = scores_of(np.repeat(draws, 4, axis=2), [[1.0, 19.0, 0.99, 19.01]])
    assert_allclose(scores.width, [18.0])
    assert_allclose(scores.inside, [0.5])
    assert_allclose(scores.median, [[10.0] * 4])


def test_the_interval_of_39_draws_leaves_out_one_at_each_end():
    draws = np.arange(1.0, 40.0)[:, None, None]
    assert_allclose(scores_of(draws, [[1.9]]).width, [36.0])
    assert_allclose([scores_of(draws, [[x]]).inside[0] for x in (1.9, 2, 38, 38.1)], [0, 1, 1, 0])


def test_between_two_places_the_interval_ends_between_two_draws():
    # 0.05 (29 + 1) = 1.5: half way between 1 and 2, and between 28 and 29.
    draws = np.arange(1.0, 30.0)[:, None, None]
    assert_allclose(scores_of(draws, [[0.0]]).width, [27.0])


def test_the_interval_of_few_draws_is_all_of_them():
    scores = scores_of([[[1.0, 1.0]], [[3.0, 3.0]]], [[2.0, 3.5]])
    assert_allclose(scores.width, [2.0])
    assert_allclose(scores.inside, [0.5])
    one = scores_of([[[1.0, 1.0]]], [[1.0, 2.0]])
    assert_allclose(one.width, [0.0])
    assert_allclose(one.inside, [0.5])
    assert_allclose(one.median, [[1.0, 1.0]])


def test_draws_of_the_truth_cover_what_they_should():
    # With numpy's own places of the quantiles this would be 0.86.
    rng = np.random.default_rng(0)
    draws, measured = rng.normal(size=(50, 200, 100)), rng.normal(size=(200, 100))
    assert_allclose(scores_of(draws, measured).inside.mean(), 0.9, atol=0.01)


def test_median_mean_and_variance_are_those_of_the_draws_at_each_point():
    draws = np.random.default_rng(3).normal(size=(6, 4, 5)).astype(np.float32)
    scores = scores_of(draws, np.zeros((4, 5)))
    assert_allclose(scores.median, np.median(draws, axis=0), rtol=1e-6)
    assert_allclose(scores.mean, draws.mean(axis=0), rtol=1e-5, atol=1e-7)
    assert_allclose(scores.variance, draws.var(axis=0), rtol=1e-5)
    assert scores.median.dtype == np.float32


def test_blocks_of_samples_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    draws, measured = rng.normal(size=(5, 7, 3)), rng.normal(size=(7, 3))
    whole = scores_of(draws, measured)
    for values_at_once in (1, 31):  # one sample at a time, and two
        monkeypatch.setattr(intervals, "MOST_VALUES", values_at_once)
        for part, expected in zip(scores_of(draws, measured), whole, strict=True):
            assert_array_equal(part, expected)


def test_scores_of_parts_are_joined_in_order():
    rng = np.random.default_rng(5)
    draws, measured = rng.normal(size=(5, 7, 3)), rng.normal(size=(7, 3))
    parts = [
        {"voltage_v": scores_of(draws[:, rows], measured[rows])}
        for rows in (slice(0, 4), slice(4, 7))
    ]
    joined = join_scores(parts)["voltage_v"]
    for part, expected in zip(joined, scores_of(draws, measured), strict=True):
        assert_array_equal(part, expected)


def test_bins_are_terciles_of_age_by_terciles_of_life():
    labels = [(eol, ecl) for eol in (400, 600, 900) for ecl in (1, 50, 99)]
    assert_array_equal(condition_bins(np.array(labels)), np.arange(9))
    assert_array_equal(condition_bins(np.tile([500, 10], (3, 1))), [0, 0, 0])


def test_spread_worked_by_hand():
    # Means 0 and 2, each of variance 3: SS of one draw each = 2 + (2 - 1) / 2 (3 + 3) = 5.
    # Measured 0 and 4: 8.
    deviation = 3**0.5
    draws = [[[-deviation], [2 - deviation]], [[deviation], [2 + deviation]]]
    scores = scores_of(draws, [[0.0], [4.0]])
    ratio = spread_ratio(scores, np.array([[0.0], [4.0]]), ONE_BIN[:2])
    assert_allclose(ratio, (5 / 8) ** 0.5)


def test_spread_is_that_of_one_draw_for_each_condition():
    # By chance: variance over the samples of every draw, averaged.
    rng = np.random.default_rng(6)
    draws = rng.normal(size=(4000, 4, 2)) + np.arange(4.0)[:, None]
    measured = rng.normal(size=(4, 2))
    expected = draws.var(axis=1).mean() / measured.var(axis=0).mean()
    ratio = spread_ratio(scores_of(draws, measured), measured, ONE_BIN)
    assert_allclose(ratio, expected**0.5, rtol=5e-3)


def test_spread_between_bins_is_no_spread_within_them():
    labels = np.array([[400, 1], [400, 1], [900, 99], [900, 99]])
    measured = np.array([[0.0], [2.0], [100.0], [102.0]])
    draws = np.array([[[0.0], [1.0], [-50.0], [-49.0]]])
    assert_allclose(spread_ratio(scores_of(draws, measured), measured, labels), 0.5)


def test_a_copy_of_what_was_measured_has_its_spread():
    measured = np.random.default_rng(7).normal(size=(9, 4))
    labels = np.array([(eol, ecl) for eol in (400, 600, 900) for ecl in (1, 1, 99)])
    ratio = spread_ratio(scores_of(measured[None], measured), measured, labels)
    assert_allclose(ratio, 1.0)


def test_where_measured_curves_do_not_differ_there_is_no_ratio():
    scores = scores_of(np.ones((3, 4, 2)), np.ones((4, 2)))
    assert spread_ratio(scores, np.ones((4, 2)), ONE_BIN) is None
    one = scores_of(np.ones((3, 1, 2)), np.zeros((1, 2)))
    assert spread_ratio(one, np.zeros((1, 2)), ONE_BIN[:1]) is None


@pytest.fixture
def metrics():
    """Draws 0 and 2 of everything; the signal k of `SIGNALS` measured at 1 + 3 k."""
    draws = dict.fromkeys(SIGNALS, np.array([[[0.0]], [[2.0]]]))
    measured = {name: np.array([[1.0 + 3 * k]]) for k, name in enumerate(SIGNALS)}
    return interval_metrics(score_draws(draws, measured), measured, ONE_BIN[:1])


def test_metrics_have_every_signal_and_the_total_of_table_1(metrics):
    # mean |X - y| is 1 for the first and 3 k beyond it, |X - X'| / 2 is 1.
    crps = [0.0, 2.0, 5.0, 8.0, 11.0]
    total = (0.0 + 2.0 + 5.0 + 3 * 8.0) / 6
    assert metrics["crps"] == pytest.approx(
        {**dict(zip(SIGNALS, crps, strict=True)), "total": total}
    )
    assert metrics["coverage_90"] == dict(zip(SIGNALS, (1.0, 0, 0, 0, 0), strict=True))
    assert metrics["width_90"] == dict.fromkeys(SIGNALS, 2.0)
    assert metrics["spread_ratio"] == dict.fromkeys(SIGNALS)
