"""An animation of ageing: the charge of a cell at one age after another."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_prep.figures import AGES
from data_prep.records import FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.report.figures import times_of
from rcvae_tf.report.labels import AXIS_LABELS, GENERATED_COLOUR, WIDTH_INCH

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST_AGES = 3
MOST_FRAMES = 40
FRAMES_A_SECOND = 6
DOTS_PER_INCH = 80
SHARE_OF_MAP = 0.9  # the yellow beyond it is not seen on white
MARGIN = 0.05


def write_ageing(labels: NDArray, curves: Curves, path: Path) -> None:
    """Writes a GIF: all signals of the charge of one age a frame, earlier ages faint behind it.

    Of many ages `MOST_FRAMES` are shown, the first and the last among them.

    Args:
        labels: EOL, the same in all, and ECL, ascending; shape `(charges, 2)`.
        curves: By signal, each of shape `(charges, points)`.
        path: Of the file.
    """
    from matplotlib.animation import FuncAnimation, PillowWriter

    logging.getLogger("matplotlib.animation").setLevel(logging.WARNING)
    shown = shown_ages(len(labels))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure, show = ageing_frames(
        labels[shown], {name: values[shown] for name, values in curves.items()}
    )
    animation = FuncAnimation(figure, show, frames=len(shown), init_func=lambda: (), blit=False)
    animation.save(path, writer=PillowWriter(fps=FRAMES_A_SECOND), dpi=DOTS_PER_INCH)


def shown_ages(count: int) -> NDArray[np.int64]:
    """Which of so many ages have a frame."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(np.int64))


def ageing_frames(labels: NDArray, curves: Curves) -> tuple["Figure", "ShowFrame"]:
    """The figure, and what draws the age of a number into it; arguments as `write_ageing`."""
    from matplotlib.figure import Figure

    names = [name for name in AXIS_LABELS if name in curves]
    figure = Figure(figsize=(WIDTH_INCH, 3.2), layout="constrained")
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    times, time_label = times_of(curves)
    for axis, name in zip(axes, names, strict=True):
        axis.set_xlim(0.0, float(times.max()) * (1 + MARGIN))
        axis.set_ylim(*_limits(curves[name]))
        axis.set_ylabel(AXIS_LABELS[name], fontsize=8)
        axis.set_xlabel(time_label, fontsize=8)
        axis.tick_params(labelsize=7)
    return figure, ShowFrame(figure, list(axes), labels, [curves[name] for name in names], times)


class ShowFrame:
    """Draws one age; the one before it stays, thin and in the colour of its age.

    Args:
        figure: Where.
        axes: One for each signal.
        labels: EOL and ECL, shape `(charges, 2)`.
        series: By signal, each of shape `(charges, points)`.
        times: Of the points, same shape.
    """

    def __init__(
        self,
        figure: "Figure",
        axes: "list[Axes]",
        labels: NDArray,
        series: list[FloatArray],
        times: FloatArray,
    ) -> None:
        from matplotlib import colormaps

        self._figure, self._axes, self._labels = figure, axes, labels
        self._series, self._times = series, times
        self._colours = colormaps[AGES](np.linspace(0.0, SHARE_OF_MAP, len(labels)))

    def __call__(self, number: int) -> "list[Artist]":
        """Draws the age of this number, counted from 0."""
        for axis, series in zip(self._axes, self._series, strict=True):
            for line in axis.get_lines()[-1:]:
                line.set(color=self._colours[number - 1], linewidth=0.6, alpha=0.5)
            axis.plot(self._times[number], series[number], color=GENERATED_COLOUR, linewidth=1.6)
        eol, ecl = self._labels[number]
        self._figure.suptitle(f"Generated charge, EOL {eol}, ECL {ecl}", fontsize=10)
        return []


def _limits(values: FloatArray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin
