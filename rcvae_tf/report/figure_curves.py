"""Fig. 4: the curves of one sample, generated and measured, beside frames of several."""

from typing import TYPE_CHECKING

import numpy as np

from rcvae_tf.report.figure_frames import draw_pair, name_kinds, name_sample
from rcvae_tf.report.figures import add_legend, plot_signal, sample_of
from rcvae_tf.report.frames import colour_frames, colour_key, grey_frames, ranges_of
from rcvae_tf.report.labels import AXIS_LABELS, GENERATION_MODE, TOTAL, WIDTH_INCH, sample_titles
from rcvae_tf.test_samples import TestSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

NUM_FRAMES = 4


def figure_4(samples: TestSamples, title: str) -> "Figure":
    """Curves of the pictured sample of median error with R2, and the frames of four samples.

    Generated from the condition alone (z = 0). The first column of frames is the sample of the
    curves; the others are spread over the pictured samples from the least error to the largest.

    Args:
        samples: Of one number of early cycles.
        title: Says which.
    """
    from matplotlib.figure import Figure

    shown = chosen_samples(samples)
    titles = sample_titles(
        samples.cell_ids[samples.pictured[shown]], samples.labels[samples.pictured[shown]]
    )
    figure = Figure(figsize=(WIDTH_INCH, 5.2), layout="constrained")
    figure.suptitle(title, fontsize=10)
    parts = figure.subfigures(1, 2, width_ratios=(1.35, 1.0), squeeze=False)[0]
    _draw_curves(parts[0], samples, shown[0], titles[0])
    _draw_frames(parts[1], samples, shown, titles)
    return figure


def chosen_samples(samples: TestSamples) -> list[int]:
    """Rows of the pictured samples: that of median total MAE, then others over its whole range."""
    errors = samples.mae[GENERATION_MODE][TOTAL][samples.pictured]
    order = np.argsort(errors, kind="stable")
    middle = int(order[(len(order) - 1) // 2])
    others = [int(row) for row in order if row != middle]
    picks = np.linspace(0, len(others) - 1, min(NUM_FRAMES - 1, len(others))).round().astype(int)
    return [middle, *(others[pick] for pick in picks)]


def _draw_curves(part: "SubFigure", samples: TestSamples, row: int, title: str) -> None:
    measured = sample_of(samples.measured, row)
    generated = sample_of(samples.generated[GENERATION_MODE], row)
    names = [name for name in AXIS_LABELS if name in generated]
    axes = part.subplots(2, 2).flatten()
    for axis, name in zip(axes, names, strict=False):
        plot_signal(axis, measured, generated, name)
        axis.set_xlabel("elapsed time / min", fontsize=8)
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    part.suptitle(title, fontsize=9)
    add_legend(part, axes[0])


def _draw_frames(
    part: "SubFigure", samples: TestSamples, shown: list[int], titles: list[str]
) -> None:
    ranges = ranges_of(samples.measured)
    axes = part.subplots(4, NUM_FRAMES, squeeze=False)
    for rows, draw in ((axes[:2], grey_frames), (axes[2:], colour_frames)):
        generated = draw(samples.generated[GENERATION_MODE], ranges, samples.grid)
        measured = draw(samples.measured, ranges, samples.grid)
        for column, row in enumerate(shown):
            draw_pair(rows[0, column], rows[1, column], generated[row], measured[row])
            name_sample(rows[1, column], titles[column])
        name_kinds(rows[0, 0], rows[1, 0])
    for axis in axes[:, len(shown) :].flat:
        axis.set_visible(False)
    axes[0, 0].set_title("Qc", fontsize=8, loc="left")
    axes[2, 0].set_title(colour_key(samples.measured), fontsize=8, loc="left")
