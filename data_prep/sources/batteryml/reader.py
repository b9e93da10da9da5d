"""BatteryML and BatteryLife: one cell a pickle, a dict of facts and of cycles in SI units.

The layout is that of `BatteryData.to_dict()`; BatteryLife adds life labels in files of their own.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell
from data_prep.sources.base import (
    CellPlace,
    SourceOptions,
    as_asked,
    list_files,
    no_file,
    numbers_on_record,
    refuse_temperature_column,
    unreadable,
)
from data_prep.sources.batteryml.discharges import (
    DISCHARGES_TO_COMPARE,
    Discharge,
    without_broken_off,
)
from data_prep.sources.batteryml.fields import (
    OPTIONAL,
    REQUIRED,
    WAY_OUT,
    Record,
    cycle_numbers,
    positive,
    raw_cycle,
    series,
)
from data_prep.sources.batteryml.labels import LifeLabel, label_files, read_life_labels
from data_prep.sources.batteryml.matr_units import (
    MAX_VOLTAGE_V,
    Reading,
    defect_notes,
    is_matr,
    told_from_capacity,
)
from data_prep.sources.batteryml.protocol import policy_text
from data_prep.sources.pickles.imports import shown
from data_prep.sources.pickles.safe_pickle import load_plain

SUFFIXES = (".pkl", ".pickle")


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
        options: They cannot ask for a temperature by its name.

    Raises:
        SourceError: Damaged labels; names the file. A temperature by its name.
    """
    refuse_temperature_column(options, "pickles of BatteryML")
    labels = {folder: read_life_labels(folder) for folder in {path.parent for path in files}}
    for path in files:
        if error := no_file(path):
            yield unreadable(path, error)
            continue
        yield CellPlace(path.stem, path, labels[path.parent].get(path.name))


def side_files(files: Sequence[Path]) -> list[Path]:
    """The life labels that lie in the folders of the files or beside them."""
    return sorted({label for folder in {p.parent for p in files} for label in label_files(folder)})


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell of a pickle; nothing in the file is ever run.

    A cell's `discharge_capacity_ah` of a cycle is the largest one within it; that of a last
    discharge which was broken off is left out. Temperatures that are 0 throughout are those of a
    channel that was not there.

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
    return as_asked(_cell(place, facts, cycles, options), options)


def _cell(
    place: CellPlace, facts: Record, cycles: list[Record], options: SourceOptions
) -> Cell | DroppedCell:
    path, label = place.path, place.key
    file_nominal_ah = positive(facts.get("nominal_capacity_in_Ah"))
    nominal_ah = options.nominal_capacity_ah or file_nominal_ah
    if nominal_ah is None:
        raise SourceError(
            f"{path}: `nominal_capacity_in_Ah` must be a number above 0. "
            f"Received: {shown(facts.get('nominal_capacity_in_Ah'))}. Give --nominal-capacity-ah."
        )
    numbers, number_notes = cycle_numbers(cycles)
    reading, matr_notes, max_voltage_v = _reading(path, facts, cycles, nominal_ah)
    policy, policy_notes = _policy(facts, nominal_ah, is_matr(path, facts.get("cell_id")))
    has_temperature, temperature_notes = _temperature(path, cycles)
    capacities_ah, discharge_notes = without_broken_off(
        _discharge_capacities_ah(path, numbers, cycles),
        numbers[-1],
        _discharge(path, reading, cycles[-1]),
        [_discharge(path, reading, c) for c in cycles[-1 - DISCHARGES_TO_COMPARE : -1]],
        positive(facts.get("min_voltage_limit_in_V")),
    )
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
        discharge_capacity_ah=capacities_ah,
        notes=(
            *number_notes,
            *matr_notes,
            *policy_notes,
            *temperature_notes,
            *discharge_notes,
            *([f"end of life from {label.file}"] if isinstance(label, LifeLabel) else ()),
        ),
        cycle_numbers=numbers_on_record(numbers, numbers[-1]),
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


def _reading(
    path: Path, facts: Record, cycles: list[Record], nominal_ah: float
) -> tuple[Reading, tuple[str, ...], float | None]:
    """How time and current become seconds and C-rate; notes; the voltage limit."""
    max_voltage_v = positive(facts.get("max_voltage_limit_in_V"))
    as_written = Reading(1.0, 1.0 / nominal_ah)
    if not is_matr(path, facts.get("cell_id")):
        return as_written, (), max_voltage_v
    file_nominal_ah = positive(facts.get("nominal_capacity_in_Ah")) or nominal_ah
    first = (raw_cycle(path, record) for record in cycles)
    seconds, amperes, note = told_from_capacity(first, file_nominal_ah)
    notes = [*defect_notes(path), *([note] if note else [])]
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
    columns = (series(path, record, field) for record in cycles)
    measured = [values for values in columns if values is not None]
    if any(np.any(values != 0) for values in measured):
        return True, ()
    return False, ("temperature is 0 throughout: taken as not measured",) if measured else ()


def _discharge_capacities_ah(
    path: Path, numbers: list[int], cycles: list[Record]
) -> dict[int, float]:
    capacities = {}
    for number, record in zip(numbers, cycles, strict=True):
        values = series(path, record, "discharge_capacity_in_Ah")
        finite = values[np.isfinite(values)] if values is not None else np.zeros(0)
        if finite.size:
            capacities[number] = float(finite.max())
    return capacities


def _discharge(path: Path, reading: Reading, record: Record) -> Discharge:
    raw = raw_cycle(path, record)
    return Discharge(raw["current"] * reading.c_rates, raw["voltage_v"])


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
        raw = raw_cycle(path, record)
        current, time = raw["current"], raw["time_s"]
        yield Cycle(
            number=number,
            time_s=time * reading.seconds,
            voltage_v=raw["voltage_v"],
            current_c_rate=current * reading.c_rates,
            temperature_degc=raw["temperature_degc"] if has_temperature else None,
            charge_capacity_ah=raw["charge_capacity_ah"],
        )
