"""Fig. 5: how the errors are distributed over the test samples, by number of early cycles."""

from typing import TYPE_CHECKING, Any

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.report.labels import (
    AXIS_LABELS,
    ERRORS,
    MODE_COLOURS,
    MODE_NOTES,
    QUANTITIES,
    TOTAL,
    WIDTH_INCH,
    error_label,
)
from rcvae_tf.test_samples import TestSamples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX_WIDTH = 0.32
OPACITY = 0.45
DIAMOND: dict[str, Any] = {
    "marker": "D",
    "markersize": 4,
    "markerfacecolor": "white",
    "markeredgecolor": "black",
}
# Beyond this many medians the largest errors would press the boxes flat on a linear axis.
HEAVY_TAIL = 8.0


def figure_5(samples: dict[int, TestSamples]) -> "Figure":
    """Box plots of the MAE and the RMSE of each test sample: a row for each signal and the total.

    Boxes are quartiles, whiskers 5 and 95 %, dots the samples beyond; a diamond is the error over
    all samples, the number of Table 1.

    Args:
        samples: By the number of early cycles; at least one.
    """
    from matplotlib.figure import Figure

    signals = [
        name
        for name in (*AXIS_LABELS, TOTAL)
        if all(name in one.mae[mode] for one in samples.values() for mode in MODE_COLOURS)
    ]
    figure = Figure(figsize=(WIDTH_INCH, 2.2 * len(signals) + 0.6), layout="constrained")
    axes = figure.subplots(len(signals), 2, squeeze=False, sharex=True)
    for row, (letter, signal) in enumerate(zip("abcde", signals, strict=False)):
        drawn = [_draw_boxes(axes[row, k], samples, signal, e) for k, e in enumerate(ERRORS)]
        scale = "log" if is_heavy_tailed(np.concatenate(drawn)) else "linear"
        for axis, error in zip(axes[row], ERRORS, strict=True):
            axis.set_yscale(scale)
            axis.set_ylabel(error_label(error, signal), fontsize=8)
        what = QUANTITIES.get(signal, signal)
        axes[row, 0].set_title(f"({letter}) {what}", fontsize=9, loc="left")
    for axis in axes[-1]:
        axis.set_xticks(range(len(samples)), [str(cycles) for cycles in sorted(samples)])
        axis.set_xlabel("early cycles n", fontsize=8)
    _add_legend(figure)
    return figure


def sample_errors(samples: TestSamples, mode: str, signal: str, error: str) -> FloatArray:
    """The MAE or the RMSE of each sample, shape `(samples,)`."""
    if error == "mae":
        return np.asarray(samples.mae[mode][signal])
    return np.sqrt(samples.mse[mode][signal])


def pooled_error(samples: TestSamples, mode: str, signal: str, error: str) -> float:
    """The error over all samples, as in Table 1."""
    if error == "mae":
        return float(np.mean(samples.mae[mode][signal], dtype=np.float64))
    return float(np.sqrt(np.mean(samples.mse[mode][signal], dtype=np.float64)))


def _draw_boxes(
    axis: "Axes", samples: dict[int, TestSamples], signal: str, error: str
) -> FloatArray:
    """Two boxes a number of cycles; gives the errors drawn."""
    cycles = sorted(samples)
    drawn: list[FloatArray] = []
    for number, (mode, colour) in enumerate(MODE_COLOURS.items()):
        places = np.arange(len(cycles)) + (number - 0.5) * 1.2 * BOX_WIDTH
        values = [sample_errors(samples[n], mode, signal, error) for n in cycles]
        pooled = [pooled_error(samples[n], mode, signal, error) for n in cycles]
        axis.boxplot(
            values,
            positions=places,
            widths=BOX_WIDTH,
            whis=(5, 95),
            manage_ticks=False,
            patch_artist=True,
            boxprops={"facecolor": colour, "alpha": OPACITY, "edgecolor": colour},
            medianprops={"color": "black"},
            whiskerprops={"color": colour},
            capprops={"color": colour},
            flierprops={"marker": ".", "markersize": 2, "markeredgecolor": colour, "alpha": 0.4},
        )
        axis.plot(places, pooled, linestyle="", **DIAMOND)
        drawn += values
    axis.set_xlim(-0.6, len(cycles) - 0.4)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)
    axis.tick_params(which="both", labelsize=7)
    return np.concatenate(drawn)


def is_heavy_tailed(values: FloatArray) -> bool:
    """Whether the largest errors call for a logarithmic axis, and no error of 0 forbids it."""
    return bool(values.min() > 0 and values.max() > HEAVY_TAIL * np.median(values))


def _add_legend(figure: "Figure") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    boxes = [
        Patch(facecolor=c, edgecolor=c, alpha=OPACITY, label=f"{mode} ({MODE_NOTES[mode]})")
        for mode, c in MODE_COLOURS.items()
    ]
    diamond = Line2D([], [], linestyle="", label="over all samples (Table 1)", **DIAMOND)
    legend = figure.legend(
        handles=[*boxes, diamond],
        loc="outside upper center",
        ncols=3,
        fontsize=8,
        title="errors of single samples: quartiles, 5 and 95 %, dots beyond",
        title_fontsize=8,
    )
    legend.set_frame_on(False)
