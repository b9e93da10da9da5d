"""Data sets of our own format, measured or generated: read again, such as to split them anew.

A charge in them was cut and put on a grid before, and comes as it is. The card names the cells
and their facts; the records of a cell lie anywhere in the shards, so that all are looked through
once for their labels.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.dataset_card import CARD_NAME, DatasetCard, read_card, sha256
from data_prep.errors import DatasetError, SourceError
from data_prep.records import GENERATED, PREPARED, SIGNALS, Cell, Cycle, DroppedCell
from data_prep.shards import PARSED_AT_ONCE, curves_of, labels_of
from data_prep.sources.base import (
    CellPlace,
    SourceOptions,
    as_asked,
    numbers_on_record,
    refuse_temperature_column,
    unreadable,
)
from data_prep.sources.tfrecord.framing import Span, read_all, read_spans

LABELS_AT_ONCE = 1024


class Records(NamedTuple):
    """The records of a cell, a row each: in which file, where there, and of which cycle.

    Args:
        rows: Number of the shard, offset, length, EOL and ECL; shape `(charges, 5)`, ECL ascending.
        shards: Of the data set, in the order of their numbers.
        facts: Of the cell, as the card has them.
    """

    rows: NDArray[np.int64]
    shards: tuple[Path, ...]
    facts: dict[str, Any]


def find_files(location: Path) -> list[Path]:
    """Card and shards of the data set at a folder, or at its card.

    Raises:
        SourceError: No data set there, or one with a damaged card.
    """
    directory = location.parent if location.name == CARD_NAME else location
    if not (directory / CARD_NAME).is_file():
        raise SourceError(
            f"{location}: holds no data set ({CARD_NAME} is missing). Give --input the folder of "
            f"a data set that was prepared or generated, or choose another --source."
        )
    card = _card(directory / CARD_NAME)
    return [directory / CARD_NAME, *(directory / entry["name"] for entry in _entries(card))]


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """Cells in the order of the card.

    Raises:
        SourceError: A temperature is asked for by its name, or the data set has no elapsed time.
    """
    refuse_temperature_column(options, "data sets")
    path, *shards = files
    card = _card(path)
    if "elapsed_time_s" not in card.signals_present:
        raise SourceError(f"{path}: the data set has no elapsed time, without which none is made.")
    rows: dict[str, list[NDArray[np.int64]]] = {}
    for number, (entry, shard) in enumerate(zip(_entries(card), shards, strict=True)):
        try:
            for cell_id, found in _rows_by_cell(shard, number, entry):
                rows.setdefault(cell_id, []).append(found)
        except SourceError as error:
            yield unreadable(shard, error)
    for cell_id, facts in card.cells.items():
        if cell_id in rows:
            of_cell = np.concatenate(rows.pop(cell_id))
            of_cell = of_cell[np.argsort(of_cell[:, -1], kind="stable")]
            yield CellPlace(cell_id, path, Records(of_cell, tuple(shards), facts))
    if rows:
        raise SourceError(f"{path}: the shards hold cell {next(iter(rows))}, the card does not.")


def side_files(files: Sequence[Path]) -> list[Path]:
    """None: all is in the card and the shards."""
    del files
    return []


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell at a place; its charges are prepared ones, or generated where the card says so.

    Raises:
        SourceError: A cycle is there twice, or the cell has several ends of life.
    """
    records: Records = place.key
    card = _card(place.path)
    facts, numbers = records.facts, records.rows[:, -1].tolist()
    lives = set(records.rows[:, -2].tolist())
    if len(lives) > 1 or len(set(numbers)) < len(numbers):
        problem = "a cycle twice" if len(lives) == 1 else f"{len(lives)} ends of life"
        raise SourceError(f"{place.path}: cell {place.cell_id} has {problem}. Make the set anew.")
    cell = Cell(
        cell_id=place.cell_id,
        source_file=place.path.name,
        nominal_capacity_ah=options.nominal_capacity_ah or facts["nominal_capacity_ah"],
        last_cycle=numbers[-1],
        read_cycles=partial(_read_cycles, records, card),
        max_voltage_v=facts["max_voltage_v"],
        charge_policy=facts["charge_policy"],
        eol_cycles=lives.pop(),
        cycle_numbers=numbers_on_record(numbers, numbers[-1]),
        origin=GENERATED if facts.get("synthetic") else PREPARED,
    )
    return as_asked(cell, options)


def _card(path: Path) -> DatasetCard:
    try:
        return read_card(path.parent)
    except DatasetError as error:
        raise SourceError(str(error)) from error


def _entries(card: DatasetCard) -> list[dict[str, Any]]:
    return [entry for entries in card.shards.values() for entry in entries]


def _rows_by_cell(
    shard: Path, number: int, entry: dict[str, Any]
) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """What `Records.rows` has of a shard, by cell; a cell may come several times."""
    try:
        digest = sha256(shard)
    except OSError as error:
        raise SourceError(f"{shard}: cannot be read ({error.strerror}). Copy it again.") from error
    if digest != entry["sha256"]:
        raise SourceError(
            f"{shard}: the shard is damaged, or of another data set: its SHA-256 is not that of "
            f"the card. Copy it again."
        )
    for spans, records in read_all(shard, LABELS_AT_ONCE):
        try:
            labels = labels_of(records)
        except DatasetError as error:
            raise SourceError(f"{shard}: {error}. Copy it again.") from error
        places = np.array(spans, np.int64).reshape(-1, 2)
        rows = np.column_stack([np.full(len(places), number), places, labels["eol"], labels["ecl"]])
        names, member = np.unique(labels["cell_id"].astype(np.bytes_), return_inverse=True)
        for index, name in enumerate(names.tolist()):
            yield name.decode(), rows[member == index]


def _read_cycles(records: Records, card: DatasetCard, last: int) -> Iterator[Cycle]:
    wanted = records.rows[records.rows[:, -1] <= last]
    for start in range(0, len(wanted), PARSED_AT_ONCE):
        rows = wanted[start : start + PARSED_AT_ONCE]
        data = [
            read_spans(records.shards[shard], [Span(offset, length)])[0]
            for shard, offset, length, *_ in rows.tolist()
        ]
        try:
            curves = curves_of(data, card.height, card.width)
        except DatasetError as error:
            raise SourceError(f"{records.shards[0].parent}: {error}. Make it anew.") from error
        for ecl, values in zip(rows[:, -1].tolist(), curves, strict=True):
            yield _cycle(ecl, dict(zip(SIGNALS, values, strict=True)), card)


def _cycle(number: int, series: dict[str, NDArray[Any]], card: DatasetCard) -> Cycle:
    """A cycle, its time in full: points lie equally far apart, of which float32 keeps seven digits.

    With it the points stay where they are on a grid of as many.
    """
    duration_s = float(series["elapsed_time_s"][-1])
    measured = "temperature_degc" in card.signals_present
    return Cycle(
        number=number,
        time_s=np.linspace(0.0, duration_s, card.num_points),
        voltage_v=series["voltage_v"],
        current_c_rate=series["current_c_rate"],
        temperature_degc=series["temperature_degc"] if measured else None,
        charge_capacity_ah=series["charge_capacity_ah"],
    )
