"""The way out: from the quasi-videos of a model to named curves, and the weights of Table 1."""

from collections import Counter

import numpy as np

from data_prep.quasi_video import plane_signals, unpack
from data_prep.records import SIGNALS, FloatArray

Curves = dict[str, FloatArray]

PAPER_DEPTH = 2  # frames of the paper; the elapsed time lies behind them


def named_curves(quasi_video: FloatArray, signals_present: tuple[str, ...]) -> Curves:
    """Named series in physical units; absent signals are left out.

    Args:
        quasi_video: Shape `(samples, channel, depth, height, width)`.
        signals_present: Names from `SIGNALS`.

    Returns:
        By name, in the order of `SIGNALS`, each of shape `(samples, height * width)`.
    """
    series = unpack(np.asarray(quasi_video))
    names = SIGNALS[: series.shape[-2]]
    return {name: series[..., i, :] for i, name in enumerate(names) if name in signals_present}


def generated_curves(quasi_video: FloatArray, signals_present: tuple[str, ...]) -> Curves:
    """As `named_curves`, with the elapsed time on the grid that defines it.

    Points are equally spaced in time, so a charge has one free number, its duration: the least
    squares slope of the generated plane. A measured plane comes out as it went in.
    """
    curves = named_curves(quasi_video, signals_present)
    if "elapsed_time_s" in curves:
        plane_s = curves["elapsed_time_s"]
        grid = np.linspace(0.0, 1.0, plane_s.shape[-1], dtype=np.float32)
        duration_s = plane_s @ grid / (grid @ grid)
        curves["elapsed_time_s"] = duration_s[..., None] * grid
    return curves


def total_weights(signals_present: tuple[str, ...]) -> dict[str, float]:
    """Weight of each signal in the total of Table 1: its share of the paper's planes.

    With all four signals these are 1/6, 1/6, 1/6 and 3/6: the charge capacity fills three of six
    planes. The elapsed time is never part of it.
    """
    planes = Counter(name for row in plane_signals(PAPER_DEPTH) for name in row)
    counts = {name: planes[name] for name in SIGNALS if planes[name] and name in signals_present}
    return {name: count / sum(counts.values()) for name, count in counts.items()}
