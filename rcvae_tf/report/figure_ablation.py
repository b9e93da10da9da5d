"""Figs. 6 and S3 to S5: the cost of each detached part as a heat map."""

from typing import TYPE_CHECKING

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.report.ablation_tables import EMBEDDING, WHOLE, Rows, column, row_names
from rcvae_tf.report.labels import ERRORS, QUANTITIES, WIDTH_INCH, error_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORT = {"Decoder_": "Dec_", "Encoder_": "Enc_", EMBEDDING: "Emb"}
ROW_INCH = 0.2
COLOURS = "cividis"
NOT_RUN = "0.95"
GAP = ""


def heat_map_figure(ablation: Rows, signal: str) -> "Figure":
    """MAE and RMSE side by side, a row for each detached part, a column for each n.

    The paper's rows come first, run or not, then those beyond it below a gap.

    Args:
        ablation: Rows of `ablation.csv`, of any numbers of early cycles; at least one has a
            number for the signal.
        signal: A name of a signal, or `total`.
    """
    from matplotlib.figure import Figure

    names = _rows_of_the_map(ablation)
    all_cycles = sorted({row["early_cycles"] for row in ablation})
    figure = Figure(figsize=(WIDTH_INCH, ROW_INCH * len(names) + 1.2), layout="constrained")
    for axis, error, letter in zip(figure.subplots(1, 2), ERRORS, "ab", strict=True):
        values = _values(ablation, column(error, signal), names, all_cycles)
        _draw_map(axis, values, [_short(name) for name in names], all_cycles)
        what = QUANTITIES.get(signal, signal)
        axis.set_title(f"({letter}) {what}, {error_label(error, signal)}", fontsize=9, loc="left")
        bar = figure.colorbar(axis.get_images()[0], ax=axis, aspect=40, pad=0.02)
        bar.ax.tick_params(labelsize=7)
    return figure


def _rows_of_the_map(ablation: Rows) -> list[str]:
    """The paper's rows with `None` last, as its figures have them; a gap; those beyond it."""
    names = row_names(ablation)
    end = names.index(EMBEDDING) + 1
    printed, beyond = [name for name in names[:end] if name != WHOLE], names[end:]
    return [*printed, WHOLE, *([GAP, *beyond] if beyond else [])]


def _values(ablation: Rows, name: str, names: list[str], all_cycles: list[int]) -> FloatArray:
    """Shape `(rows, columns)`; not a number where it was not run."""
    by_key = {(row["detach"], row["early_cycles"]): row[name] for row in ablation}
    cells = [[by_key.get((detach, cycles)) for cycles in all_cycles] for detach in names]
    return np.array(cells, dtype=float)


def _draw_map(axis: "Axes", values: FloatArray, names: list[str], all_cycles: list[int]) -> None:
    image = axis.imshow(values, cmap=COLOURS, aspect="auto")
    for (row, col), value in np.ndenumerate(values):
        if names[row] == GAP:
            continue
        if np.isnan(value):
            _mark_not_run(axis, row, col)
            continue
        red, green, blue, _ = image.to_rgba(values)[row, col]
        is_light = 0.3 * red + 0.6 * green + 0.1 * blue > 0.5
        colour = "black" if is_light else "white"
        axis.text(col, row, f"{value:#.3g}", ha="center", va="center", fontsize=7, color=colour)
    named = [row for row, name in enumerate(names) if name != GAP]
    axis.set_yticks(named, [names[row] for row in named], fontsize=7)
    axis.set_xticks(range(len(all_cycles)), [str(cycles) for cycles in all_cycles], fontsize=7)
    not_run = np.isnan(values[named]).any()
    axis.set_xlabel(f"early cycles n{' (hatched: not run)' if not_run else ''}", fontsize=8)


def _mark_not_run(axis: "Axes", row: int, col: int) -> None:
    from matplotlib.patches import Rectangle

    place = (col - 0.5, row - 0.5)
    axis.add_patch(Rectangle(place, 1, 1, facecolor=NOT_RUN, edgecolor="0.75", hatch="///", lw=0))


def _short(name: str) -> str:
    """`Dec_3` for `Decoder_3`, as the paper's figures have it."""
    for long, short in SHORT.items():
        name = name.replace(long, short)
    return name
