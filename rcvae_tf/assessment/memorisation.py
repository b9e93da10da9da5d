"""Whether generated charges are training charges given back."""

from typing import Any

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.assessment.discrepancy import squared_distances

NEAR_QUANTILE = 0.05


def memorisation(
    training: FloatArray, held_out: FloatArray, others: FloatArray
) -> dict[str, float]:
    """How near a set lies to the training charges, against measured ones that were held out.

    `distance_ratio`: median distance to the nearest training charge over that of the held-out
    ones. `near_share`: share nearer than the nearest 5 % of the held-out ones. `neighbour_ratio`:
    median of the distance to the nearest over that to the second nearest; near 0 where one
    training charge was given back, near 1 where no single one stands out.
    In theory, for more real data: 1, 0.05, and the neighbour ratio of the held-out ones. For a
    copy: 0, 1, 0.

    Args:
        training: What the generator was trained on, shape `(samples, dimensions)`.
        held_out: Measured, not trained on.
        others: The set, for like conditions as `held_out`.
    """
    theirs, real = _two_nearest(others, training), _two_nearest(held_out, training)
    return {
        "distance": float(np.median(theirs[:, 0])),
        "distance_ratio": float(np.median(theirs[:, 0]) / np.median(real[:, 0])),
        "near_share": float(np.mean(theirs[:, 0] < np.quantile(real[:, 0], NEAR_QUANTILE))),
        "neighbour_ratio": float(np.median(_ratio(theirs))),
        "neighbour_ratio_held_out": float(np.median(_ratio(real))),
    }


def membership_auc(members: FloatArray, held_out: FloatArray, others: FloatArray) -> float:
    """How well the distance to the nearest of a set tells training charges from held-out ones.

    The chance that a training charge lies nearer to the set than a held-out one does; a tie counts
    half (the attack of Chen et al. 2020, GAN-Leaks, without a reference model).
    In theory: 0.5 where the set says nothing of who was trained on; 1 for a copy of every training
    charge; (1 + p) / 2 where a share p of them was copied, and nothing else is known. Members and
    held-out charges must be alike for that: of other cells (cell split), they differ anyway.

    Args:
        members: Trained on, shape `(samples, dimensions)`.
        held_out: Measured, not trained on.
        others: The set, for the conditions of both.
    """
    inside, outside = (
        np.sqrt(squared_distances(rows, others).min(axis=1)) for rows in (members, held_out)
    )
    nearer = inside[:, None] < outside
    tied = inside[:, None] == outside
    return float(np.mean(nearer + 0.5 * tied))


def _two_nearest(rows: FloatArray, training: FloatArray) -> FloatArray:
    nearest = np.partition(squared_distances(rows, training), 1, axis=1)[:, :2]
    return np.sqrt(np.sort(nearest, axis=1))


def _ratio(distances: FloatArray) -> Any:
    first, second = distances.T
    return np.divide(first, second, out=np.ones_like(first), where=second > 0)
