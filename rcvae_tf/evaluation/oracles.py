"""Rules that know more than a condition says: the cell, or all training cells of its policy.

What they are told of the test samples are labels, and cells or policies, but no curve.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import DatasetError
from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.evaluation.intervals import (
    interval_metrics,
    join_scores,
    sample_blocks,
    score_draws,
)
from rcvae_tf.physical import Curves

Integers = NDArray[np.int64]
SAMPLES_AT_ONCE = 256


def cell_interpolation(train: SplitData, labels: Integers, cell_ids: NDArray[np.str_]) -> Curves:
    """Linear in ECL between the nearest training cycles of the same cell; beyond them constant.

    Args:
        train: With samples of every wanted cell.
        labels: EOL and ECL, shape `(samples, 2)`.
        cell_ids: Shape `(samples,)`.

    Raises:
        DatasetError: A cell without training cycles, as under a cell split.
    """
    below, above = np.zeros((2, len(labels)), np.int64)
    share = np.zeros(len(labels))
    for cell_id in np.unique(cell_ids):
        wanted = np.flatnonzero(cell_ids == cell_id)
        known = _by_age(train, train.cell_ids == cell_id)
        if not len(known):
            raise DatasetError(
                f"{cell_id}: has no training cycles to interpolate between. Use a sample split."
            )
        place = np.interp(labels[wanted, 1], train.labels[known, 1], np.arange(len(known)))
        below[wanted] = known[np.floor(place).astype(np.int64)]
        above[wanted] = known[np.ceil(place).astype(np.int64)]
        share[wanted] = place % 1
    return {
        name: values[below] + share[:, None] * (values[above] - values[below])
        for name, values in train.curves.items()
    }


def policy_mean(train: SplitData, labels: Integers, policy_steps: FloatArray) -> Curves:
    """The mean of the training cells of the same policy at the same age, as `same_age` has them."""
    means: Curves = {
        name: np.zeros((len(labels), values.shape[1])) for name, values in train.curves.items()
    }
    for rows, members in same_age(train, labels, policy_steps):
        for name, values in members.items():
            means[name][rows] = values.mean(axis=0, dtype=np.float64)
    return means


def sampler_metrics(train: SplitData, test: SplitData, with_policy: bool) -> dict[str, Any]:
    """`intervals.interval_metrics` of a sampler whose draws are the curves of `same_age`.

    Each of them is the mean at that age and the deviation from it of a training cell.

    Args:
        train: What is drawn from.
        test: What was measured.
        with_policy: Draws from the cells of the same policy; else from all.
    """
    policy_steps = test.policy_steps if with_policy else None
    order, parts = [], []
    for rows, members in same_age(train, test.labels, policy_steps):
        measured = {name: values[rows] for name, values in test.curves.items()}
        order.append(rows)
        parts.append(score_draws(members, measured, are_all=True))
    rows = np.concatenate(order)
    measured = {name: values[rows] for name, values in test.curves.items()}
    return interval_metrics(join_scores(parts), measured, test.labels[rows])


def same_age(
    train: SplitData, labels: Integers, policy_steps: FloatArray | None
) -> Iterator[tuple[Integers, Curves]]:
    """For each wanted sample, a curve of every training cell at its ECL or at the nearest one.

    Args:
        train: Of a policy that it lacks, all cells are taken.
        labels: EOL and ECL, shape `(samples, 2)`.
        policy_steps: Charge policies, shape `(samples, MAX_STEPS, 2)`: the cells of the same one
            are taken. None takes those of all.

    Yields:
        Rows of some samples, and curves of shape `(cells, rows, points)`; all samples once.
    """
    everyone = np.ones(len(train), bool)
    # Of no policy, all are alike.
    theirs = np.zeros((len(train), 1)) if policy_steps is None else train.policy_steps
    ours = np.zeros((len(labels), 1)) if policy_steps is None else policy_steps
    known, wanted = (steps.reshape(len(steps), -1) for steps in (theirs, ours))
    for policy in np.unique(wanted, axis=0):
        of_policy = np.all(known == policy, axis=1)
        candidates = of_policy if of_policy.any() else everyone
        rows = np.flatnonzero(np.all(wanted == policy, axis=1))
        for block in sample_blocks(len(rows), SAMPLES_AT_ONCE):
            nearest = [
                _nearest_in_age(
                    train, candidates & (train.cell_ids == cell_id), labels[rows[block]]
                )
                for cell_id in np.unique(train.cell_ids[candidates])
            ]
            yield rows[block], {name: v[np.array(nearest)] for name, v in train.curves.items()}


def _nearest_in_age(train: SplitData, mask: NDArray[np.bool_], labels: Integers) -> Integers:
    """Of the samples of a mask, those nearest in ECL; ties go to the younger."""
    known = _by_age(train, mask)
    return known[np.abs(labels[:, 1, None] - train.labels[known, 1]).argmin(axis=1)]


def _by_age(train: SplitData, mask: NDArray[np.bool_]) -> Integers:
    known = np.flatnonzero(mask)
    return known[np.argsort(train.labels[known, 1], kind="stable")]
