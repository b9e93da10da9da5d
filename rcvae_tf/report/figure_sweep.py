"""Generated charges as EOL or ECL is swept, and which charges of a data set show that."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.figures import AGES, LIVES
from data_prep.records import FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.report.figure_ageing import FEWEST_AGES, write_ageing
from rcvae_tf.report.figures import save_figure, times_of
from rcvae_tf.report.labels import AXIS_LABELS, QUANTITIES, UNITS, WIDTH_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

MOST_LINES = 40  # more lie over one another
SWEEP_ECL, SWEEP_EOL, AGEING = "sweep_ecl.png", "sweep_eol.png", "ageing.gif"
EOL, ECL = 0, 1  # columns of labels
MAPS = {ECL: AGES, EOL: LIVES}
SHARE_OF_MAP = 0.9  # the yellow beyond it is not seen on white
NAMES = {EOL: "EOL", ECL: "ECL"}
COLOUR_LABELS = {EOL: "end of life (EOL) / cycles", ECL: "age (ECL) / cycles"}
# Of the differences at the points of all lines; the step of a current that comes a second later
# is a spike beside which nothing else would be seen.
SHOWN_PERCENT = 98.0


class Sweep(NamedTuple):
    """Charges that differ in one of EOL and ECL.

    Args:
        swept: Column of the labels that differs, `EOL` or `ECL`.
        fixed: Value of the other column.
        rows: Of the charges, the swept value ascending.
    """

    swept: int
    fixed: int
    rows: NDArray[np.int64]


def draw_figures(labels: NDArray, curves: Curves, folder: Path) -> list[Path]:
    """Draws what the conditions allow: a sweep over ECL and its animation, a sweep over EOL.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`; of charges of one condition the first is shown.
        curves: By signal, each of shape `(charges, points)`.
        folder: Made where it is missing; pictures of these names in it are written over.

    Returns:
        The files; none where no two conditions share EOL or ECL.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for sweep in find_sweeps(labels):
        path = folder / (SWEEP_ECL if sweep.swept == ECL else SWEEP_EOL)
        save_figure(sweep_figure(labels, curves, sweep), path)
        paths.append(path)
        if sweep.swept == ECL and len(sweep.rows) >= FEWEST_AGES:
            shown = {name: values[sweep.rows] for name, values in curves.items()}
            write_ageing(labels[sweep.rows], shown, folder / AGEING)
            paths.append(folder / AGEING)
    return paths


def find_sweeps(labels: NDArray) -> list[Sweep]:
    """The longest sweep over ECL and the longest one over EOL, each where there is one.

    Of several of one length the middle one is taken, and of a long one `MOST_LINES` charges that
    are spread over it, its ends among them.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`.
    """
    conditions, first_rows = np.unique(np.asarray(labels), axis=0, return_index=True)
    sweeps = []
    for swept, held in ((ECL, EOL), (EOL, ECL)):
        values, counts = np.unique(conditions[:, held], return_counts=True)
        if counts.max(initial=0) < 2:
            continue
        longest = values[counts == counts.max()]
        fixed = int(longest[len(longest) // 2])
        rows = first_rows[conditions[:, held] == fixed]
        picks = np.linspace(0, len(rows) - 1, MOST_LINES).round().astype(int)
        sweeps.append(Sweep(swept, fixed, rows[np.unique(picks)]))
    return sweeps


def pictured_rows(labels: NDArray) -> NDArray[np.int64]:
    """Rows of the charges that `draw_figures` needs of many, ascending.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`.
    """
    rows = [sweep.rows for sweep in find_sweeps(labels)]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *rows]))


def sweep_figure(labels: NDArray, curves: Curves, sweep: Sweep) -> "Figure":
    """A column for each signal: the charges over time, and what sets them apart from the first.

    The lines have the colour of their EOL or ECL. The lower row shows the difference to the
    charge of the lowest value, point by point at the same time; spikes at steps of the current
    are cut off.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`.
        curves: By signal, each of shape `(charges, points)`.
        sweep: From `find_sweeps`.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    values = np.asarray(labels)[sweep.rows, sweep.swept]
    shown = {name: signal[sweep.rows] for name, signal in curves.items()}
    names = [name for name in AXIS_LABELS if name in shown]
    colours = ScalarMappable(Normalize(values[0], values[-1]), _colour_map(MAPS[sweep.swept]))
    figure = Figure(figsize=(WIDTH_INCH, 5.4), layout="constrained")
    axes = figure.subplots(2, len(names), sharex=True, squeeze=False)
    times, time_label = times_of(shown)
    for name, upper, lower in zip(names, *axes, strict=True):
        differences = differences_to_first(times, shown[name])
        for panel, lines in ((upper, shown[name]), (lower, differences)):
            _draw_lines(panel, times, lines, colours.to_rgba(values))
        upper.set_ylabel(AXIS_LABELS[name], fontsize=8)
        lower.set_ylabel(f"difference in {QUANTITIES[name]} / {UNITS[name]}", fontsize=8)
        lower.set_ylim(*_limits(differences))
        lower.set_xlabel(time_label, fontsize=8)
    figure.suptitle(_title(sweep, values), fontsize=10)
    bar = figure.colorbar(colours, ax=axes, aspect=40, pad=0.01)
    bar.set_label(COLOUR_LABELS[sweep.swept], fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def differences_to_first(times: FloatArray, values: FloatArray) -> FloatArray:
    """What curves differ by from the first one at the same time, NaN where that has ended.

    Args:
        times: Ascending in each row, shape `(charges, points)`.
        values: Same shape.
    """
    reference = [np.interp(own_times, times[0], values[0], right=np.nan) for own_times in times]
    return values - np.stack(reference)


def _draw_lines(panel: "Axes", times: FloatArray, lines: FloatArray, colours: NDArray) -> None:
    for line_times, line, colour in zip(times, lines, colours, strict=True):
        panel.plot(line_times, line, color=colour, linewidth=0.7)
    panel.tick_params(labelsize=7)


def _limits(differences: FloatArray) -> tuple[float, float]:
    outside = (100.0 - SHOWN_PERCENT) / 2
    low, high = np.nanpercentile(differences, (outside, 100.0 - outside))
    margin = 0.1 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def _title(sweep: Sweep, values: NDArray) -> str:
    fixed = NAMES[EOL if sweep.swept == ECL else ECL]
    return (
        f"Generated charges, {fixed} {sweep.fixed}: {len(values)} values of {NAMES[sweep.swept]}, "
        f"{values[0]} to {values[-1]}; below, the difference to {NAMES[sweep.swept]} {values[0]}"
    )


def _colour_map(name: str) -> "Colormap":
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps[name](np.linspace(0.0, SHARE_OF_MAP, 256)))
