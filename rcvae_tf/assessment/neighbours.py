"""Precision, recall, density and coverage from the k nearest neighbours."""

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.assessment.discrepancy import squared_distances

K = 5


def neighbour_scores(reference: FloatArray, others: FloatArray, k: int = K) -> dict[str, float]:
    """How two sets lie in each other's neighbourhoods.

    The neighbourhood of a charge is the ball around it that reaches to its k-th nearest neighbour
    within its own set.
    Precision: share of the others within the neighbourhood of some reference charge. Recall: share
    of the reference within that of some other (Kynkaanniemi et al. 2019). Density: number of
    neighbourhoods of the reference in which another lies, mean, over k. Coverage: share of the
    reference whose neighbourhood holds one of the others (Naeem et al. 2020).
    In theory, for two samples of one distribution: density 1, coverage `expected_coverage`, which
    is 0.97 for k = 5; precision and recall have no such value, those of the second half of the
    real data stand for it. The reference itself: precision, recall and coverage 1.

    Args:
        reference: Shape `(samples, dimensions)`.
        others: Likewise; as many.
        k: Which neighbour; at most one less than there are.
    """
    k = min(k, len(reference) - 1, len(others) - 1)
    between = squared_distances(reference, others)
    reach = _reach(reference, k)[:, None]
    inside = between <= reach
    return {
        "k": k,
        "precision": float(inside.any(axis=0).mean()),
        "recall": float((between <= _reach(others, k)).any(axis=1).mean()),
        "density": float(inside.sum(axis=0).mean() / k),
        "coverage": float(inside.any(axis=1).mean()),
    }


def expected_coverage(reference: int, others: int, k: int) -> float:
    """Of two samples of one distribution: Naeem et al. 2020, Eq. 9.

    None of the others is among the k nearest of a charge when all k are of the reference.
    """
    of_reference = np.arange(reference - k, reference)
    return float(1.0 - np.prod(of_reference / (of_reference + others)))


def _reach(points: FloatArray, k: int) -> FloatArray:
    """Squared distance of each to its k-th nearest other."""
    return np.partition(squared_distances(points, points), k, axis=1)[:, k]
