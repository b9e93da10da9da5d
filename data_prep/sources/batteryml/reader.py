"""BatteryML and BatteryLife: one cell a pickle, a dict of facts and of cycles in SI units.

The layout is that of `BatteryData.to_dict()`; BatteryLife adds life labels in files of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell, FloatArray
from data_prep.sources.base import CellPlace, SourceOptions, list_files
from data_prep.sources.batteryml.labels import LifeLabel, read_life_labels
from data_prep.sources.batteryml.matr_units import (
    MAX_VOLTAGE_V,
    Reading,
    is_matr,
    told_from_capacity,
)
from data_prep.sources.batteryml.protocol import policy_text
from data_prep.sources.pickles.imports import PickledArray, shown
from data_prep.sources.pickles.safe_pickle import load_plain

SUFFIXES = (".pkl", ".pickle")

REQUIRED = {"time_s": "time_in_s", "voltage_v": "voltage_in_V", "current": "current_in_A"}
OPTIONAL = {"charge_capacity_ah": "charge_capacity_in_Ah", "temperature_degc": "temperature_in_C"}

HIGHEST = 1e6  # of a capacity, voltage or number of cycles; a number beyond is none of them

WAY_OUT = "Write the file again in the layout of BatteryML, or take it out of --input."

Record = Mapping[Any, Any]


def find_files(location: Path) -> list[Path]:
    """The `.pkl` and `.pickle` files at a folder or file, sorted.

    Raises:
        SourceError: Nothing there, or no such file.
    """
    return list_files(location, SUFFIXES, "BatteryML or BatteryLife pickles")


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """One cell a file, in the order of the files, named as the file; no pickle is opened.

    Args:
        files: From `find_files`. Beside them, or in `Life labels` beside their folder,
            `*labels.json` may give lives.
        options: Not looked at.

    Raises:
        SourceError: Damaged labels; names the file.
    """
    del options
    labels = {folder: read_life_labels(folder) for folder in {path.parent for path in files}}
    for path in files:
        yield CellPlace(path.stem, path, labels[path.parent].get(path.name))


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell of a pickle; nothing in the file is ever run.

    A cell's `discharge_capacity_ah` of a cycle is the largest one within it. Temperatures that
    are 0 throughout are those of a channel that was not there.

    Args:
        place: From `list_cells`; its key is the life label.
        options: Its nominal capacity goes before that of the file.

    Raises:
        SourceError: A pickle that is damaged, holds more than plain data and numpy arrays, or
            lacks a part of the layout; names the file and the cycle.
    """
    facts = load_plain(place.path)
    cycles = _cycle_records(place.path, facts)
    if not cycles:
        detail = "its `cycle_data` is empty"
        return DroppedCell(place.cell_id, place.path.name, "no_cycles", detail)
    return _cell(place, facts, cycles, options)


def _cell(
    place: CellPlace, facts: Record, cycles: list[Record], options: SourceOptions
) -> Cell | DroppedCell:
    path, label = place.path, place.key
    file_nominal_ah = _positive(facts.get("nominal_capacity_in_Ah"))
    nominal_ah = options.nominal_capacity_ah or file_nominal_ah
    if nominal_ah is None:
        raise SourceError(
            f"{path}: `nominal_capacity_in_Ah` must be a number above 0. "
            f"Received: {shown(facts.get('nominal_capacity_in_Ah'))}. Give --nominal-capacity-ah."
        )
    numbers, number_notes = _cycle_numbers(cycles)
    reading, matr_notes, max_voltage_v = _reading(path, facts, cycles, nominal_ah)
    policy, policy_notes = _policy(facts, nominal_ah, is_matr(path, facts.get("cell_id")))
    has_temperature, temperature_notes = _temperature(path, cycles)
    return Cell(
        cell_id=place.cell_id,
        source_file=path.name,
        nominal_capacity_ah=nominal_ah,
        last_cycle=numbers[-1],
        read_cycles=partial(
            _read_cycles, path, list(zip(numbers, cycles, strict=True)), has_temperature, reading
        ),
        max_voltage_v=max_voltage_v,
        charge_policy=policy,
        eol_cycles=label.cycles if isinstance(label, LifeLabel) else None,
        discharge_capacity_ah=_discharge_capacities_ah(path, numbers, cycles),
        notes=(
            *number_notes,
            *matr_notes,
            *policy_notes,
            *temperature_notes,
            *([f"end of life from {label.file}"] if isinstance(label, LifeLabel) else ()),
        ),
    )


