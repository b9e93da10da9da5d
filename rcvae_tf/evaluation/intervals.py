"""How well draws are spread: their CRPS, their intervals, and their spread beside the measured one.

Draws of a signal have shape `(draws, samples, points)`, what was measured `(samples, points)`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves, total_weights

INTERVAL_PERCENT = 90
MOST_VALUES = 2**20  # worked on at once; 8 MB in double precision


class SignalScores(NamedTuple):
    """What the draws of one signal say of each sample.

    Args:
        crps: Mean over the points, in the unit of the signal, shape `(samples,)`.
        inside: Share of the points at which the central interval of the draws holds what was
            measured, same shape.
        width: Mean width of that interval over the points, same shape.
        median: Of the draws at each point, shape `(samples, points)`.
        mean: Same shape.
        variance: Same shape; the mean squared distance from `mean`.
    """

    crps: FloatArray
    inside: FloatArray
    width: FloatArray
    median: FloatArray
    mean: FloatArray
    variance: FloatArray


Scores = dict[str, SignalScores]


def score_draws(draws: Curves, measured: Curves, are_all: bool = False) -> Scores:
    """Scores by signal; a block of samples at a time, so that the copies stay small.

    Args:
        draws: By signal, each of shape `(draws, samples, points)`.
        measured: Same signals or more, each of shape `(samples, points)`.
        are_all: The draws are all that their distribution has, not a sample of it.
    """
    return {name: _score_signal(values, measured[name], are_all) for name, values in draws.items()}


def join_scores(parts: Iterable[Scores]) -> Scores:
    """The scores of some samples, and of others, as one; in order."""
    first, *others = parts
    return {name: _joined([first[name], *(part[name] for part in others)]) for name in first}


def interval_metrics(scores: Scores, measured: Curves, labels: NDArray[np.int64]) -> dict[str, Any]:
    """What `metrics.json` says of the draws, by signal; CRPS has a total as Table 1 has it.

    Args:
        scores: Of all samples.
        measured: By signal, each of shape `(samples, points)`.
        labels: EOL and ECL, shape `(samples, 2)`.
    """
    crps = {name: float(values.crps.mean()) for name, values in scores.items()}
    total = sum(weight * crps[name] for name, weight in total_weights(tuple(scores)).items())
    return {
        f"coverage_{INTERVAL_PERCENT}": {n: float(v.inside.mean()) for n, v in scores.items()},
        f"width_{INTERVAL_PERCENT}": {n: float(v.width.mean()) for n, v in scores.items()},
        "crps": {**crps, "total": total},
        "spread_ratio": {n: spread_ratio(v, measured[n], labels) for n, v in scores.items()},
    }


def spread_ratio(
    scores: SignalScores, measured: FloatArray, labels: NDArray[np.int64]
) -> float | None:
    """Spread of drawn curves among those of like conditions, against that of measured curves.

    The spread is the root of the mean variance over the points and over the bins of
    `condition_bins`, each bin weighted by its degrees of freedom. As one charge was measured for a
    condition, the drawn variance is that which one draw for each condition is expected to have:
    between the conditions, and between the draws of one.

    Args:
        scores: Of one signal.
        measured: Shape `(samples, points)`.
        labels: EOL and ECL, shape `(samples, 2)`.

    Returns:
        1 where draws differ as much as measured curves do; None where these do not differ.
    """
    bins = condition_bins(labels)
    drawn = measured_squares = 0.0
    for number in np.unique(bins):
        rows = bins == number
        degrees_of_freedom = rows.sum() - 1
        # The means scatter by variance / draws of themselves: `variance`, with the number of the
        # draws as its divisor, lacks just that.
        drawn += degrees_of_freedom * float(scores.variance[rows].mean(axis=0).sum())
        drawn += _squares_about_mean(scores.mean[rows])
        measured_squares += _squares_about_mean(measured[rows])
    return float(np.sqrt(drawn / measured_squares)) if measured_squares else None


def condition_bins(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bins of like conditions, terciles of ECL by terciles of EOL: a number from 0 to 8 each.

    Args:
        labels: EOL and ECL, shape `(samples, 2)`; one at an edge goes to the lower tercile.
    """
    eol, ecl = (np.searchsorted(np.quantile(column, (1 / 3, 2 / 3)), column) for column in labels.T)
    return 3 * eol + ecl


def _score_signal(draws: FloatArray, measured: FloatArray, are_all: bool) -> SignalScores:
    values_of_sample = draws.shape[0] * draws.shape[2]
    blocks = sample_blocks(len(measured), max(1, MOST_VALUES // values_of_sample))
    return _joined([_score_block(draws[:, rows], measured[rows], are_all) for rows in blocks])


def sample_blocks(num_samples: int, at_once: int) -> Iterator[slice]:
    """Slices of up to `at_once` samples that cover all of them in order."""
    for start in range(0, num_samples, at_once):
        yield slice(start, start + at_once)


def _joined(parts: list[SignalScores]) -> SignalScores:
    return SignalScores(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _score_block(draws: FloatArray, measured: FloatArray, are_all: bool) -> SignalScores:
    ordered = np.sort(draws, axis=0).astype(np.float64)
    outside = (1 - INTERVAL_PERCENT / 100) / 2
    low, median, high = (_quantile(ordered, level) for level in (outside, 0.5, 1 - outside))
    return SignalScores(
        crps=_crps(ordered, measured, are_all).mean(axis=-1),
        inside=np.mean((low <= measured) & (measured <= high), axis=-1),
        width=np.mean(high - low, axis=-1),
        median=median.astype(draws.dtype),
        mean=ordered.mean(axis=0).astype(draws.dtype),
        variance=ordered.var(axis=0).astype(draws.dtype),
    )


def _quantile(ordered: FloatArray, level: float) -> FloatArray:
    """Of ascending draws, at each point.

    It lies at the place level * (draws + 1), counted from 1: then a further draw of the same
    distribution is within the central interval with its nominal probability. At numpy's own
    place, which is nearer to the middle, 50 draws of the truth would seem to cover 86 %.
    """
    last = len(ordered) - 1
    place = min(max(level * (last + 2) - 1, 0.0), float(last))
    below = min(int(place), max(last - 1, 0))
    share = place - below
    return (1 - share) * ordered[below] + share * ordered[min(below + 1, last)]


def _crps(ordered: FloatArray, measured: FloatArray, are_all: bool) -> FloatArray:
    """CRPS at each point, of ascending draws: mean |X - y| - mean |X - X'| / 2.

    Among ascending draws the k-th, counted from 1, is the larger one of k - 1 pairs and the smaller
    one of M - k, so that the sum over the pairs is that of (2 k - M - 1) x_k (Gneiting and Raftery
    2007, Eq. 21). Draws that are a sample of their distribution are not paired with themselves:
    their CRPS is then that of the distribution on average, however few they are (Ferro 2014, doi
    10.1002/qj.2270).
    """
    num_draws = len(ordered)
    partners = num_draws if are_all else max(num_draws - 1, 1)
    ranks = 2 * np.arange(1, num_draws + 1) - num_draws - 1
    pairs = np.tensordot(ranks.astype(np.float64), ordered, axes=1)
    return np.abs(ordered - measured).mean(axis=0) - pairs / (num_draws * partners)


def _squares_about_mean(curves: FloatArray) -> float:
    """Sum of squares about the mean curve, over curves and points."""
    return float(np.sum(np.square(curves - curves.mean(axis=0, dtype=np.float64))))
