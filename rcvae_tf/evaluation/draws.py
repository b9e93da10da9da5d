"""Many charges drawn for each test sample: their errors, their spread, their physics."""

from typing import Any, NamedTuple

import numpy as np

from rcvae_tf.dataset import SplitData
from rcvae_tf.evaluation.indicators import CellFacts
from rcvae_tf.evaluation.intervals import (
    Scores,
    interval_metrics,
    join_scores,
    sample_blocks,
    score_draws,
)
from rcvae_tf.evaluation.metrics import Errors
from rcvae_tf.evaluation.physics import Broken, PhysicsLimits, broken_rules, shares, violations
from rcvae_tf.evaluation.samples import sample_errors
from rcvae_tf.indicators.compute import Indicators
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run

PRIOR_DRAWS = 50
CURVES_AT_ONCE = 2**13  # of 256 points: 42 MB with all five signals


class Drawn(NamedTuple):
    """What was measured on the draws of a test split.

    Args:
        errors: Over all draws.
        median: At each point, by signal, each of shape `(samples, points)`; it has the lowest MAE
            that the draws can be brought to.
        intervals: As `intervals.interval_metrics`.
        physics: The limits, and `physics.violations` of all draws and of the measured curves.
        indicators: Of every draw, each of shape `(draws, samples)`.
    """

    errors: Errors
    median: Curves
    intervals: dict[str, Any]
    physics: dict[str, Any]
    indicators: Indicators


class _Block(NamedTuple):
    """Of some samples; errors, rules and indicators have shape `(draws, samples)`."""

    scores: Scores
    absolute: Curves
    squared: Curves
    broken: Broken
    indicators: Indicators


def judge_draws(
    run: Run, test: SplitData, limits: PhysicsLimits, facts: CellFacts, seed: int
) -> Drawn:
    """Draws `PRIOR_DRAWS` charges for each sample; a block of samples at a time is in memory.

    Args:
        run: The trained run.
        test: The samples.
        limits: Of the data set.
        facts: Of the cells of the samples.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    blocks = [
        _judge_block(run, test, rows, limits, facts, rng)
        for rows in sample_blocks(len(test), max(1, CURVES_AT_ONCE // PRIOR_DRAWS))
    ]
    scores = join_scores(block.scores for block in blocks)
    measured = {name: test.curves[name] for name in scores}
    broken = {
        rule: None
        if first is None
        else np.concatenate([block.broken[rule] for block in blocks], axis=1)
        for rule, first in blocks[0].broken.items()
    }
    return Drawn(
        errors=_errors(blocks, measured),
        median={name: values.median for name, values in scores.items()},
        intervals=interval_metrics(scores, measured, test.labels),
        physics={
            "limits": limits.to_dict(),
            "generated": shares(broken),
            "measured": violations(measured, limits),
        },
        indicators={
            name: np.concatenate([block.indicators[name] for block in blocks], axis=1)
            for name in blocks[0].indicators
        },
    )


def _judge_block(
    run: Run,
    test: SplitData,
    rows: slice,
    limits: PhysicsLimits,
    facts: CellFacts,
    rng: np.random.Generator,
) -> _Block:
    labels, policy_steps = test.labels[rows], test.policy_steps[rows]
    flat = run.draw_curves(
        np.tile(labels, (PRIOR_DRAWS, 1)), np.tile(policy_steps, (PRIOR_DRAWS, 1, 1)), rng
    )
    shape = (PRIOR_DRAWS, len(labels), -1)
    draws = {name: values.astype(np.float32).reshape(shape) for name, values in flat.items()}
    measured = {name: test.curves[name][rows] for name in draws}
    return _Block(
        scores=score_draws(draws, measured),
        absolute=sample_errors(measured, draws, 1),
        squared=sample_errors(measured, draws, 2),
        broken=broken_rules(draws, limits),
        indicators=facts.rows(rows).indicators_of_draws(draws),
    )


def _errors(blocks: list[_Block], measured: Curves) -> Errors:
    """As `metrics.signal_errors` of all draws at once."""
    errors: Errors = {}
    for name in blocks[0].absolute:
        mae = np.concatenate([block.absolute[name] for block in blocks], axis=1).mean()
        mse = np.concatenate([block.squared[name] for block in blocks], axis=1).mean()
        errors[name] = {"mae": float(mae), "rmse": float(mse**0.5)}
        if name in measured:
            variance = float(np.var(measured[name], dtype=np.float64))
            errors[name]["r2"] = 1.0 - float(mse) / variance if variance else 0.0
    return errors
