"""Bands that hold half and nine tenths of the draws of a condition, and the measured charge."""

from typing import TYPE_CHECKING

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.report.figures import TIME, add_legend, sample_of
from rcvae_tf.report.labels import AXIS_LABELS, DRAWS_COLOUR, MEASURED, MEASURED_COLOUR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_PERCENT = 98.0
# Share of the draws, and the colour of draws, paler where there are more of them.
BANDS = ((0.9, "#F7E2B3"), (0.5, DRAWS_COLOUR))


def bands_figure(measured: Curves, draws: Curves, titles: list[str]) -> "Figure":
    """A row for each sample, a column for each signal; the share of points within nine tenths.

    Bands are by point: the k-th point of every draw, drawn at the time of the measured one. All is
    shown as deviation from the median of the draws: bands of known cells are too narrow to be seen
    on whole curves.

    Args:
        measured: By signal, the elapsed time among them, each of shape `(samples, points)`.
        draws: By signal, each of shape `(samples, draws, points)`.
        titles: One for each sample.
    """
    from matplotlib.figure import Figure

    names = [name for name in AXIS_LABELS if name in draws]
    figure = Figure(figsize=(3.4 * len(names), 2.2 * len(titles) + 0.7), layout="constrained")
    axes = figure.subplots(len(titles), len(names), squeeze=False, sharex="row")
    for row, title in enumerate(titles):
        ours, drawn = sample_of(measured, row), sample_of(draws, row)
        for axis, name in zip(axes[row], names, strict=True):
            _plot_bands(axis, ours[TIME] / 60, ours[name], drawn[name])
            axis.set_ylabel(f"off the median: {AXIS_LABELS[name]}", fontsize=7)
            axis.tick_params(labelsize=7)
        axes[row, 0].set_title(f"{title}   {axes[row, 0].get_title()}", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("elapsed time / min", fontsize=8)
    add_legend(figure, axes[0, 0])
    return figure


def band(draws: FloatArray, share: float) -> tuple[FloatArray, FloatArray]:
    """The ends of the central share of the draws at each point, each of shape `(points,)`.

    Quantiles lie at p (n + 1) of n draws, as those that `evaluate` counts coverage by.
    """
    outside = (1.0 - share) / 2
    low, high = np.quantile(draws, (outside, 1.0 - outside), axis=0, method="weibull")
    return low, high


def _plot_bands(axis: "Axes", minutes: FloatArray, measured: FloatArray, draws: FloatArray) -> None:
    median = np.median(draws, axis=0)
    for share, colour in BANDS:
        low, high = band(draws, share)
        axis.fill_between(minutes, low - median, high - median, color=colour, linewidth=0)
        # A legend of lines is told by lines.
        axis.plot([], [], color=colour, linewidth=4, label=f"{share:.0%} of draws")
    low, high = band(draws, BANDS[0][0])
    inside = np.mean((measured >= low) & (measured <= high))
    axis.plot(minutes, measured - median, color=MEASURED_COLOUR, linewidth=1.0, label=MEASURED)
    axis.set_ylim(*_limits(np.stack([low, high, measured]) - median))
    axis.set_title(f"{inside:.0%} of points inside", fontsize=8)


def _limits(deviations: FloatArray) -> tuple[float, float]:
    """Room for all but the spikes at steps of the current."""
    reach = float(np.percentile(np.abs(deviations), SHOWN_PERCENT)) * 1.5 or 1.0
    return -reach, reach
