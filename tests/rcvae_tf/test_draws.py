import dataclasses
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.records import SIGNALS
from rcvae_tf.evaluation import draws as module
from rcvae_tf.evaluation.draws import judge_draws
from rcvae_tf.evaluation.indicators import cell_facts
from rcvae_tf.evaluation.intervals import interval_metrics, score_draws
from rcvae_tf.evaluation.metrics import signal_errors
from rcvae_tf.evaluation.physics import physics_limits, violations


class NoisyRun:
    """Draws what was measured, and a number of its own for every row."""

    def __init__(self, test):
        self.measured = {tuple(c): k for k, c in enumerate(test.labels.tolist())}
        self.curves = test.curves
        self.drawn = []

    def draw_curves(self, labels, policy_steps, rng):
        assert policy_steps.shape == (len(labels), 6, 2)
        rows = [self.measured[tuple(condition)] for condition in labels.tolist()]
        shifts = rng.normal(size=(len(rows), 1))
        self.drawn.append(len(rows))
        return {name: values[rows] + shifts for name, values in self.curves.items()}


@pytest.fixture
def limits(dataset):
    return physics_limits(dataclasses.replace(dataset.card, cells={}), dataset.train)


@pytest.fixture
def facts(dataset):
    return cell_facts(dataset.card, dataset.test.cell_ids)


@pytest.fixture
def five_draws(monkeypatch):
    monkeypatch.setattr(module, "PRIOR_DRAWS", 5)


def test_everything_is_measured_on_all_draws_at_once(dataset, limits, facts, five_draws):
    test = dataset.test
    judged = judge_draws(NoisyRun(test), test, limits, facts, seed=3)
    shifts = np.random.default_rng(3).normal(size=(5, 6, 1))  # draws, samples
    drawn = {n: (v + shifts).astype(np.float32) for n, v in test.curves.items()}
    expected = signal_errors(test.curves, drawn)
    assert list(judged.errors) == [*SIGNALS, "total"]
    for name, errors in expected.items():
        assert judged.errors[name] == pytest.approx(errors, rel=1e-6)
    for name, values in drawn.items():
        assert_allclose(judged.median[name], np.median(values, axis=0), rtol=1e-6)
    scores = score_draws(drawn, test.curves)
    assert judged.intervals == interval_metrics(scores, test.curves, test.labels)
    assert judged.physics == {
        "limits": limits.to_dict(),
        "generated": violations(drawn, limits),
        "measured": violations(test.curves, limits),
    }
    assert judged.physics["generated"]["curves"] == 30
    assert 0 < judged.physics["generated"]["voltage_outside"] < 1
    assert judged.physics["measured"]["curves"] == 6
    # A draw is what was measured, shifted in every signal.
    measured = facts.indicators_of(test.curves)
    moved_by = {"charge_throughput_ah": 0.0 * shifts, "max_temperature_degc": shifts}
    for name, shift in moved_by.items():
        assert_allclose(judged.indicators[name], measured[name] + shift[..., 0], rtol=1e-5)


@pytest.mark.parametrize(("at_once", "drawn"), [(30, [30]), (11, [10, 10, 10]), (1, [5] * 6)])
def test_samples_are_drawn_in_blocks_of_so_many_curves(
    dataset, limits, facts, five_draws, monkeypatch, at_once, drawn
):
    monkeypatch.setattr(module, "CURVES_AT_ONCE", at_once)
    run = NoisyRun(dataset.test)
    judged = judge_draws(run, dataset.test, limits, facts, seed=0)
    assert run.drawn == drawn
    assert judged.median["voltage_v"].shape == (6, 16)
    assert judged.physics["generated"]["curves"] == 30
    assert judged.indicators["capacity_soh"].shape == (5, 6)
    # The median of a sample is its own curve, shifted.
    shift = judged.median["voltage_v"] - dataset.test.curves["voltage_v"]
    assert_allclose(shift, np.repeat(shift[:, :1], 16, axis=1), atol=1e-6)
    # So the error of a draw is its shift, whatever the signal, unless it is compared with another.
    mae = [judged.errors[name]["mae"] for name in SIGNALS]
    assert_allclose(mae, mae[:1] * 5, rtol=1e-4)
    assert 0.3 < mae[0] < 1.5


def test_draws_follow_the_seed(default_run, dataset, limits, facts, five_draws):
    first = judge_draws(default_run, dataset.test, limits, facts, seed=1)
    again = judge_draws(default_run, dataset.test, limits, facts, seed=1)
    other = judge_draws(default_run, dataset.test, limits, facts, seed=2)
    assert again.errors == first.errors
    assert again.intervals == first.intervals
    assert other.errors != first.errors
    assert other.intervals["crps"] != first.intervals["crps"]


def test_a_run_without_time_is_compared_with_curves_without_time(
    paper_run, dataset, limits, facts, five_draws
):
    judged = judge_draws(paper_run, dataset.test, limits, facts, seed=0)
    assert set(judged.intervals["crps"]) == {*SIGNALS[:4], "total"}
    for part in ("coverage_90", "width_90", "spread_ratio"):
        assert set(judged.intervals[part]) == set(SIGNALS[:4])
    for origin in ("generated", "measured"):
        assert judged.physics[origin]["capacity_not_integral"] is None
    assert json.loads(json.dumps(judged.physics, allow_nan=False)) == judged.physics
