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
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class CellRecord:
    """All of a cell but its cycles.

    Args:
        path: Its file.
        position: Its place in the file.
        cell_id: Its name.
        columns: References of each of `CYCLE_FIELDS`, equally many.
        has_entry_0: Whether that entry, empty in the published files, holds a series.
        life_cycles: `cycle_life`, None where it is no number of cycles.
        policy: `policy_readable`.
        channel: `channel_id`, empty where the file does not say.
        discharge_capacity_ah: `QDischarge` of every entry, shape `(entries,)`.
    """

    path: Path
    position: int
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
    with _open_batch(path) as batch:
        return batch.num_cells


def read_record(path: Path, position: int, cell_id: str) -> CellRecord:
    """A cell without its cycles.

    Raises:
        SourceError: A part of it is missing, damaged, or of another kind.
    """
    owner = f"{path}: {cell_id}"
    with _open_batch(path) as batch:
        columns = _columns(batch.part("cycles", position), owner)
        summary = member(batch.part("summary", position), "QDischarge", owner)
        policy = batch.part("policy_readable", position)
        return CellRecord(
            path=path,
            position=position,
            cell_id=cell_id,
            columns=columns,
            has_entry_0=_has_entry_0(batch, columns["t"], owner),
            life_cycles=_life_cycles(batch.part("cycle_life", position), owner),
            policy=read_text(policy, f"{owner}: `policy_readable`"),
            channel=_channel(batch, position),
            discharge_capacity_ah=read_numbers(summary, f"{owner}: `QDischarge`"),
        )


def read_entries(record: CellRecord, entries: range) -> Iterator[list[FloatArray]]:
    """The series, in the order of `CYCLE_FIELDS`, of entries of `cycles`.

    The file is open while they are read, and closed when the iterator is.

    Args:
        record: Of the cell.
        entries: Within `record.num_entries`.

    Raises:
        SourceError: A series is damaged or not a row of numbers.
    """
    if not entries:
        return
    with open_file(record.path) as file:
        reader = SeriesReader(file, record.columns, f"{record.path}: {record.cell_id}")
        for index in entries:
            yield reader.read(index)


@dataclass(frozen=True)
class _Batch:
    """The struct `batch` of an open file; MATLAB keeps a single cell without references."""

    file: h5py.File
    path: Path
    group: Any
    is_single: bool

    @property
    def num_cells(self) -> int:
        if self.is_single:
            return 1
        return num_references(self._field("cycles"), f"{self.path}: `batch/cycles`")

    def part(self, name: str, position: int) -> Any:
        """What a field holds for one cell."""
        field = self._field(name)
        if self.is_single:
            return field
        what = f"{self.path}: `batch/{name}`"
        (reference,) = references(field, what, position)
        return pointed_to(self.file.id, reference, f"{self.path}: `{name}` of cell {position}")

    def _field(self, name: str) -> Any:
        return member(self.group, name, f"{self.path}: batch")


@contextmanager
def _open_batch(path: Path) -> Iterator[_Batch]:
    with open_file(path) as file:
        with faults_of(f"{path}: the root of the file"):
            root = h5o.open(file.id, b"/")
        group = member(root, "batch", f"{path}: the file")
        cycles = member(group, "cycles", f"{path}: batch")
        yield _Batch(file, path, group, isinstance(cycles, h5g.GroupID))


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


def _has_entry_0(batch: _Batch, column: Sequence[Any], owner: str) -> bool:
    what = f"{owner} cycle 0: `t`"
    return any(
        read_numbers(pointed_to(batch.file.id, entry, what), what).size > 0
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


def _channel(batch: _Batch, position: int) -> str:
    """The channel of the cycler, of which nothing but a note depends: unknown where unreadable."""
    try:
        return read_text(batch.part("channel_id", position), "channel_id")
    except SourceError:
        return ""
