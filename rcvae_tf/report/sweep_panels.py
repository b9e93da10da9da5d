"""Panels of charges that lie over one another: each signal, and what sets the charges apart."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.report.figures import TIME
from rcvae_tf.report.labels import AXIS_LABELS, QUANTITIES, UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of the differences at the points of all lines: a step of the current that comes a second later is
# a spike beside which nothing else would be seen.
SHOWN_PERCENT = 97.0
MARGIN = 0.06


class Panel(NamedTuple):
    """An axis and its lines.

    Args:
        axis: Labelled, its limits such that every line fits.
        times: Shape `(charges, points)`.
        lines: Same shape.
    """

    axis: "Axes"
    times: FloatArray
    lines: FloatArray


def swept_panels(figure: "Figure", curves: Curves) -> list[Panel]:
    """Two panels for each signal: the curves, and below it their difference to the first.

    Args:
        figure: Empty.
        curves: By signal, each of shape `(charges, points)`.
    """
    names = [name for name in AXIS_LABELS if name in curves]
    axes = figure.subplots(2, len(names), sharex=True, squeeze=False)
    times, time_label = times_of(curves)
    axes[0, 0].set_xlim(0.0, float(times.max()))
    panels = []
    for name, upper, lower in zip(names, *axes, strict=True):
        differences = differences_to_first(times, curves[name])
        upper.set_ylim(*limits_of(curves[name], 100.0))
        upper.set_ylabel(AXIS_LABELS[name], fontsize=8)
        lower.set_ylim(*limits_of(differences, SHOWN_PERCENT))
        lower.set_ylabel(f"difference in {QUANTITIES[name]} / {UNITS[name]}", fontsize=8)
        lower.set_xlabel(time_label, fontsize=8)
        panels += [Panel(upper, times, curves[name]), Panel(lower, times, differences)]
    for panel in panels:
        panel.axis.tick_params(labelsize=7)
    return panels


def times_of(curves: Curves) -> tuple[FloatArray, str]:
    """Where the points of charges lie on the axis of time, and its label.

    Args:
        curves: By signal, each of shape `(charges, points)`; without the elapsed time the points
            are shares of a charge.

    Returns:
        Shape `(charges, points)`, in minutes or percent; the label says which.
    """
    if TIME in curves:
        return curves[TIME] / 60, "elapsed time / min"
    some = next(iter(curves.values()))
    shares = np.linspace(0.0, 100.0, some.shape[-1])
    return np.broadcast_to(shares, some.shape), "share of the charge's time / %"


def differences_to_first(times: FloatArray, values: FloatArray) -> FloatArray:
    """What curves differ by from the first one at the same time, NaN where that has ended.

    Args:
        times: Ascending in each row, shape `(charges, points)`.
        values: Same shape.
    """
    first = [np.interp(own_times, times[0], values[0], right=np.nan) for own_times in times]
    return values - np.stack(first)


def limits_of(values: FloatArray, percent: float) -> tuple[float, float]:
    """Limits of an axis that holds the middle `percent` of the values that are numbers."""
    outside = (100.0 - percent) / 2
    low, high = np.nanpercentile(values, (outside, 100.0 - outside))
    margin = MARGIN * float(high - low) or 1.0
    return float(low) - margin, float(high) + margin
