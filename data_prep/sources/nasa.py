"""NASA PCoE cells, one `B00xx.mat` (MATLAB v5) each: the k-th charge of a file is cycle k."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell, FloatArray
from data_prep.sources.base import CellPlace, SourceOptions, list_files

# The data set's own description: 2 Ah cells, charged at 1.5 A to 4.2 V.
NOMINAL_CAPACITY_AH = 2.0
MAX_VOLTAGE_V = 4.2

# Our name of a quantity to its field in a charge; the current is still in A.
CHARGE_FIELDS = {
    "time_s": "Time",
    "voltage_v": "Voltage_measured",
    "current_a": "Current_measured",
    "temperature_degc": "Temperature_measured",
}

WAY_OUT = "Download the file again from the NASA PCoE repository, or take it out of --input."

Record = dict[str, Any]


def find_files(location: Path) -> list[Path]:
    """The `.mat` files at a folder or file, sorted.

    Raises:
        SourceError: Nothing there, or no `.mat` file.
    """
    return list_files(location, (".mat",), "NASA .mat files")


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """One cell a file, in the order of the files."""
    del options
    for path in files:
        yield CellPlace(path.stem, path)


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell of a file; charges without measured capacity.

    A cell's `discharge_capacity_ah` of cycle k is that of the first discharge between its
    charges k and k + 1. Samples come as they were recorded, NaN and outliers included.

    Args:
        place: From `list_cells`.
        options: Its nominal capacity replaces the 2 Ah of these cells.

    Raises:
        SourceError: A file that is not MATLAB v5, is damaged, or lacks the fields of a cell;
            names the file and the cycle.
    """
    return _read_cell(place.path, options.nominal_capacity_ah or NOMINAL_CAPACITY_AH)


def _read_cell(path: Path, nominal_capacity_ah: float) -> Cell | DroppedCell:
    records = _load_records(path)
    num_charges = len(_charges(records))
    if num_charges == 0:
        detail = f"none of its {len(records)} records is a charge"
        return DroppedCell(path.stem, path.name, reason="no_charges", detail=detail)
    return Cell(
        cell_id=path.stem,
        source_file=path.name,
        nominal_capacity_ah=nominal_capacity_ah,
        last_cycle=num_charges,
        # The file is read again for the curves, so that a list of cells does not hold them all.
        read_cycles=partial(_read_cycles, path, nominal_capacity_ah),
        max_voltage_v=MAX_VOLTAGE_V,
        discharge_capacity_ah=_discharge_capacities_ah(path, records),
    )


def _load_records(path: Path) -> list[Record]:
    """The file's array `cycle`: charges, discharges and impedance measurements in order."""
    from scipy.io import loadmat

    try:
        variables = loadmat(path, simplify_cells=True)
    except NotImplementedError:
        raise SourceError(
            f"{path}: is a MATLAB v7.3 (HDF5) file, expected MATLAB v5 as NASA publishes it. "
            f"If it is a MATR batch, give --source matr."
        ) from None
    except Exception as error:
        # Damage surfaces in scipy as any of a dozen exception classes, zlib's among them.
        raise SourceError(
            f"{path}: cannot be read as a MATLAB v5 file ({_first_line(error)}). {WAY_OUT}"
        ) from None
    return _cycle_records(path, variables)


def _cycle_records(path: Path, variables: dict[str, Any]) -> list[Record]:
    cells = [v for v in variables.values() if isinstance(v, dict) and "cycle" in v]
    if not cells:
        names = ", ".join(name for name in variables if not name.startswith("__")) or "nothing"
        raise SourceError(
            f"{path}: expected a struct with the field `cycle`, found {names}. {WAY_OUT}"
        )
    cycle = cells[0]["cycle"]
    records = [cycle] if isinstance(cycle, dict) else list(np.atleast_1d(cycle))
    for index, record in enumerate(records, start=1):
        if not isinstance(record, dict) or "type" not in record:
            raise SourceError(
                f"{path}: record {index} of `cycle` is no struct with the field `type`. {WAY_OUT}"
            )
    return records


def _charges(records: list[Record]) -> list[Record]:
    return [record for record in records if record["type"] == "charge"]


def _discharge_capacities_ah(path: Path, records: list[Record]) -> dict[int, float]:
    capacities: dict[int, float] = {}
    number = 0
    for record in records:
        if record["type"] == "charge":
            number += 1
        elif record["type"] == "discharge" and number > 0 and number not in capacities:
            capacities[number] = _capacity_ah(record, f"{path}, discharge after charge {number}")
    return {number: value for number, value in capacities.items() if math.isfinite(value)}


def _capacity_ah(discharge: Record, where: str) -> float:
    """NaN where the file has none."""
    if "Capacity" not in _data(discharge):
        return math.nan
    values = _numbers(discharge, "Capacity", where)
    if values.size > 1:
        raise SourceError(f"{where}: `Capacity` has {values.size} values, expected 1. {WAY_OUT}")
    return float(values[0]) if values.size else math.nan


def _read_cycles(path: Path, nominal_capacity_ah: float, last: int) -> Iterator[Cycle]:
    for number, charge in enumerate(_charges(_load_records(path))[:last], start=1):
        where = f"{path}, charge {number}"
        curves = {name: _numbers(charge, field, where) for name, field in CHARGE_FIELDS.items()}
        sizes = {CHARGE_FIELDS[name]: values.size for name, values in curves.items()}
        if len(set(sizes.values())) > 1:
            raise SourceError(f"{where}: expected equally many points, found {sizes}. {WAY_OUT}")
        current_c_rate = curves.pop("current_a") / nominal_capacity_ah
        yield Cycle(number=number, current_c_rate=current_c_rate, **curves)


def _numbers(record: Record, field: str, where: str) -> FloatArray:
    """A field of a record as float64, shape `(points,)`; empty where the file has `[]`."""
    data = _data(record)
    if field not in data:
        found = ", ".join(data) or "nothing"
        raise SourceError(f"{where}: expected the field `{field}`, found {found}. {WAY_OUT}")
    values = np.ravel(data[field])
    if values.size and values.dtype.kind not in "iuf":
        raise SourceError(f"{where}: `{field}` must be real numbers. {WAY_OUT}")
    return values.astype(np.float64)


def _data(record: Record) -> Record:
    data = record.get("data")
    return data if isinstance(data, dict) else {}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
