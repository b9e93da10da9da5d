"""Generated charges as EOL or ECL is swept."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data_prep.figures import AGES, LIVES
from rcvae_tf.physical import Curves
from rcvae_tf.report.figure_ageing import FEWEST_AGES, write_ageing
from rcvae_tf.report.figures import save_figure
from rcvae_tf.report.labels import WIDTH_INCH
from rcvae_tf.report.sweep_panels import swept_panels
from rcvae_tf.report.sweeps import ECL, EOL, NAMES, Sweep, find_sweeps

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

SWEEP_ECL, SWEEP_EOL, AGEING = "sweep_ecl.png", "sweep_eol.png", "ageing.gif"
FILES = {ECL: SWEEP_ECL, EOL: SWEEP_EOL}
MAPS = {ECL: AGES, EOL: LIVES}
SHARE_OF_MAP = 0.9  # the yellow beyond it is not seen on white
COLOUR_LABELS = {EOL: "end of life (EOL) / cycles", ECL: "age (ECL) / cycles"}


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
        shown = {name: values[sweep.rows] for name, values in curves.items()}
        swept = labels[sweep.rows, sweep.swept]
        paths.append(folder / FILES[sweep.swept])
        save_figure(sweep_figure(sweep, swept, shown), paths[-1])
        if sweep.swept == ECL and len(swept) >= FEWEST_AGES:
            paths.append(folder / AGEING)
            write_ageing(sweep.fixed, swept, shown, paths[-1])
    return paths


def sweep_figure(sweep: Sweep, values: NDArray, curves: Curves) -> "Figure":
    """A column for each signal: the charges over time, below it their difference to the first.

    The lines have the colour of their EOL or ECL. Differences are those at the same time; spikes
    at steps of the current go beyond the panel.

    Args:
        sweep: From `find_sweeps`.
        values: EOL or ECL of its charges, ascending.
        curves: Of its charges, by signal, each of shape `(charges, points)`.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCH, 5.0), layout="constrained")
    scale = ScalarMappable(Normalize(values[0], values[-1]), _colour_map(MAPS[sweep.swept]))
    panels = swept_panels(figure, curves)
    for panel in panels:
        for times, line, colour in zip(
            panel.times, panel.lines, scale.to_rgba(values), strict=True
        ):
            panel.axis.plot(times, line, color=colour, linewidth=0.7)
    figure.suptitle(_title(sweep, values), fontsize=10)
    bar = figure.colorbar(scale, ax=[panel.axis for panel in panels], aspect=40, pad=0.01)
    bar.set_label(COLOUR_LABELS[sweep.swept], fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _title(sweep: Sweep, values: NDArray) -> str:
    swept = NAMES[sweep.swept]
    return (
        f"Generated charges, {NAMES[sweep.held]} {sweep.fixed}, {len(values)} values of {swept} "
        f"from {values[0]} to {values[-1]}; below: difference to {swept} {values[0]}"
    )


def _colour_map(name: str) -> "Colormap":
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps[name](np.linspace(0.0, SHARE_OF_MAP, 256)))
