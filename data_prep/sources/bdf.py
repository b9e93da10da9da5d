"""Battery Data Format, `.bdf.csv` and `.bdf.parquet`: one cell a file, facts in files beside it."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell, FloatArray
from data_prep.sources.base import CellPlace, SourceOptions, list_files
from data_prep.sources.cell_facts import CellFacts, read_capacities_ah, read_cell_facts

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


def find_files(location: Path) -> list[Path]:
    """The `.bdf.csv` and `.bdf.parquet` files at a folder or file, sorted.

    Raises:
        SourceError: Nothing there, or no such file.
    """
    return list_files(location, SUFFIXES, "BDF files")


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """One cell a file, in the order of the files; its id is the name without the suffix.

    Args:
        files: From `find_files`. Beside each, `cells.csv` may give end of life, nominal
            capacity, voltage limit and policy.
        options: Not looked at.

    Raises:
        SourceError: A `cells.csv` that is damaged; names the line.
    """
    del options
    facts = {folder: read_cell_facts(folder) for folder in {path.parent for path in files}}
    for path in files:
        cell_id = _cell_id(path)
        yield CellPlace(cell_id, path, facts[path.parent].get(cell_id, CellFacts()))


def read_cell(place: CellPlace, options: SourceOptions) -> Cell:
    """The cell of a file; `<cell_id>.capacity.csv` beside it gives discharge capacities.

    Args:
        place: From `list_cells`.
        options: Its nominal capacity goes before that of `cells.csv`.

    Raises:
        SourceError: A file that is damaged, lacks a column or has text for a number, or no
            nominal capacity; names the file and the row or column.
    """
    return _read_cell(place.path, place.key, options)


def _cell_id(path: Path) -> str:
    suffix = next(suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix))
    return path.name[: -len(suffix)]


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
        discharge_capacity_ah=read_capacities_ah(path.parent, cell_id),
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
