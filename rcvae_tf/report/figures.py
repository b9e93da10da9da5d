"""Figures of generated against measured charges: curves, and the frames of the quasi-video."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXIS_LABELS = {
    "voltage_v": "voltage / V",
    "current_c_rate": "current / C",
    "temperature_degc": "temperature / °C",
    "charge_capacity_ah": "charge capacity / Ah",
}
MEASURED, GENERATED, DRAWS = "black", "tab:red", "tab:orange"


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
    figure = Figure(figsize=(3.4 * len(names), 2.2 * len(titles) + 0.4), layout="constrained")
    axes = figure.subplots(len(titles), len(names), squeeze=False, sharex="row")
    time = measured["elapsed_time_s"] / 60
    generated_time = generated.get("elapsed_time_s", measured["elapsed_time_s"]) / 60
    for row, title in enumerate(titles):
        for column, name in enumerate(names):
            axis = axes[row, column]
            if draws is not None:
                draw_time = draws.get("elapsed_time_s")
                for i, draw in enumerate(draws[name][row]):
                    minutes = time[row] if draw_time is None else draw_time[row, i] / 60
                    label = None if i else "draws"
                    axis.plot(minutes, draw, color=DRAWS, alpha=0.3, linewidth=0.6, label=label)
            axis.plot(time[row], measured[name][row], color=MEASURED, label="measured")
            axis.plot(
                generated_time[row], generated[name][row], "--", color=GENERATED, label="generated"
            )
            fit = _r2(measured[name][row], generated[name][row])
            axis.set_title(
                f"{title}   R² {fit:.4f}" if column == 0 else f"R² {fit:.4f}", fontsize=8
            )
            axis.set_ylabel(AXIS_LABELS[name], fontsize=8)
            axis.tick_params(labelsize=7)
    axes[0, 0].legend(fontsize=7)
    for axis in axes[-1]:
        axis.set_xlabel("elapsed time / min", fontsize=8)
    return figure


def frames_figure(measured: FloatArray, generated: FloatArray, titles: list[str]) -> "Figure":
    """The grey and the RGB frame of each sample, generated above measured, as in Figs. S1, S2.

    Args:
        measured: Quasi-videos, shape `(samples, channel, depth, height, width)`.
        generated: Likewise; its depth may be smaller.
        titles: One for each sample.
    """
    from matplotlib.figure import Figure

    columns = 2 * len(titles)
    figure = Figure(figsize=(1.5 * columns, 3.6), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False)
    low, high = _channel_range(measured)
    for sample, title in enumerate(titles):
        for row, (kind, videos) in enumerate((("generated", generated), ("measured", measured))):
            scaled = np.clip((videos[sample, :, :2] - low) / (high - low), 0.0, 1.0)
            grey, colour = axes[row, 2 * sample], axes[row, 2 * sample + 1]
            grey.imshow(scaled[:, 1].mean(axis=0), cmap="gray", vmin=0, vmax=1)
            colour.imshow(np.moveaxis(scaled[:, 0], 0, -1))
            for axis, what in ((grey, "Qc"), (colour, "V, I, T")):
                axis.set_xticks([])
                axis.set_yticks([])
                axis.set_title(f"{kind} {what}", fontsize=7)
        axes[1, 2 * sample].set_xlabel(title, fontsize=7, loc="left")
    return figure


def save_figure(figure: "Figure", path: Path) -> None:
    """Writes a PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def as_pixels(figure: "Figure") -> FloatArray:
    """A figure as RGBA values 0 to 1, shape `(height, width, 4)`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), np.float32) / 255.0


def _r2(measured: FloatArray, generated: FloatArray) -> float:
    variance = float(np.var(measured))
    return 1.0 - float(np.mean((measured - generated) ** 2)) / variance if variance else 0.0


def _channel_range(quasi_video: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minimum and maximum of each plane over samples and pixels, for frames of 0 to 1."""
    used = quasi_video[:, :, :2]
    low = used.min(axis=(0, 3, 4))[..., None, None]
    high = used.max(axis=(0, 3, 4))[..., None, None]
    return low, np.where(high > low, high, low + 1.0)
