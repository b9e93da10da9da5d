"""Pictures of a prepared data set: fade of the cells, charges of one cell, what cleaning left.

Plain numbers in, PNG files out; written at the width of a page of text.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.records import SIGNALS, FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

WIDTH_INCH = 8.0
DOTS_PER_INCH = 120
FADE, CHARGES, CYCLES = "capacity_fade.png", "charges.png", "cycles.png"

LIVES = "viridis"  # dark for short lives
AGES = "plasma"  # dark for early cycles
MOST_CURVES = 100  # more lie over one another
# Rows of the map of cycles: of cells with room for their names, and of more cells than that.
NAMED_CELLS = 40
ROW_INCH, THIN_ROW_INCH = 0.2, 0.05

KEPT, DROPPED = "kept", "cell_dropped"
ROW_COLOURS = {KEPT: "#b5d8b0", DROPPED: "#cccccc"}
# Told apart on green and by most of those who do not see red against green.
REASON_COLOURS = (
    *("#b2182b", "#2166ac", "#000000", "#e08214", "#762a83"),
    *("#01665e", "#c51b7d", "#8c510a", "#35978f", "#542788"),
)
SMALLEST_MARK_POINTS = 4.0

# Of the nominal capacity; a discharge of less was broken off and says nothing of the cell's state.
LEAST_CAPACITY_SHARE = 0.05

AXIS_LABELS = {"voltage_v": "voltage / V", "temperature_degc": "temperature / °C"}


@dataclass(frozen=True)
class CellPicture:
    """What the pictures show of a cell.

    Args:
        cell_id: Its name.
        nominal_capacity_ah: 1 C in A.
        eol: End of life in cycles; None where the cell was dropped without one.
        discharge_capacity_ah: By cycle number; empty where it was not measured.
        charged_capacity_ah: By the number of a kept cycle.
        rejected: Reason by the number of a cycle that was not kept.
    """

    cell_id: str
    nominal_capacity_ah: float
    eol: int | None
    discharge_capacity_ah: Mapping[int, float] = field(default_factory=dict)
    charged_capacity_ah: Mapping[int, float] = field(default_factory=dict)
    rejected: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CellCurves:
    """The charges of one cell.

    Args:
        cell_id: Its name.
        cycles: Their numbers, ascending.
        curves: Shape `(len(cycles), len(SIGNALS), points)`, physical units.
        has_temperature: Whether it was measured.
    """

    cell_id: str
    cycles: Sequence[int]
    curves: FloatArray
    has_temperature: bool


def draw(
    directory: Path, cells: Sequence[CellPicture], charges: CellCurves, eol_threshold: float
) -> list[Path]:
    """Draws all pictures into a folder, which is made, and names the files.

    Args:
        directory: Pictures in it are written over.
        cells: At least one.
        charges: Of the cell whose charges are shown.
        eol_threshold: Share of the nominal capacity at which a cell has reached its end of life.
    """
    directory.mkdir(parents=True, exist_ok=True)
    figures = {
        FADE: fade_figure(cells, eol_threshold),
        CHARGES: charges_figure(charges),
        CYCLES: cycles_figure(cells),
    }
    for name, figure in figures.items():
        # Without a note of the version the same pictures have the same bytes.
        figure.savefig(directory / name, dpi=DOTS_PER_INCH, metadata={"Software": None})
    return [directory / name for name in figures]


def fade_figure(cells: Sequence[CellPicture], eol_threshold: float) -> "Figure":
    """Capacity of every cell over its cycles, coloured by its end of life.

    The discharge capacity where it is known, else the charged one; as a share of the nominal
    capacity where the cells have several. Cells without end of life are grey.

    As in the paper's Fig. 2a.
    """
    nominal_ah = {cell.nominal_capacity_ah for cell in cells}
    as_share = len(nominal_ah) > 1
    lives = [cell.eol for cell in cells if cell.eol is not None]
    figure, (axis,) = _figure_with_axes(1, 4.0)
    colours = _colours(LIVES, lives or [0])
    for cell in cells:
        cycles, capacities = _capacities(cell, as_share)
        colour = "0.7" if cell.eol is None else _colour(colours, cell.eol)
        behind = 1 if cell.eol is None else 2
        axis.plot(cycles, capacities, color=colour, linewidth=0.9, zorder=behind)
    threshold = eol_threshold * (1.0 if as_share else min(nominal_ah))
    axis.axhline(threshold, color="black", linestyle="--", linewidth=0.9)
    axis.text(0.01, threshold, "end of life", transform=axis.get_yaxis_transform(), va="bottom")
    shown = np.concatenate([_capacities(cell, as_share)[1] for cell in cells])
    axis.set_ylim(*_limits(shown, threshold))
    _name_cycles(axis)
    axis.set_ylabel(f"{_capacity_name(cells)} / {'nominal' if as_share else 'Ah'}")
    if lives:
        figure.colorbar(colours, ax=axis, label="end of life / cycles")
    return figure


def charges_figure(charges: CellCurves) -> "Figure":
    """Voltage and temperature of one cell's charges over time, coloured by the cycle number.

    As in the paper's Figs. 2b and 2c.
    """
    names = ["voltage_v", *(["temperature_degc"] if charges.has_temperature else [])]
    figure, axes = _figure_with_axes(len(names), 3.4)
    colours = _colours(AGES, charges.cycles)
    shown = np.unique(np.linspace(0, len(charges.cycles) - 1, MOST_CURVES).round().astype(int))
    minutes = charges.curves[:, SIGNALS.index("elapsed_time_s")] / 60
    for axis, name in zip(axes, names, strict=True):
        values = charges.curves[:, SIGNALS.index(name)]
        for row in shown:
            colour = _colour(colours, charges.cycles[row])
            axis.plot(minutes[row], values[row], color=colour, linewidth=0.6)
        axis.set_xlabel("time / min")
        axis.set_ylabel(AXIS_LABELS[name])
    title = f"{drawable(charges.cell_id)}, cycles {charges.cycles[0]} to {charges.cycles[-1]}"
    figure.suptitle(title, fontsize=10)
    figure.colorbar(colours, ax=axes, label="cycle")
    return figure


def cycles_figure(cells: Sequence[CellPicture]) -> "Figure":
    """A row for each cell: its cycles kept, and a mark in the colour of the rule for each other."""
    named = len(cells) <= NAMED_CELLS
    row_inch = ROW_INCH if named else THIN_ROW_INCH
    figure, (axis,) = _figure_with_axes(1, 1.2 + max(2, len(cells)) * row_inch)
    _draw_rows(axis, cells)
    _draw_marks(axis, cells, size=max(0.7 * 72 * row_inch, SMALLEST_MARK_POINTS))
    step = 1 if named else 10
    names = [drawable(cell.cell_id) for cell in cells]
    axis.set_yticks(range(0, len(cells), step), names[::step], fontsize=7)
    _name_cycles(axis)
    figure.legend(loc="outside upper left", ncols=3, fontsize=8, frameon=False)
    return figure


def drawable(text: str) -> str:
    """A text of the user as it can be drawn: no formula, a `?` where the font has no glyph."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    glyphs = get_font(findfont(FontProperties())).get_charmap()
    shown = "".join(c if c.isprintable() and ord(c) in glyphs else "?" for c in text)
    return shown.replace("$", r"\$")


