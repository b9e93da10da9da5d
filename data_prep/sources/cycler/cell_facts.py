"""Facts of cells in files beside the measurements: `cells.csv` and `<cell_id>.capacity.csv`."""

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.records import MOST_CYCLES
from data_prep.sources.cycler.tables import listed


@dataclass(frozen=True)
class CellFacts:
    """A row of `cells.csv`; None where it is empty.

    Args:
        eol_cycles: End of life.
        nominal_capacity_ah: 1 C in A.
        max_voltage_v: Upper limit of the charge.
        charge_policy: As text.
        generated: Whether the table beside holds charges that a model made, and nothing else.
    """

    eol_cycles: int | None = None
    nominal_capacity_ah: float | None = None
    max_voltage_v: float | None = None
    charge_policy: str | None = None
    generated: bool = False


CELLS = "cells.csv"
CAPACITIES = ".capacity.csv"

CYCLE_NUMBER = f"a whole number from 1 to {MOST_CYCLES}"
# What a number in the files beside the measurements must be, and the test for it.
RULES: dict[str, Callable[[float], bool]] = {
    "a number": lambda value: True,
    "a number above 0": lambda value: 0 < value < math.inf,
    # Millivolts would let every voltage pass.
    "a number of volts up to 10": lambda value: 0 < value <= 10,
    "1 or 0": lambda value: value in (0, 1),
    CYCLE_NUMBER: lambda value: 1 <= value <= MOST_CYCLES and value.is_integer(),
}


def read_cell_facts(folder: Path) -> dict[str, CellFacts]:
    """The rows of `cells.csv` in a folder by cell; none where there is no such file.

    Raises:
        SourceError: A damaged file, or a value that no cell has; names the line.
    """
    path = folder / CELLS
    facts: dict[str, CellFacts] = {}
    for line, row in _read_rows(path, ("cell_id",)):
        cell_id = row["cell_id"]
        where = f"{path}, line {line}, cell {cell_id!r}"
        if not cell_id or cell_id in facts:
            problem = "is there twice" if cell_id else "has no `cell_id`"
            raise SourceError(f"{where}: {problem}. Each row needs a `cell_id` of its own.")
        eol_cycles = _optional_number(row, "eol_cycles", CYCLE_NUMBER, where)
        facts[cell_id] = CellFacts(
            None if eol_cycles is None else int(eol_cycles),
            _optional_number(row, "nominal_capacity_ah", "a number above 0", where),
            _optional_number(row, "max_voltage_v", "a number of volts up to 10", where),
            row.get("charge_policy") or None,
            bool(_optional_number(row, "generated", "1 or 0", where)),
        )
    return facts


def read_capacities_ah(folder: Path, cell_id: str) -> dict[int, float]:
    """The discharge capacities of `<cell_id>.capacity.csv` by cycle; none without that file.

    Raises:
        SourceError: A damaged file, or a value that no cell has; names the line.
    """
    path = folder / f"{cell_id}{CAPACITIES}"
    capacities: dict[int, float] = {}
    for line, row in _read_rows(path, ("cycle", "discharge_capacity_ah")):
        where = f"{path}, line {line}"
        cycle = _optional_number(row, "cycle", CYCLE_NUMBER, where)
        if cycle is None or int(cycle) in capacities:
            problem = "`cycle` is empty" if cycle is None else f"cycle {cycle:g} is there twice"
            raise SourceError(f"{where}: {problem}. Each row needs a cycle of its own.")
        capacity_ah = _optional_number(row, "discharge_capacity_ah", "a number", where)
        capacities[int(cycle)] = math.nan if capacity_ah is None else capacity_ah
    return {cycle: value for cycle, value in capacities.items() if math.isfinite(value)}


def _read_rows(path: Path, required: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Line number and values, without outer blanks, of each row; none if there is no file."""
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", skipinitialspace=True)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as a comma-separated table ({error}). Write the file again."
        ) from None
    names = [name for name in reader.fieldnames if name]
    problems = [f"the column {name}" for name in required if name not in names]
    problems += [f"each column once, not {name} twice" for name in names if names.count(name) > 1]
    for problem in problems:
        raise SourceError(
            f"{path}: expected {problem}, found {listed(names)}. "
            f"Write the names in the first line, with commas between them."
        )
    for line in [line for line, row in rows if None in row]:
        raise SourceError(
            f"{path}, line {line}: has more values than the header has names. "
            f"Put quotation marks around a value that contains a comma."
        )
    return [(line, {name: value.strip() for name, value in row.items()}) for line, row in rows]


def _optional_number(row: dict[str, str], column: str, expected: str, where: str) -> float | None:
    """The number in a column, None where the column is missing or empty."""
    text = row.get(column, "")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is None or not RULES[expected](value):
        raise SourceError(
            f"{where}: `{column}` must be {expected}. Received: {column}={text}. "
            f"Correct it or leave it empty."
        )
    return value
