"""Whether charges of like conditions differ as much as measured ones do."""

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.evaluation.intervals import condition_bins
from rcvae_tf.physical import Curves


def spread_ratios(
    reference: Curves, labels: NDArray, others: Curves, other_labels: NDArray
) -> dict[str, float | None]:
    """Spread of a set over that of the reference, by signal, within bins of like conditions.

    The spread is the root of the mean variance over the points and the bins of
    `intervals.condition_bins`, each bin weighted by its degrees of freedom.
    In theory: 1 for more real data; below 1 for curves that are too much alike, 0 where all of a
    bin are equal. None where the reference has no spread.

    Args:
        reference: By signal, each of shape `(samples, points)`.
        labels: Its EOL and ECL, shape `(samples, 2)`.
        others: The set.
        other_labels: Its EOL and ECL.
    """
    bins = condition_bins(np.concatenate([labels, other_labels]))
    ours, theirs = bins[: len(labels)], bins[len(labels) :]
    ratios: dict[str, float | None] = {}
    for name, values in reference.items():
        real = _variance(values, ours)
        ratios[name] = float(np.sqrt(_variance(others[name], theirs) / real)) if real else None
    return ratios


def _variance(values: FloatArray, bins: NDArray) -> float:
    squares, degrees_of_freedom = 0.0, 0
    for number in np.unique(bins):
        own = values[bins == number].astype(np.float64)
        squares += float(np.sum(np.square(own - own.mean(axis=0))))
        degrees_of_freedom += len(own) - 1
    return squares / degrees_of_freedom if degrees_of_freedom else 0.0
