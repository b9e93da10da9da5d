"""The records of NASA PCoE cells as converted on Kaggle: `metadata.csv` and a CSV a record.

The table has a row for every record of every cell; the files lie in `data/` beside it.
"""

import csv
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import FloatArray
from data_prep.sources.cycler.tables import read_columns
from data_prep.sources.nasa.records import CHARGE, CHARGE_FIELDS, DISCHARGE, NasaRecord

METADATA = "metadata.csv"
COLUMNS = ("type", "battery_id", "test_id", "filename", "Capacity")
EMPTY = ("", "[]")  # the conversion writes MATLAB's empty array as text

WAY_OUT = "Download the data set again, or correct the line."


class Row(NamedTuple):
    """A record of a cell as the table has it.

    Args:
        test_id: Its place among all records of the cell, 0 for the first.
        kind: "charge", "discharge" or "impedance".
        path: Where its curves should lie.
        capacity_ah: Of a discharge; NaN where the table has none.
    """

    test_id: int
    kind: str
    path: Path
    capacity_ah: float


def is_metadata(path: Path) -> bool:
    """Whether a file is the table of this layout, by its header alone."""
    if path.name.lower() != METADATA or not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline(10_000)]), [])
    except (OSError, ValueError, csv.Error):
        return False
    return {"battery_id", "filename"} <= {name.strip() for name in header}


def read_metadata(path: Path) -> dict[str, tuple[Row, ...]]:
    """The records by cell, cells in the order of their names, records in that of the tests.

    Raises:
        SourceError: A table that is damaged or lacks a column, a value that no record has, or
            one file in two rows; names the line.
    """
    cells: dict[str, list[Row]] = {}
    lines: dict[str, int] = {}
    for line, values in _lines(path):
        where = f"{path}, line {line}"
        name = values["filename"]
        if name in lines:
            raise SourceError(f"{where}: {name} is also in line {lines[name]}. {WAY_OUT}")
        lines[name] = line
        cells.setdefault(values["battery_id"], []).append(_row(path, values, where))
    return {
        cell_id: tuple(sorted(rows, key=lambda row: row.test_id))
        for cell_id, rows in sorted(cells.items())
    }


def records_of(rows: tuple[Row, ...]) -> list[NasaRecord]:
    """The records of a cell; a charge whose file is not there has no curves."""
    return [
        NasaRecord(
            row.kind,
            row.capacity_ah,
            partial(_curves, row.path) if row.kind == CHARGE and row.path.is_file() else None,
        )
        for row in rows
    ]


def notes_of(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """What is to be said of a cell: charges without a file, records that the table lacks."""
    charges = [row for row in rows if row.kind == CHARGE]
    absent = [number for number, row in enumerate(charges, start=1) if not row.path.is_file()]
    notes = []
    if absent:
        named = ", ".join(map(str, absent[:5])) + (" ..." if absent[5:] else "")
        notes.append(
            f"{len(absent)} of {len(charges)} charges in {METADATA} have no file: cycles {named}"
        )
    if max(row.test_id for row in rows) >= len(rows):
        notes.append(
            f"{METADATA} lacks records of the cell: its cycles count the charges that are there"
        )
    return tuple(notes)


def _lines(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """Line number and values of every row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", skipinitialspace=True)
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as a comma-separated table ({error}). Download it again."
        ) from None
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing or not lines:
        found = ", ".join(reader.fieldnames or ()) or "nothing"
        problem = f"the column {missing[0]}, found {found}" if missing else "rows under its header"
        raise SourceError(f"{path}: expected {problem}. Download it again.")
    for line in [line for line, row in lines if None in row]:
        raise SourceError(f"{path}, line {line}: has more values than the header. {WAY_OUT}")
    return [(line, {name: row[name].strip() for name in COLUMNS}) for line, row in lines]


def _row(path: Path, values: Mapping[str, str], where: str) -> Row:
    name, test_id, capacity = values["filename"], values["test_id"], values["Capacity"]
    if not values["battery_id"] or not name or Path(name).name != name:
        raise SourceError(
            f"{where}: expected a `battery_id` and the plain name of a file. Received: "
            f"battery_id={values['battery_id'][:40]!r}, filename={name[:40]!r}. {WAY_OUT}"
        )
    if not test_id.isdecimal() or len(test_id) > 9:
        raise SourceError(
            f"{where}: `test_id` must be a whole number. Received: {test_id[:40]!r}. {WAY_OUT}"
        )
    capacity_ah = math.nan
    if values["type"] == DISCHARGE and capacity not in EMPTY:
        try:
            capacity_ah = float(capacity)
        except ValueError:
            raise SourceError(
                f"{where}: `Capacity` must be a number. Received: {capacity[:40]!r}. {WAY_OUT}"
            ) from None
    return Row(int(test_id), values["type"], path.parent / "data" / name, capacity_ah)


def _curves(path: Path) -> dict[str, FloatArray]:
    if _has_header_alone(path):
        return {name: np.zeros(0) for name in CHARGE_FIELDS}
    columns = read_columns(path, list(CHARGE_FIELDS.values()))
    return {name: columns[field] for name, field in CHARGE_FIELDS.items()}


def _has_header_alone(path: Path) -> bool:
    """A record without samples, as MATLAB's files have some."""
    try:
        with path.open("rb") as file:
            header, rest = file.readline(), file.read(2)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Copy it again.") from None
    return bool(header.strip()) and not rest.strip()
