"""What the figures of a data set show, taken from what came of its cells."""

from collections.abc import Iterator
from pathlib import Path

from data_prep.cell_work import KeptCell
from data_prep.cleaning.report import CELL_DROPPED, CleaningReport
from data_prep.dataset_card import FIGURES_FOLDER
from data_prep.figures import CellCurves, CellPicture, draw
from data_prep.gathering import Gathering
from data_prep.records import SIGNALS, DroppedCell, FloatArray

CAPACITY = SIGNALS.index("charge_capacity_ah")


def draw_pictures(
    directory: Path, gathering: Gathering, report: CleaningReport, eol_threshold: float
) -> None:
    """Draws a data set into a folder in its directory; the one cell shown has the most charges.

    Args:
        directory: Of the data set.
        gathering: At least one cell.
        report: Its dropped cells are shown as well.
        eol_threshold: Share of the nominal capacity.
    """
    number = max(gathering.cells, key=lambda number: len(gathering.cells[number].cycles))
    largest = gathering.cells[number]
    nominal_ah = largest.cell.nominal_capacity_ah
    cells = [
        *_kept_cells(gathering),
        *(_dropped_cell(cell, nominal_ah, report) for cell in report.dropped_cells),
    ]
    shown = CellCurves(
        cell_id=largest.cell.cell_id,
        cycles=largest.cycles,
        curves=gathering.spool.read(number),
        has_temperature=all(largest.has_temperature),
    )
    draw(directory / FIGURES_FOLDER, cells, shown, eol_threshold)


def _kept_cells(gathering: Gathering) -> Iterator[CellPicture]:
    for number, kept in gathering.cells.items():
        yield _kept_cell(kept, gathering.spool.read(number)[:, CAPACITY, -1])


def _kept_cell(kept: KeptCell, charged_ah: FloatArray) -> CellPicture:
    return CellPicture(
        cell_id=kept.cell.cell_id,
        nominal_capacity_ah=kept.cell.nominal_capacity_ah,
        eol=kept.eol,
        discharge_capacity_ah=kept.cell.discharge_capacity_ah,
        charged_capacity_ah=dict(zip(kept.cycles, map(float, charged_ah), strict=True)),
        rejected={number: why.reason for number, why in kept.rejected},
    )


def _dropped_cell(
    cell: DroppedCell, nominal_capacity_ah: float, report: CleaningReport
) -> CellPicture:
    """A row without kept cycles; what its capacity was is not known any more."""
    known = {n: why.reason for name, n, why in report.rejected_cycles if name == cell.cell_id}
    return CellPicture(
        cell_id=cell.cell_id,
        nominal_capacity_ah=nominal_capacity_ah,
        eol=None,
        rejected=known or {number: CELL_DROPPED for number in range(1, cell.num_cycles + 1)},
    )
