"""Battery Data Format, `.bdf.csv` and `.bdf.parquet`: one cell a file, facts in files beside it."""

import csv
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell, FloatArray
from data_prep.sources.base import SourceOptions, list_files

SUFFIXES = (".bdf.csv", ".bdf.parquet")


@dataclass(frozen=True)
class Column:
    """A quantity in the table: the labels it may have, the first present is read."""

    labels: tuple[str, ...]
    required: bool = True


# Preferred label, then machine name, of the BDF ontology; the current is positive on charge.
COLUMNS = {
    "cycle": Column(("Cycle Count / 1", "cycle_count")),
    "time_s": Column(("Test Time / s", "test_time_second")),
    "voltage_v": Column(("Voltage / V", "voltage_volt")),
    "current_a": Column(("Current / A", "current_ampere")),
    "temperature_degc": Column(
        (
            "Surface Temperature / degC",
            "surface_temperature_celsius",
            "Temperature T1 / degC",
            "temperature_t1_celsius",
        ),
        required=False,
    ),
    "charge_capacity_ah": Column(
        ("Cycle Charging Capacity / Ah", "cycle_charging_capacity_ah"), required=False
    ),
}


@dataclass(frozen=True)
class CellFacts:
    """A row of `cells.csv`; None where it is empty."""

    eol_cycles: int | None = None
    nominal_capacity_ah: float | None = None
    max_voltage_v: float | None = None
    charge_policy: str | None = None


# What a number in the files beside the measurements must be, and the test for it.
RULES: dict[str, Callable[[float], bool]] = {
    "a number": lambda value: True,
    "a number above 0": lambda value: 0 < value < math.inf,
    "a whole number of 1 or more": lambda value: value >= 1 and value.is_integer(),
}


def find_files(location: Path) -> list[Path]:
    """The `.bdf.csv` and `.bdf.parquet` files at a folder or file, sorted.

    Raises:
        SourceError: Nothing there, or no such file.
    """
    return list_files(location, SUFFIXES, "BDF files")


def read_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[Cell | DroppedCell]:
    """One cell a file, in the order of the files; its id is the name without the suffix.

    Args:
        files: From `find_files`. Beside each, `cells.csv` may give end of life, nominal
            capacity, voltage limit and policy, `<cell_id>.capacity.csv` discharge capacities.
        options: Its nominal capacity goes before that of `cells.csv`.

    Raises:
        SourceError: A file that is damaged, lacks a column or has text for a number, two files
            for one cell, or no nominal capacity; names the file and the row or column.
    """
    _refuse_twins(files)
    facts = {folder: _read_facts(folder / "cells.csv") for folder in {p.parent for p in files}}
    for path in files:
        yield _read_cell(path, facts[path.parent].get(_cell_id(path), CellFacts()), options)


def _cell_id(path: Path) -> str:
    suffix = next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
    return path.name[: -len(suffix)]


def _refuse_twins(files: Sequence[Path]) -> None:
    first_file: dict[str, Path] = {}
    for path in files:
        twin = first_file.setdefault(_cell_id(path), path)
        if twin is not path:
            raise SourceError(
                f"{path}: cell {_cell_id(path)} is also in {twin.name}. Keep one of the two."
            )


def _read_cell(path: Path, facts: CellFacts, options: SourceOptions) -> Cell:
    cell_id = _cell_id(path)
    nominal_capacity_ah = options.nominal_capacity_ah or facts.nominal_capacity_ah
    if nominal_capacity_ah is None:
        raise SourceError(
            f"{path}: the nominal capacity of cell {cell_id} is unknown. Give "
            f"--nominal-capacity-ah, or `nominal_capacity_ah` in a cells.csv beside the file."
        )
    cycle_numbers = _read_table(path, ("cycle",))["cycle"]
    _check_cycle_numbers(path, cycle_numbers)
    return Cell(
        cell_id=cell_id,
        source_file=path.name,
        nominal_capacity_ah=nominal_capacity_ah,
        last_cycle=int(cycle_numbers.max()),
        read_cycles=partial(_read_cycles, path, nominal_capacity_ah),
        max_voltage_v=facts.max_voltage_v,
        charge_policy=facts.charge_policy,
        eol_cycles=facts.eol_cycles,
        discharge_capacity_ah=_read_capacities_ah(path.with_name(f"{cell_id}.capacity.csv")),
    )


def _read_cycles(path: Path, nominal_capacity_ah: float, last: int) -> Iterator[Cycle]:
    table = _read_table(path, tuple(COLUMNS))
    cycle_numbers = table.pop("cycle")
    current_c_rate = table.pop("current_a") / nominal_capacity_ah
    # A stable order keeps the rows of a cycle as the file has them.
    order = np.argsort(cycle_numbers, kind="stable")
    numbers, starts = np.unique(cycle_numbers[order], return_index=True)
    for number, rows in zip(numbers, np.split(order, starts[1:]), strict=True):
        if number > last:
            return
        curves = {name: values[rows] for name, values in table.items()}
        yield Cycle(number=int(number), current_c_rate=current_c_rate[rows], **curves)


