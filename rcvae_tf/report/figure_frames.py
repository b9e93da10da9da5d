"""Figs. S1 and S2: frames of many samples, each generated above measured."""

from textwrap import wrap
from typing import TYPE_CHECKING

from data_prep.records import FloatArray
from rcvae_tf.report.figures import show_frame
from rcvae_tf.report.frames import colour_frames, colour_key_in_words, grey_frames, ranges_of
from rcvae_tf.report.labels import GENERATION_MODE, WIDTH_INCH, sample_titles
from rcvae_tf.test_samples import TestSamples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLES_A_ROW = 8
MOST_SAMPLES = 24
NAME_INCH, TITLE_INCH = 0.3, 0.5
NAME_WIDTH = 20  # letters


def grey_frames_figure(samples: TestSamples, title: str) -> "Figure":
    """The charge capacity as grey frames, up to 24 samples, generated above measured."""
    ranges = ranges_of(samples.measured)
    generated = grey_frames(samples.generated[GENERATION_MODE], ranges, samples.grid)
    measured = grey_frames(samples.measured, ranges, samples.grid)
    shades = "black to white: lowest to highest measured charge capacity"
    return _frames_figure(samples, generated, measured, f"{title}\n{shades}")


def colour_frames_figure(samples: TestSamples, title: str) -> "Figure":
    """Voltage, current and temperature as red, green and blue; otherwise likewise."""
    ranges = ranges_of(samples.measured)
    generated = colour_frames(samples.generated[GENERATION_MODE], ranges, samples.grid)
    measured = colour_frames(samples.measured, ranges, samples.grid)
    colours = f"{colour_key_in_words(samples.measured)}: lowest to highest measured"
    return _frames_figure(samples, generated, measured, f"{title}\n{colours}")


def draw_pair(upper: "Axes", lower: "Axes", generated: FloatArray, measured: FloatArray) -> None:
    """A sample's frames, generated above measured."""
    show_frame(upper, generated)
    show_frame(lower, measured)


def name_sample(axis: "Axes", title: str) -> None:
    """Cell, EOL and ECL at the lower left of a frame, broken where it would run into the next."""
    cell, condition = title.rsplit(", EOL", maxsplit=1)
    lines = [*wrap(cell, NAME_WIDTH), f"EOL{condition}"]
    axis.set_xlabel("\n".join(lines), fontsize=7, loc="left")


def name_kinds(upper: "Axes", lower: "Axes") -> None:
    """Says at the left of a row of pairs which is which."""
    upper.set_ylabel("generated", fontsize=7)
    lower.set_ylabel("measured", fontsize=7)


def _frames_figure(
    samples: TestSamples, generated: FloatArray, measured: FloatArray, title: str
) -> "Figure":
    from matplotlib.figure import Figure

    chosen = samples.pictured[:MOST_SAMPLES]
    titles = sample_titles(samples.cell_ids[chosen], samples.labels[chosen])
    rows = -(-len(titles) // SAMPLES_A_ROW)
    frame_inch = WIDTH_INCH / SAMPLES_A_ROW * samples.grid[0] / samples.grid[1]
    height_inch = rows * (2 * frame_inch + NAME_INCH) + TITLE_INCH
    figure = Figure(figsize=(WIDTH_INCH, height_inch), layout="constrained")
    axes = figure.subplots(2 * rows, SAMPLES_A_ROW, squeeze=False)
    for number, name in enumerate(titles):
        row, column = divmod(number, SAMPLES_A_ROW)
        upper, lower = axes[2 * row : 2 * row + 2, column]
        draw_pair(upper, lower, generated[number], measured[number])
        name_sample(lower, name)
        if column == 0:
            name_kinds(upper, lower)
    for axis in axes.flat:
        axis.set_visible(axis.has_data())
    figure.suptitle(title, fontsize=9)
    return figure
