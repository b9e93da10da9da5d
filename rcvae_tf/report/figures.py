"""Figures of a few generated charges over the measured ones, and figures as files and pixels."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.records import SIGNALS, FloatArray
from rcvae_tf.evaluation.metrics import r2
from rcvae_tf.physical import Curves, named_curves
from rcvae_tf.report.frames import colour_frames, colour_key, grey_frames, ranges_of
from rcvae_tf.report.labels import (
    AXIS_LABELS,
    DRAWS,
    DRAWS_COLOUR,
    GENERATED,
    GENERATED_COLOUR,
    MEASURED,
    MEASURED_COLOUR,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, FigureBase

TIME = "elapsed_time_s"
DOTS_PER_INCH = 110


def curves_figure(
    measured: Curves, generated: Curves, titles: list[str], draws: Curves | None = None
) -> "Figure":
    """A row for each sample, a column for each signal; R2 of each generated curve.

    Args:
        measured: By signal, each of shape `(samples, points)`.
        generated: The mean mode, likewise; where it has no time, the measured one is used.
        titles: One for each sample.
        draws: By signal, each of shape `(samples, draws, points)`; thin lines behind.
    """
    from matplotlib.figure import Figure

    names = [name for name in AXIS_LABELS if name in generated]
    figure = Figure(figsize=(3.4 * len(names), 2.2 * len(titles) + 0.7), layout="constrained")
    axes = figure.subplots(len(titles), len(names), squeeze=False, sharex="row")
    for row, title in enumerate(titles):
        ours, theirs = sample_of(measured, row), sample_of(generated, row)
        for axis, name in zip(axes[row], names, strict=True):
            if draws is not None:
                _plot_draws(axis, sample_of(draws, row), ours[TIME], name)
            plot_signal(axis, ours, theirs, name)
        axes[row, 0].set_title(f"{title}   {axes[row, 0].get_title()}", fontsize=8)
    for axis in axes[-1]:
        axis.set_xlabel("elapsed time / min", fontsize=8)
    add_legend(figure, axes[0, 0])
    return figure


def frames_figure(
    measured: FloatArray,
    generated: FloatArray,
    titles: list[str],
    signals_present: tuple[str, ...] = SIGNALS,
) -> "Figure":
    """The grey and the RGB frame of each sample, generated above measured, as in Figs. S1, S2.

    Args:
        measured: Quasi-videos, shape `(samples, channel, depth, height, width)`.
        generated: Likewise; its depth may be smaller.
        titles: One for each sample.
        signals_present: Those that were measured; another one leaves its colour dark.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.0 * len(titles), 3.6), layout="constrained")
    axes = figure.subplots(2, 2 * len(titles), squeeze=False)
    grid = (measured.shape[-2], measured.shape[-1])
    ranges = ranges_of(named_curves(measured, signals_present))
    for row, kind, videos in ((0, "generated", generated), (1, "measured", measured)):
        curves = named_curves(videos, signals_present)
        for axis, frame in zip(axes[row, ::2], grey_frames(curves, ranges, grid), strict=True):
            show_frame(axis, frame)
            axis.set_title(f"{kind} Qc", fontsize=7)
        for axis, frame in zip(axes[row, 1::2], colour_frames(curves, ranges, grid), strict=True):
            show_frame(axis, frame)
            axis.set_title(f"{kind} {colour_key(curves)}", fontsize=7)
    for axis, title in zip(axes[1, ::2], titles, strict=True):
        axis.set_xlabel(title, fontsize=7, loc="left")
    return figure


def sample_of(curves: Curves, row: int) -> Curves:
    """One sample of many, each signal without its first axis."""
    return {name: values[row] for name, values in curves.items()}


def times_of(curves: Curves) -> tuple[FloatArray, str]:
    """Where the points of charges lie on the axis of time, and its name.

    Args:
        curves: By signal, each of shape `(charges, points)`; without the elapsed time the points
            are known as shares of a charge alone.

    Returns:
        Shape `(charges, points)`, minutes or percent; the label of the axis.
    """
    if TIME in curves:
        return curves[TIME] / 60, "elapsed time / min"
    some = next(iter(curves.values()))
    return np.broadcast_to(np.linspace(0.0, 100.0, some.shape[-1]), some.shape), "time / %"


def plot_signal(axis: "Axes", measured: Curves, generated: Curves, name: str) -> None:
    """A signal of one sample over the elapsed time, both ways, with its R2 as the title.

    Args:
        axis: Where.
        measured: By signal, each of shape `(points,)`.
        generated: Likewise; where it has no time, the measured one is used.
        name: Of the signal.
    """
    minutes = measured[TIME] / 60
    generated_minutes = generated.get(TIME, measured[TIME]) / 60
    axis.plot(minutes, measured[name], color=MEASURED_COLOUR, label=MEASURED)
    axis.plot(generated_minutes, generated[name], "--", color=GENERATED_COLOUR, label=GENERATED)
    axis.set_title(f"R² {r2(measured[name], generated[name]):.4f}", fontsize=8)
    axis.set_ylabel(AXIS_LABELS[name], fontsize=8)
    axis.tick_params(labelsize=7)


def show_frame(axis: "Axes", frame: FloatArray) -> None:
    """A frame of values 0 to 1: grey, or red, green and blue on a third axis."""
    axis.imshow(frame, cmap="gray", vmin=0, vmax=1)
    axis.set_xticks([])
    axis.set_yticks([])


def add_legend(figure: "FigureBase", axis: "Axes") -> None:
    """The lines of an axis, told once below the figure; thin ones as strong as the others."""
    lines = {line.get_label(): line for line in axis.get_lines()}
    named = {label: line for label, line in lines.items() if not str(label).startswith("_")}
    legend = figure.legend(
        handles=list(named.values()), loc="outside lower center", ncols=len(named), fontsize=8
    )
    for line in legend.get_lines():
        line.set(alpha=1.0, linewidth=1.5)


def save_figure(figure: "Figure", path: Path) -> None:
    """Writes a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH)


def as_pixels(figure: "Figure") -> FloatArray:
    """A figure as RGBA values 0 to 1, shape `(height, width, 4)`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.float32) / 255.0


def _plot_draws(axis: "Axes", draws: Curves, measured_time: FloatArray, name: str) -> None:
    times = draws.get(TIME, np.broadcast_to(measured_time, draws[name].shape)) / 60
    for number, (minutes, draw) in enumerate(zip(times, draws[name], strict=True)):
        label = "_" if number else DRAWS
        axis.plot(minutes, draw, color=DRAWS_COLOUR, alpha=0.3, linewidth=0.6, label=label)
