"""Numbers and series in the dicts of a pickle, checked as they are taken out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import FloatArray
from data_prep.sources.pickles.imports import PickledArray, shown

REQUIRED = {"time_s": "time_in_s", "voltage_v": "voltage_in_V", "current": "current_in_A"}
OPTIONAL = {"charge_capacity_ah": "charge_capacity_in_Ah", "temperature_degc": "temperature_in_C"}

HIGHEST = 1e6  # of a capacity, voltage or number of cycles; a number beyond is none of them

WAY_OUT = "Write the file again in the layout of BatteryML, or take it out of --input."

Record = Mapping[Any, Any]


def raw_cycle(path: Path, record: Record) -> dict[str, Any]:
    """The series of a cycle in the units of the file; optional ones are None where empty."""
    required = {name: series(path, record, field) for name, field in REQUIRED.items()}
    raw: dict[str, Any] = {
        name: np.zeros(0) if values is None else values for name, values in required.items()
    }
    return raw | {name: series(path, record, field) for name, field in OPTIONAL.items()}


def cycle_numbers(cycles: list[Record]) -> tuple[list[int], tuple[str, ...]]:
    """Numbers from 1 on, ascending, and what was decided about them."""
    numbers = [number for record in cycles if (number := _whole(record)) is not None]
    by_place = list(range(1, len(cycles) + 1))
    if len(numbers) < len(cycles):
        return by_place, ("cycles without `cycle_number`: numbered by their place",)
    if any(after <= before for before, after in zip(numbers, numbers[1:], strict=False)):
        return by_place, ("`cycle_number` does not ascend: cycles numbered by their place",)
    if numbers[0] == 0:
        return [n + 1 for n in numbers], ("`cycle_number` starts at 0: 1 is added to it",)
    return numbers, ()


def series(path: Path, record: Record, field: str) -> FloatArray | None:
    """A series as float64, NaN where it has None; None where there is no series.

    Raises:
        SourceError: Anything else than a row of numbers; names the cycle.
    """
    values = record.get(field)
    if isinstance(values, PickledArray):
        values = values.numbers()
    if values is None or (isinstance(values, list | tuple) and not values):
        return None
    where = f"{path}, cycle {shown(record.get('cycle_number'))}"
    if isinstance(values, list | tuple) and not set(map(type, values)) <= {
        *(int, float, bool, type(None))
    }:
        raise SourceError(f"{where}: `{field}` must hold numbers alone. {WAY_OUT}")
    try:
        numbers = np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError):
        numbers = np.zeros((0, 0))
    if numbers.ndim != 1:
        raise SourceError(f"{where}: `{field}` must be a series of numbers. {WAY_OUT}")
    return numbers if numbers.size else None


def positive(value: Any) -> float | None:
    """A number above 0, else None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < HIGHEST else None


def _whole(record: Record) -> int | None:
    """The number of a cycle; None where there is none, or one that no cycle has."""
    value = record.get("cycle_number")
    # A NaN compares false.
    if not isinstance(value, int | float) or not 0 <= value < HIGHEST:
        return None
    return int(value) if value == int(value) else None
