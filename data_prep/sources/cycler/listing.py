"""Cells of tables, one a file, and the files beside them that give facts of them."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.records import DroppedCell
from data_prep.sources.base import CellPlace, no_file, unreadable
from data_prep.sources.cycler.cell_facts import (
    CAPACITIES,
    CELLS,
    CellFacts,
    read_cell_facts,
)
from data_prep.sources.cycler.tables import listed

logger = logging.getLogger(__name__)


def cell_id_of(path: Path, endings: tuple[str, ...]) -> str:
    """A file's name without the longest of the endings that it has, whatever their case."""
    lengths = [len(ending) for ending in endings if path.name.lower().endswith(ending)]
    return path.name[: -max(lengths)] if lengths else path.name


def list_tables(
    files: Sequence[Path], endings: tuple[str, ...]
) -> Iterator[CellPlace | DroppedCell]:
    """One cell a file, in the order of the files; its key are the facts in `cells.csv`.

    Args:
        files: Tables.
        endings: Of the reader, in lower case.

    Raises:
        SourceError: A `cells.csv` that is damaged, or of which no row is of a cell beside it.
    """
    facts = {folder: _facts_in(folder, endings) for folder in sorted({p.parent for p in files})}
    for path in files:
        if error := no_file(path):
            yield unreadable(path, error)
            continue
        cell_id = cell_id_of(path, endings)
        yield CellPlace(cell_id, path, facts[path.parent].get(cell_id, CellFacts()))


def fact_files(files: Sequence[Path], endings: tuple[str, ...]) -> list[Path]:
    """`cells.csv` and the capacities of cells that lie beside their tables, sorted."""
    tables = {path.with_name(CELLS) for path in files}
    capacities = {path.with_name(cell_id_of(path, endings) + CAPACITIES) for path in files}
    return sorted(path for path in tables | capacities if path.is_file())


def _facts_in(folder: Path, endings: tuple[str, ...]) -> dict[str, CellFacts]:
    """The rows of `cells.csv` by cell; facts that are of no file in the folder are named."""
    facts = read_cell_facts(folder)
    names = sorted(path for path in folder.iterdir() if path.name.lower().endswith(endings))
    capacities = [path for path in names if path.name.endswith(CAPACITIES)]
    cells = {
        cell_id_of(path, endings): path
        for path in names
        if path not in capacities and path.name != CELLS
    }
    strangers = [cell_id for cell_id in facts if cell_id not in cells]
    if strangers and len(strangers) == len(facts):
        raise SourceError(
            f"{folder / CELLS}: no row is of a cell beside it: rows of {listed(facts)}, files of "
            f"{listed(cells)}. Write the name of the file without its ending as `cell_id`."
        )
    if strangers:
        logger.warning("%s: no file for %s", CELLS, listed(strangers))
    lone = [path for path in capacities if path.name.removesuffix(CAPACITIES) not in cells]
    if lone:
        logger.warning("no measurements for %s", listed(path.name for path in lone))
    return facts