def _check_cycle_numbers(path: Path, values: FloatArray) -> None:
    whole = np.isfinite(values) & (values == np.floor(values))
    bad_rows = np.flatnonzero(~(whole & (values >= 1)))
    if bad_rows.size:
        row = bad_rows[0]
        raise SourceError(
            f"{path}, data row {row + 1}: the cycle count must be a whole number of 1 or more. "
            f"Received: {values[row]:g}. Number the cycles from 1 or take the row out."
        )


def _read_table(path: Path, quantities: Sequence[str]) -> dict[str, FloatArray]:
    """The quantities that the file has, of shape `(rows,)` each; required ones always."""
    is_parquet = path.name.lower().endswith(".parquet")
    try:
        columns = (_parquet_columns if is_parquet else _csv_columns)(path, quantities)
    except (OSError, ValueError, NotImplementedError, Warning) as error:
        # The errors of pandas and pyarrow about damaged files derive from these.
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        kind = "Parquet" if is_parquet else "comma-separated"
        raise SourceError(
            f"{path}: cannot be read as a {kind} table ({cause}). Write or copy the file again."
        ) from None
    if any(len(column) == 0 for column in columns.values()):
        raise SourceError(f"{path}: has no rows under its header. Take the file out of --input.")
    return {name: _numbers(path, column) for name, column in columns.items()}


def _parquet_columns(path: Path, quantities: Sequence[str]) -> dict[str, Any]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        labels = _labels(path, file.schema_arrow.names, quantities)
        frame = file.read(columns=list(labels.values())).to_pandas(ignore_metadata=True)
    return {name: frame[label] for name, label in labels.items()}


def _csv_columns(path: Path, quantities: Sequence[str]) -> dict[str, Any]:
    import pandas as pd

    with warnings.catch_warnings():
        # The warning says that rows are longer than the header: their values may be shifted.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Read whole: in pieces, pandas guesses a type for each and warns where they differ.
        options = {"encoding": "utf-8-sig", "skipinitialspace": True, "low_memory": False}
        frame = pd.read_csv(path, index_col=False, **options)
    labels = _labels(path, list(frame.columns), quantities)
    return {name: frame[label] for name, label in labels.items()}


def _labels(path: Path, column_names: list[str], quantities: Sequence[str]) -> dict[str, str]:
    """The label in this file of each of the quantities that it has."""
    labels = {}
    for quantity, column in COLUMNS.items():
        present = [label for label in column.labels if label in column_names]
        if present:
            labels[quantity] = present[0]
        elif column.required:
            raise SourceError(
                f"{path}: expected the column {' or '.join(column.labels)}, "
                f"found {', '.join(column_names)}. Rename the column as the format has it."
            )
    return {name: label for name, label in labels.items() if name in quantities}


def _numbers(path: Path, column: Any) -> FloatArray:
    import pandas as pd

    if column.dtype.kind in "iuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column.astype("str"), errors="coerce").to_numpy(dtype=np.float64)
    text_rows = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if text_rows.size:
        row = text_rows[0]
        raise SourceError(
            f"{path}, data row {row + 1}: `{column.name}` must be a number. "
            f"Received: {str(column.iloc[row])!r}. Correct the row or take it out."
        )
    return numbers


def _read_facts(path: Path) -> dict[str, CellFacts]:
    facts: dict[str, CellFacts] = {}
    for line, row in _read_rows(path, ("cell_id",)):
        cell_id = row["cell_id"]
        where = f"{path}, line {line}, cell {cell_id!r}"
        if not cell_id or cell_id in facts:
            problem = "is there twice" if cell_id else "has no `cell_id`"
            raise SourceError(f"{where}: {problem}. Each row needs a `cell_id` of its own.")
        eol_cycles = _optional_number(row, "eol_cycles", "a whole number of 1 or more", where)
        facts[cell_id] = CellFacts(
            None if eol_cycles is None else int(eol_cycles),
            _optional_number(row, "nominal_capacity_ah", "a number above 0", where),
            _optional_number(row, "max_voltage_v", "a number above 0", where),
            row.get("charge_policy") or None,
        )
    return facts


def _read_capacities_ah(path: Path) -> dict[int, float]:
    capacities: dict[int, float] = {}
    for line, row in _read_rows(path, ("cycle", "discharge_capacity_ah")):
        where = f"{path}, line {line}"
        cycle = _optional_number(row, "cycle", "a whole number of 1 or more", where)
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
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as a comma-separated table ({error}). Write the file again."
        ) from None
    names = reader.fieldnames or ["nothing"]
    for name in [name for name in required if name not in names]:
        raise SourceError(f"{path}: expected the column {name}, found {', '.join(names)}. Add it.")
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
