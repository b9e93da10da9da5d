"""Statistics of the training split, from which a model scales its input and unscales its output."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_prep.records import SIGNALS, FloatArray


@dataclass(frozen=True)
class SignalStatistics:
    """What the training split says of one signal, in its physical unit.

    Args:
        minimum: Over all points of all samples.
        maximum: Likewise.
        mean: Likewise.
        spread: Standard deviation of the samples around the mean curve, over all points: what
            is left to learn once the shape that all charges share is known.
        mean_curve: Mean over the samples at every point, `num_points` values.
    """

    minimum: float
    maximum: float
    mean: float
    spread: float
    mean_curve: tuple[float, ...]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "SignalStatistics":
        """The inverse of `dataclasses.asdict`, from JSON."""
        numbers = {name: float(value) for name, value in values.items() if name != "mean_curve"}
        return cls(mean_curve=tuple(float(v) for v in values["mean_curve"]), **numbers)


def fit_statistics(
    parts: Iterable[FloatArray], signals_present: tuple[str, ...]
) -> dict[str, SignalStatistics]:
    """Statistics of every present signal, one part of the samples in memory at a time.

    Args:
        parts: The training split, in arrays of shape `(samples, len(SIGNALS), points)`; at least
            one sample in all.
        signals_present: Names from `SIGNALS`; the others have no statistics.

    Returns:
        By name, in the order of `SIGNALS`.
    """
    statistics = RunningStatistics()
    for part in parts:
        statistics.add(part)
    return statistics.of(signals_present)


class RunningStatistics:
    """Statistics of samples that come in parts."""

    def __init__(self) -> None:
        self._total = _Moments()

    def add(self, part: FloatArray) -> None:
        """Counts samples in, shape `(samples, len(SIGNALS), points)`."""
        self._total = self._total.joined(_Moments.of(part.astype(np.float64)))

    def of(self, signals_present: tuple[str, ...]) -> dict[str, SignalStatistics]:
        """Those of all parts, as `fit_statistics` gives them."""
        return {
            name: self._total.statistics(row)
            for row, name in enumerate(SIGNALS)
            if name in signals_present
        }


@dataclass(frozen=True)
class _Moments:
    """Count, extremes, mean curves and sums of squared deviations from them, of some samples.

    Parts are joined by Chan, Golub and LeVeque 1983 (doi 10.2307/2683386), equation 2.1: no
    difference of large numbers, as a sum of squares over millions of points would have.
    """

    count: int = 0
    minimum: FloatArray = field(default_factory=lambda: np.array(np.inf))
    maximum: FloatArray = field(default_factory=lambda: np.array(-np.inf))
    mean: FloatArray = field(default_factory=lambda: np.array(0.0))
    squares: FloatArray = field(default_factory=lambda: np.array(0.0))

    @classmethod
    def of(cls, curves: FloatArray) -> "_Moments":
        mean = curves.mean(axis=0)
        squares = np.square(curves - mean).sum(axis=0)
        return cls(len(curves), curves.min(axis=(0, 2)), curves.max(axis=(0, 2)), mean, squares)

    def joined(self, other: "_Moments") -> "_Moments":
        count = self.count + other.count
        step = other.mean - self.mean
        return _Moments(
            count,
            np.minimum(self.minimum, other.minimum),
            np.maximum(self.maximum, other.maximum),
            self.mean + step * (other.count / count),
            self.squares + other.squares + np.square(step) * (self.count * other.count / count),
        )

    def statistics(self, row: int) -> SignalStatistics:
        return SignalStatistics(
            minimum=float(self.minimum[row]),
            maximum=float(self.maximum[row]),
            mean=float(self.mean[row].mean()),
            spread=float(np.sqrt(self.squares[row].mean() / self.count)),
            mean_curve=tuple(float(v) for v in self.mean[row]),
        )