def _draw_rows(axis: "Axes", cells: Sequence[CellPicture]) -> None:
    """The cycles kept, and those of dropped cells."""
    from matplotlib.colors import ListedColormap

    last = max((max([*c.charged_capacity_ah, *c.rejected], default=1) for c in cells), default=1)
    rows = np.zeros((len(cells), last), int)
    for row, cell in enumerate(cells):
        rows[row, [cycle - 1 for cycle in cell.charged_capacity_ah]] = 1
        gone = [cycle - 1 for cycle, reason in cell.rejected.items() if reason == DROPPED]
        rows[row, gone] = 2
    axis.imshow(
        rows,
        cmap=ListedColormap(["white", *ROW_COLOURS.values()]),
        vmin=0,
        vmax=len(ROW_COLOURS),
        aspect="auto",
        interpolation="nearest",
        extent=(0.5, last + 0.5, len(cells) - 0.5, -0.5),
    )
    for value, (name, colour) in enumerate(ROW_COLOURS.items(), start=1):
        if count := int(np.count_nonzero(rows == value)):
            axis.scatter([], [], marker="s", color=colour, label=f"{name} {count}")


def _draw_marks(axis: "Axes", cells: Sequence[CellPicture], size: float) -> None:
    """A mark for each rejected cycle, of one size: one bad cycle of a thousand is seen."""
    places: dict[str, list[tuple[int, int]]] = {}
    for row, cell in enumerate(cells):
        for cycle, reason in cell.rejected.items():
            if reason != DROPPED:
                places.setdefault(reason, []).append((cycle, row))
    frequent_first = sorted(places, key=lambda reason: -len(places[reason]))
    for reason, colour in zip(frequent_first, itertools.cycle(REASON_COLOURS), strict=False):
        cycles, rows = zip(*places[reason], strict=True)
        label = f"{reason} {len(cycles)}"
        axis.scatter(
            cycles, rows, marker="s", s=size**2, color=colour, linewidths=0, label=label, zorder=2
        )


def _capacities(cell: CellPicture, as_share: bool) -> tuple[list[int], FloatArray]:
    """Cycles, ascending, and the capacity in each."""
    capacity_ah = cell.discharge_capacity_ah or cell.charged_capacity_ah
    least_ah = LEAST_CAPACITY_SHARE * cell.nominal_capacity_ah
    cycles = sorted(cycle for cycle, value_ah in capacity_ah.items() if value_ah >= least_ah)
    unit_ah = cell.nominal_capacity_ah if as_share else 1.0
    return cycles, np.array([capacity_ah[cycle] for cycle in cycles]) / unit_ah


def _capacity_name(cells: Sequence[CellPicture]) -> str:
    shown = [cell for cell in cells if cell.discharge_capacity_ah or cell.charged_capacity_ah]
    known = [bool(cell.discharge_capacity_ah) for cell in shown]
    if all(known):
        return "discharge capacity"
    return "discharge or charged capacity" if any(known) else "charged capacity"


def _limits(capacities: FloatArray, threshold: float) -> tuple[float, float]:
    """Limits that a few broken values do not stretch."""
    low, high = np.percentile(capacities, [0.5, 99.5]) if capacities.size else (threshold,) * 2
    low, high = min(low, threshold), max(high, threshold)
    margin = 0.05 * max(high - low, 0.1 * threshold)
    return float(low - margin), float(high + margin)


def _colours(name: str, values: Sequence[int]) -> "ScalarMappable":
    """The colours of whole numbers, from the smallest to the largest of them."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low = min(values)
    return ScalarMappable(Normalize(low, max(*values, low + 1)), name)


def _colour(colours: "ScalarMappable", value: int) -> tuple[float, ...]:
    return tuple(colours.to_rgba(np.array([value]))[0])


def _name_cycles(axis: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_xlabel("cycle")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def _figure_with_axes(columns: int, height_inch: float) -> tuple["Figure", "list[Axes]"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCH, height_inch), layout="constrained")
    return figure, list(figure.subplots(1, columns, squeeze=False)[0])
