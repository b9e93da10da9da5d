"""MATR (Severson et al. 2019): MATLAB v7.3 files of nested object references, one cell at a time.

The only place that knows the units of these files: `I` is a C-rate, `t` is in minutes, `Qc` in
Ah, `T` in degC. An index of `cycles` is the number of a cycle, entry 0 is none.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import GENERATED, Cell, Cycle, DroppedCell, FloatArray
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
from data_prep.sources.matr import corrections
from data_prep.sources.matr.corrections import Batch, Continuation
from data_prep.sources.matr.generated import GeneratedFile, read_generated
from data_prep.sources.matr.layout import (
    CellRecord,
    count_cells,
    read_entries,
    read_record,
    read_summary,
    read_texts,
)

NOMINAL_CAPACITY_AH = 1.1  # A123 APR18650M1A
# The record of a complete cell ends within a few cycles of its `cycle_life`.
LIFE_SLACK_CYCLES = 10


class MatrKey(NamedTuple):
    """Position of a cell in its file; the published batches at hand, if its file is one of them."""

    position: int
    batch_files: dict[str, Path]


def find_files(location: Path) -> list[Path]:
    """The `.mat` files at a folder, sorted by name, which is by batch."""
    # In a folder `.h5` may be anything.
    endings = (".mat", ".h5") if location.is_file() else (".mat",)
    return list_files(location, endings, "MATR .mat files")


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """Cells in the order of the files, `b1c0` in a published one, `<file>_c0` in another.

    Raises:
        SourceError: A temperature is asked for by its name.
    """
    refuse_temperature_column(options, "files of MATR")
    counts: dict[Path, int | SourceError] = {}
    for path in files:
        if error := no_file(path):
            counts[path] = error
            continue
        try:
            counts[path] = count_cells(path)
        except SourceError as error:
            counts[path] = error
    batch_files = {
        batch.name: path for path, count in counts.items() if (batch := _published(path, count))
    }
    for path, count in counts.items():
        if isinstance(count, SourceError):
            yield unreadable(path, count)
            continue
        known = batch_files if path in batch_files.values() else {}
        for index, cell_id in enumerate(_cell_ids(path, count)):
            yield CellPlace(cell_id, path, MatrKey(index, known))


def side_files(files: Sequence[Path]) -> list[Path]:
    """None: all is in the files."""
    del files
    return []


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell at a place; a known bad one comes as dropped.

    Raises:
        SourceError: A file that is not HDF5, is damaged, or lacks a part of the layout.
    """
    position, batch_files = place.key
    record = read_record(place.path, position, place.cell_id)
    if generated := read_generated(place.path):
        numbers = read_summary(place.path, position, "cycle", place.cell_id)
        return as_asked(_generated_cell(record, generated, numbers, options), options)
    if not batch_files:
        cell = _cell([record], options, record.life_cycles, _record_notes(record))
        return as_asked(cell, options)
    defect = _known_defect(record, batch_files)
    return defect or as_asked(_published_cell(record, batch_files, options), options)


def _published(path: Path, count: int | SourceError) -> Batch | None:
    """The published batch that a file is, told by its date and its number of cells."""
    batches = (batch for batch in corrections.BATCHES if path.name.startswith(batch.date))
    return next((batch for batch in batches if batch.num_cells == count), None)


def _cell_ids(path: Path, count: int) -> Iterable[str]:
    """Names of the cells of a file: a generated one has them, the others are counted."""
    if read_generated(path):
        return read_texts(path, "barcode")
    return (f"{_cell_prefix(path)}c{index}" for index in range(count))


def _cell_prefix(path: Path) -> str:
    """`b1` for a file of the published dates, else the file's own name."""
    for batch in corrections.BATCHES:
        if path.name.startswith(batch.date):
            return batch.name
    return f"{path.stem}_"


def _known_defect(record: CellRecord, batch_files: dict[str, Path]) -> DroppedCell | None:
    name, num_cycles = record.path.name, _num_cycles(record)
    if row := corrections.exclusion(record.cell_id):
        detail = f"{row.defect} (defects.csv: {row.id})"
        return DroppedCell(record.cell_id, name, "known_defect", detail, num_cycles)
    if continued := corrections.continued_cell(record.cell_id):
        joined, how = _is_joined(continued, batch_files)
        detail = f"continues {continued.cell_id}, {how} (defects.csv: {continued.id})"
        lost = 0 if joined else num_cycles
        return DroppedCell(record.cell_id, name, "continuation", detail, lost)
    return None


def _is_joined(continued: Continuation, batch_files: dict[str, Path]) -> tuple[bool, str]:
    """Whether the cycles of a continuation are read with the cell that it continues, in words."""
    if "b1" not in batch_files:
        return False, "whose file is not here"
    if not _is_complete(_record_of(continued.cell_id, batch_files["b1"])):
        return False, "whose record ends before its cycle_life"
    return True, "joined to it"