def _cycle_records(path: Path, facts: Any) -> list[Record]:
    if not isinstance(facts, dict) or not isinstance(facts.get("cycle_data"), list):
        found = ", ".join(map(shown, list(facts)[:8])) if isinstance(facts, dict) else ""
        raise SourceError(
            f"{path}: expected a dict with a list `cycle_data`, "
            f"found {found or type(facts).__name__}. {WAY_OUT}"
        )
    for index, record in enumerate(facts["cycle_data"], start=1):
        where = f"{path}, entry {index} of `cycle_data`"
        if not isinstance(record, dict):
            raise SourceError(f"{where}: expected a dict, found {type(record).__name__}. {WAY_OUT}")
        missing = [name for name in REQUIRED.values() if name not in record]
        if missing:
            found = ", ".join(map(shown, list(record)[:10])) or "nothing"
            raise SourceError(f"{where}: expected `{missing[0]}`, found {found}. {WAY_OUT}")
    return facts["cycle_data"]


def _cycle_numbers(cycles: list[Record]) -> tuple[list[int], tuple[str, ...]]:
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


def _reading(
    path: Path, facts: Record, cycles: list[Record], nominal_ah: float
) -> tuple[Reading, tuple[str, ...], float | None]:
    """How time and current become seconds and C-rate; notes; the voltage limit."""
    max_voltage_v = _positive(facts.get("max_voltage_limit_in_V"))
    as_written = Reading(1.0, 1.0 / nominal_ah)
    if not is_matr(path, facts.get("cell_id")):
        return as_written, (), max_voltage_v
    file_nominal_ah = _positive(facts.get("nominal_capacity_in_Ah")) or nominal_ah
    first = (_raw_cycle(path, record) for record in cycles)
    seconds, amperes, note = told_from_capacity(first, file_nominal_ah)
    notes = [note] if note else []
    if max_voltage_v is not None and max_voltage_v < MAX_VOLTAGE_V:
        notes.append(f"voltage limit {MAX_VOLTAGE_V:g} V as published, not {max_voltage_v:g} V")
        max_voltage_v = MAX_VOLTAGE_V
    return Reading(seconds, amperes / nominal_ah), tuple(notes), max_voltage_v


def _policy(
    facts: Record, nominal_ah: float, is_matr_cell: bool
) -> tuple[str | None, tuple[str, ...]]:
    protocol = facts.get("charge_protocol")
    policy = policy_text(protocol, nominal_ah, one_c_follows=is_matr_cell)
    if policy is None and protocol:
        return None, ("`charge_protocol` gives no rates: policy unknown",)
    return policy, ()


def _temperature(path: Path, cycles: list[Record]) -> tuple[bool, tuple[str, ...]]:
    field = OPTIONAL["temperature_degc"]
    series = (_numbers(path, record, field) for record in cycles)
    measured = [values for values in series if values is not None]
    if any(np.any(values != 0) for values in measured):
        return True, ()
    return False, ("temperature is 0 throughout: taken as not measured",) if measured else ()


def _discharge_capacities_ah(
    path: Path, numbers: list[int], cycles: list[Record]
) -> dict[int, float]:
    capacities = {}
    for number, record in zip(numbers, cycles, strict=True):
        values = _numbers(path, record, "discharge_capacity_in_Ah")
        finite = values[np.isfinite(values)] if values is not None else np.zeros(0)
        if finite.size:
            capacities[number] = float(finite.max())
    return capacities


def _read_cycles(
    path: Path,
    cycles: list[tuple[int, Record]],
    has_temperature: bool,
    reading: Reading,
    last: int,
) -> Iterator[Cycle]:
    for number, record in cycles:
        if number > last:
            return
        raw = _raw_cycle(path, record)
        current, time = raw["current"], raw["time_s"]
        yield Cycle(
            number=number,
            time_s=time * reading.seconds,
            voltage_v=raw["voltage_v"],
            current_c_rate=current * reading.c_rates,
            temperature_degc=raw["temperature_degc"] if has_temperature else None,
            charge_capacity_ah=raw["charge_capacity_ah"],
        )


def _raw_cycle(path: Path, record: Record) -> dict[str, Any]:
    """The series of a cycle in the units of the file; optional ones are None where empty."""
    required = {name: _numbers(path, record, field) for name, field in REQUIRED.items()}
    raw: dict[str, Any] = {
        name: np.zeros(0) if values is None else values for name, values in required.items()
    }
    return raw | {name: _numbers(path, record, field) for name, field in OPTIONAL.items()}


def _numbers(path: Path, record: Record, field: str) -> FloatArray | None:
    """A series as float64, NaN where it has None; None where there is no series."""
    values = record.get(field)
    if isinstance(values, PickledArray):
        values = values.values
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


def _positive(value: Any) -> float | None:
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
