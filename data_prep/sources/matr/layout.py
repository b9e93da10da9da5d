"""What a MATR batch file holds of a cell, in the units of the file.

batch/cycles, summary, cycle_life, policy_readable, channel_id
    references, one per cell; of a single cell the thing itself
a cell's cycles: t, V, I, T, Qc
    references, one per cycle and one before them
a cell's summary: QDischarge
    numbers, one per cycle and one before them
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
from h5py import h5g, h5o

from data_prep.errors import SourceError
from data_prep.records import MOST_CYCLES, FloatArray
from data_prep.sources.matr.hdf5 import (
    WAY_OUT,
    SeriesReader,
    faults_of,
    member,
    num_references,
    open_file,
    pointed_to,
    read_numbers,
    read_text,
    references,
)

CYCLE_FIELDS = ("t", "V", "I", "T", "Qc")
CELL_FIELDS = ("cycles", "summary", "cycle_life", "policy_readable")


@dataclass(frozen=True)
class CellRecord:
    """All of a cell but its cycles.

    Args:
        path: Its file.
        cell_id: Its name.
        columns: References of each of `CYCLE_FIELDS`, equally many.
        has_entry_0: Whether that entry, empty in the published files, holds a series.
        life_cycles: `cycle_life`, None where it is no number of cycles.
        policy: `policy_readable`.
        channel: `channel_id`, empty where the file does not say.
        discharge_capacity_ah: `QDischarge` of every entry, shape `(entries,)`.
    """

    path: Path
    cell_id: str
    columns: Mapping[str, Sequence[Any]]
    has_entry_0: bool
    life_cycles: int | None
    policy: str
    channel: str
    discharge_capacity_ah: FloatArray

    @property
    def num_entries(self) -> int:
        """Entries of `cycles`, entry 0 among them."""
        return len(self.columns["t"])


def count_cells(path: Path) -> int:
    """The number of cells in a batch file.

    Raises:
        SourceError: It cannot be read, or is no such file.
    """
    with open_file(path) as file:
        cycles = _field(_batch(file, path), "cycles", path)
        if _is_of_one_cell(cycles):
            return 1
        return num_references(cycles, f"{path}: `batch/cycles`")


def read_record(path: Path, position: int, cell_id: str) -> CellRecord:
    """A cell without its cycles.

    Raises:
        SourceError: A part of it is missing, damaged, or of another kind.
    """
    owner = f"{path}: {cell_id}"
    with open_file(path) as file:
        parts = {name: _part(file, path, name, position) for name in CELL_FIELDS}
        columns = _columns(parts["cycles"], owner)
        summary = member(parts["summary"], "QDischarge", owner)
        return CellRecord(
            path=path,
            cell_id=cell_id,
            columns=columns,
            has_entry_0=_has_entry_0(file, columns["t"], owner),
            life_cycles=_life_cycles(parts["cycle_life"], owner),
            policy=read_text(parts["policy_readable"], f"{owner}: `policy_readable`"),
            channel=_channel(file, path, position),
            discharge_capacity_ah=read_numbers(summary, f"{owner}: `QDischarge`"),
        )


def read_summary(path: Path, position: int, name: str, cell_id: str) -> FloatArray:
    """A field of a cell's summary, shape `(entries,)`.

    Raises:
        SourceError: It is missing, damaged, or of another kind.
    """
    owner = f"{path}: {cell_id}"
    with open_file(path) as file:
        summary = _part(file, path, "summary", position)
        return read_numbers(member(summary, name, owner), f"{owner}: `{name}`")


def read_texts(path: Path, name: str) -> list[str]:
    """The text of a field for every cell.

    Raises:
        SourceError: It is missing, damaged, or of another kind.
    """
    with open_file(path) as file:
        what = f"{path}: `batch/{name}`"
        entries = references(_field(_batch(file, path), name, path), what)
        return [read_text(pointed_to(file.id, entry, what), what) for entry in entries]


def read_entries(record: CellRecord, entries: Sequence[int]) -> Iterator[list[FloatArray]]:
    """The series, in the order of `CYCLE_FIELDS`, of entries of `cycles`.

    The file is open while they are read, and closed when the iterator is.

    Args:
        record: Of the cell.
        entries: Their indices, within `record.num_entries`.

    Raises:
        SourceError: A series is damaged or not a row of numbers.
    """
    if not entries:
        return
    with open_file(record.path) as file:
        reader = SeriesReader(file, record.columns, f"{record.path}: {record.cell_id}")
        for index in entries:
            yield reader.read(index)


def _batch(file: h5py.File, path: Path) -> Any:
    """The struct `batch` of an open file."""
    with faults_of(f"{path}: the root of the file"):
        root = h5o.open(file.id, b"/")
    return member(root, "batch", f"{path}: the file")


def _field(batch: Any, name: str, path: Path) -> Any:
    return member(batch, name, f"{path}: batch")


def _is_of_one_cell(cycles: Any) -> bool:
    """MATLAB keeps the parts of a single cell in the struct, without references."""
    return isinstance(cycles, h5g.GroupID)


def _part(file: h5py.File, path: Path, name: str, position: int) -> Any:
    """What a field of the batch holds for one cell."""
    with faults_of(f"{path}: the file"):
        facts = path.stat()
    entries = _references_of_field(path, name, (facts.st_mtime_ns, facts.st_size))
    if entries is None:
        return _field(_batch(file, path), name, path)
    if position >= len(entries):
        raise SourceError(
            f"{path}: `batch/{name}` has {len(entries)} entries, expected {position + 1} or more. "
            f"{WAY_OUT}"
        )
    what = f"{path}: `{name}` of cell {position}"
    return pointed_to(file.id, entries[position], what)


@lru_cache(maxsize=16)
def _references_of_field(path: Path, name: str, state: tuple[int, int]) -> Sequence[Any] | None:
    """The references of all cells, None in a file of one cell; kept, as every cell needs them.

    Args:
        path: Of the file.
        name: Of the field.
        state: Time and size of the file, so that nothing is kept of one that changed.
    """
    del state
    with open_file(path) as file:
        batch = _batch(file, path)
        if _is_of_one_cell(_field(batch, "cycles", path)):
            return None
        return references(_field(batch, name, path), f"{path}: `batch/{name}`")


def _columns(cycles: Any, owner: str) -> dict[str, list[Any]]:
    """The references of a cell's series, equally many of each."""
    columns = {
        name: references(member(cycles, name, owner), f"{owner}: `{name}`") for name in CYCLE_FIELDS
    }
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise SourceError(
            f"{owner}: series with unequal numbers of cycles: {listed}; "
            f"expected as many in each. {WAY_OUT}"
        )
    return columns


def _has_entry_0(file: h5py.File, column: Sequence[Any], owner: str) -> bool:
    what = f"{owner} cycle 0: `t`"
    return any(
        read_numbers(pointed_to(file.id, entry, what), what).size > 0
        for entry in column[:1]
        if entry
    )


def _life_cycles(part: Any, owner: str) -> int | None:
    """NaN, 0, infinity and MATLAB's empty array say that the life is not known."""
    values = read_numbers(part, f"{owner}: `cycle_life`")
    if not values.size or (values.size == 1 and (values[0] == 0 or not math.isfinite(values[0]))):
        return None
    if values.size > 1 or not values[0].is_integer() or not 1 <= values[0] <= MOST_CYCLES:
        shown = ", ".join(f"{value:g}" for value in values[:3])
        raise SourceError(
            f"{owner}: `cycle_life` must be one whole number of cycles, {MOST_CYCLES} or less. "
            f"Received: cycle_life={shown}. {WAY_OUT}"
        )
    return int(values[0])


def _channel(file: h5py.File, path: Path, position: int) -> str:
    """The channel of the cycler, of which nothing but a note depends: unknown where unreadable."""
    try:
        return read_text(_part(file, path, "channel_id", position), "channel_id")
    except SourceError:
        return ""