def _published_cell(
    record: CellRecord, batch_files: dict[str, Path], options: SourceOptions
) -> Cell:
    """A cell of the published files, with its continuation in batch 2 if it has one."""
    parts, life, notes = [record], record.life_cycles, _record_notes(record)
    if row := corrections.continuation(record.cell_id):
        life = None if life is None else life + row.added_cycles
        if not _is_complete(record):
            notes += ("not joined to its continuation: the record ends before its cycle_life",)
        elif "b2" not in batch_files:
            notes += ("not joined to its continuation: the file of batch 2 is not here",)
        else:
            parts.append(_record_of(row.continued_as, batch_files["b2"]))
            notes += ("joined to its continuation in batch 2",)
    last_cycle = sum(map(_num_cycles, parts))
    notes += corrections.notes(record.cell_id, record.channel, last_cycle)
    return _cell(parts, options, life, notes)


def _generated_cell(
    record: CellRecord, generated: GeneratedFile, numbers: FloatArray, options: SourceOptions
) -> Cell:
    """A cell of a file that says that its charges are generated; entries without one are empty."""
    nominal_capacity_ah = options.nominal_capacity_ah or generated.nominal_capacity_ah
    if nominal_capacity_ah is None:
        raise SourceError(
            f"{record.path}: the file does not say the nominal capacity of its generated cells. "
            f"Give --nominal-capacity-ah."
        )
    on_record = np.flatnonzero(numbers[: record.num_entries] > 0).tolist()
    last_cycle = max(on_record, default=0)
    return Cell(
        cell_id=record.cell_id,
        source_file=record.path.name,
        nominal_capacity_ah=nominal_capacity_ah,
        last_cycle=last_cycle,
        read_cycles=partial(_read_generated_cycles, record, on_record),
        max_voltage_v=generated.max_voltage_v,
        charge_policy=record.policy or None,
        eol_cycles=record.life_cycles,
        cycle_numbers=numbers_on_record(on_record, last_cycle),
        origin=GENERATED,
    )


def _cell(
    parts: list[CellRecord], options: SourceOptions, life: int | None, notes: tuple[str, ...]
) -> Cell:
    """A cell from its records in one or two files, the first of which names it."""
    first = parts[0]
    return Cell(
        cell_id=first.cell_id,
        source_file=first.path.name,
        nominal_capacity_ah=options.nominal_capacity_ah or NOMINAL_CAPACITY_AH,
        last_cycle=sum(map(_num_cycles, parts)),
        read_cycles=partial(_read_cycles, parts),
        max_voltage_v=corrections.setting("max_voltage_v"),
        charge_policy=first.policy or None,
        eol_cycles=life,
        discharge_capacity_ah=_capacities_ah(parts),
        notes=notes,
    )


def _record_of(cell_id: str, path: Path) -> CellRecord:
    """The record of a published cell, whose name has its index."""
    return read_record(path, int(cell_id.split("c")[1]), cell_id)


def _record_notes(record: CellRecord) -> tuple[str, ...]:
    notes = []
    if record.life_cycles is None:
        notes.append(corrections.unknown_life_note())
    if record.has_entry_0:
        notes.append("entry 0 of `cycles` holds a series: left out, an index is a cycle number")
    return tuple(notes)


def _num_cycles(record: CellRecord) -> int:
    return max(record.num_entries - corrections.first_cycle_entry(), 0)


def _is_complete(record: CellRecord) -> bool:
    """Whether a record reaches the life that its own file gives, as one must to be continued."""
    life = record.life_cycles
    return life is not None and _num_cycles(record) >= life - LIFE_SLACK_CYCLES


def _capacities_ah(parts: list[CellRecord]) -> dict[int, float]:
    """Discharge capacities by cycle, those of a second record numbered on; 0 is no measurement."""
    first_entry, offset = corrections.first_cycle_entry(), 0
    capacities: dict[int, float] = {}
    for part in parts:
        values = part.discharge_capacity_ah[first_entry:].tolist()
        if len(parts) > 1:
            # A summary may be longer than its record; the other record goes on where this ends.
            values = values[: _num_cycles(part)]
        capacities |= dict(enumerate(values, start=offset + 1))
        offset += _num_cycles(part)
    return {n: q for n, q in capacities.items() if 0 < q < math.inf}


def _read_cycles(parts: list[CellRecord], last: int) -> Iterator[Cycle]:
    """The cycles of one record after the other, numbered on."""
    seconds, first_entry = corrections.factor("t"), corrections.first_cycle_entry()
    number = 0
    for part in parts:
        stop = first_entry + min(_num_cycles(part), last - number)
        for values in read_entries(part, range(first_entry, max(stop, first_entry))):
            number += 1
            yield _cycle(number, values, seconds)


def _read_generated_cycles(
    record: CellRecord, numbers: Sequence[int], last: int
) -> Iterator[Cycle]:
    """The cycles that a generated cell has, up to the last one asked for."""
    seconds = corrections.factor("t")
    wanted = [number for number in numbers if number <= last]
    for number, values in zip(wanted, read_entries(record, wanted), strict=True):
        yield _cycle(number, values, seconds)


def _cycle(number: int, values: Sequence[FloatArray], seconds: float) -> Cycle:
    """A cycle from its series in the order of the layout, its time to be multiplied."""
    time, voltage_v, current_c_rate, temperature_degc, charge_capacity_ah = values
    return Cycle(
        number=number,
        time_s=time * seconds,
        voltage_v=voltage_v,
        current_c_rate=current_c_rate,
        temperature_degc=temperature_degc,
        charge_capacity_ah=charge_capacity_ah,
    )
