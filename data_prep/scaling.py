"""Statistics of the training split, from which a model scales its input and unscales its output."""

from dataclasses import dataclass
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
        return cls(**{**values, "mean_curve": tuple(values["mean_curve"])})


def fit_statistics(
    curves: FloatArray, signals_present: tuple[str, ...]
) -> dict[str, SignalStatistics]:
    """Statistics of every present signal.

    Args:
        curves: The training split, shape `(samples, len(SIGNALS), points)`.
        signals_present: Names from `SIGNALS`; the others have no statistics.

    Returns:
        By name, in the order of `SIGNALS`.
    """
    statistics = {}
    for row, name in enumerate(SIGNALS):
        if name not in signals_present:
            continue
        values = curves[:, row].astype(np.float64)
        mean_curve = values.mean(axis=0)
        statistics[name] = SignalStatistics(
            minimum=float(values.min()),
            maximum=float(values.max()),
            mean=float(values.mean()),
            spread=float((values - mean_curve).std()),
            mean_curve=tuple(float(v) for v in mean_curve),
        )
    return statistics
