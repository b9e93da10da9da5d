"""Maximum mean discrepancy: how far two sets are apart as distributions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray

PERMUTATIONS = 500


def mmd(reference: FloatArray, others: FloatArray, rng: np.random.Generator) -> dict[str, Any]:
    """Squared MMD under a Gaussian kernel, unbiased, beside what chance gives.

    Gretton et al. 2012, Eq. 3; the width of the kernel is the median distance within the
    reference, the same for every set that is compared with it. What stands at one place of both
    sets is of like condition, so chance is a coin for each place, which exchanges the two or not:
    that is how the halves were dealt.
    In theory: 0 on average for independent samples of one distribution. Halves that were dealt in
    pairs are more alike than that, so a second half of the real data lies about `chance_mean`,
    which is below 0. 5 % of the exchanges exceed `chance_95`; `p_value` is the share of exchanges
    that give as much as was found: evenly spread from 0 to 1 for real data, near 0 where the sets
    differ.

    Args:
        reference: Shape `(samples, dimensions)`.
        others: As many, of like conditions place by place.
        rng: Throws the coins.
    """
    both = np.concatenate([reference, others])
    squares = squared_distances(both, both)
    size = len(reference)
    within = squares[:size, :size][~np.eye(size, dtype=bool)]
    kernel = np.exp(-squares / (2 * (np.median(within) or 1.0)))
    np.fill_diagonal(kernel, 0.0)
    found = _unbiased(kernel, np.arange(2 * size) < size)
    coins = rng.random((PERMUTATIONS, size)) < 0.5
    by_chance = [_unbiased(kernel, np.concatenate([coin, ~coin])) for coin in coins]
    return {
        "mmd2": found,
        "chance_mean": float(np.mean(by_chance)),
        "chance_95": float(np.quantile(by_chance, 0.95)),
        "p_value": float((1 + np.sum(np.array(by_chance) >= found)) / (1 + PERMUTATIONS)),
    }


def squared_distances(first: FloatArray, second: FloatArray) -> FloatArray:
    """Of every row to every row, shape `(len(first), len(second))`; never below 0."""
    from scipy.spatial.distance import cdist

    return cdist(first, second, "sqeuclidean")


def _unbiased(kernel: FloatArray, is_reference: NDArray[np.bool_]) -> float:
    """The diagonal of the kernel is 0."""
    first = is_reference.astype(np.float64)
    second = 1.0 - first
    m, n = first.sum(), second.sum()
    within = first @ kernel @ first / (m * (m - 1)) + second @ kernel @ second / (n * (n - 1))
    return float(within - 2 * (first @ kernel @ second) / (m * n))
