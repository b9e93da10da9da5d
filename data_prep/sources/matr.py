"""MATR (Severson et al. 2019): MATLAB v7.3 files of nested object references, one cell at a time.

The only place that knows the units of these files: `I` is a C-rate, `t` is in minutes, `Qc` in
Ah, `T` in degC. Index 0 of `cycles` is empty in the published files, so an index is a cycle
number.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell, FloatArray
from data_prep.sources.base import CellPlace, SourceOptions, list_files, unreadable
from data_prep.sources.matr_corrections import BATCHES, CONTINUATIONS, EXCLUSIONS, Batch

if TYPE_CHECKING:
    import h5py

NOMINAL_CAPACITY_AH = 1.1  # A123 APR18650M1A
MAX_VOLTAGE_V = 3.6
SECONDS_PER_MINUTE = 60.0
CYCLE_FIELDS = ("t", "V", "I", "T", "Qc")


def find_files(location: Path) -> list[Path]:
    """The `.mat` files at a folder, sorted by name, which is by batch."""
    return list_files(location, (".mat",), "MATR .mat files")


class MatrKey(NamedTuple):
    """Index of a cell in its file; the published batches at hand, if its file is one of them."""

    index: int
    batch_files: dict[str, Path]


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """Cells in the order of the files, `b1c0` in a published one, `<file>_c0` in another."""
    del options
    batch_files = {}
    counts: dict[Path, int | SourceError] = {}
    for path in files:
        try:
            if batch := _published_batch(path):
                batch_files[batch.name] = path
            with _open(path) as file:
                counts[path] = _cell_references(file, path, "cycles").shape[0]
        except SourceError as error:
            counts[path] = error
    for path, count in counts.items():
        if isinstance(count, SourceError):
            yield unreadable(path, count)
            continue
        known = batch_files if path in batch_files.values() else {}
        for index in range(count):
            yield CellPlace(f"{_cell_prefix(path)}c{index}", path, MatrKey(index, known))


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell at a place; a known bad one comes as dropped.

    Raises:
        SourceError: A file that is not HDF5, is truncated, or lacks a part of the layout.
    """
    file = _open(place.path)
    index, batch_files = place.key
    if batch_files:
        num_cycles = _num_entries(file, place.path, index, place.cell_id) - 1
        dropped = _known_defect(place.cell_id, place.path, batch_files, num_cycles)
        if dropped:
            return dropped
    return _cell(file, place.path, index, place.cell_id, options, batch_files)


def _published_batch(path: Path) -> Batch | None:
    """The published batch that a file is, told by its date and its number of cells."""
    for batch in BATCHES:
        if path.name.startswith(batch.date):
            with _open(path) as file:
                num_cells = _cell_references(file, path, "cycles").shape[0]
            return batch if num_cells == batch.num_cells else None
    return None


def _cell_prefix(path: Path) -> str:
    """`b1` for a file of the published dates, else the file's own name."""
    for batch in BATCHES:
        if path.name.startswith(batch.date):
            return batch.name
    return f"{path.stem}_"


def _known_defect(
    cell_id: str, path: Path, batch_files: dict[str, Path], num_cycles: int
) -> DroppedCell | None:
    for row in EXCLUSIONS:
        if row.cell_id == cell_id:
            detail = f"{row.reason} ({row.reference})"
            return DroppedCell(cell_id, path.name, "known_defect", detail, num_cycles)
    for continued in CONTINUATIONS:
        if continued.continued_as == cell_id:
            joined = "b1" in batch_files
            whose = "joined to it" if joined else "whose file is not here"
            detail = f"continues {continued.cell_id}, {whose} ({continued.reference})"
            lost = 0 if joined else num_cycles
            return DroppedCell(cell_id, path.name, "continuation", detail, lost)
    return None


def _num_entries(file: "h5py.File", path: Path, index: int, cell_id: str) -> int:
    """Entries of a cell's `cycles`, the empty one at index 0 among them."""
    cycles = _part(file, path, "cycles", index)
    return int(_field(cycles, "I", path, cell_id).shape[0])


def _cell(
    file: "h5py.File",
    path: Path,
    index: int,
    cell_id: str,
    options: SourceOptions,
    batch_files: dict[str, Path],
) -> Cell:
    cycles = _part(file, path, "cycles", index)
    num_cycles = _num_entries(file, path, index, cell_id)
    summary = _part(file, path, "summary", index)
    capacity_ah = np.ravel(_field(summary, "QDischarge", path, cell_id)[()])
    life = float(np.ravel(_part(file, path, "cycle_life", index)[()])[0])
    continuation = next((row for row in CONTINUATIONS if row.cell_id == cell_id), None)
    if not batch_files:
        continuation = None
    if continuation:
        life += continuation.added_cycles

    def read_cycles(last: int) -> Iterator[Cycle]:
        yield from _cycles(file, path, cycles, cell_id, range(1, min(last + 1, num_cycles)), 0)
        if continuation and last >= num_cycles and "b2" in batch_files:
            yield from _continued(batch_files["b2"], continuation.continued_as, num_cycles, last)

    return Cell(
        cell_id=cell_id,
        source_file=path.name,
        nominal_capacity_ah=options.nominal_capacity_ah or NOMINAL_CAPACITY_AH,
        last_cycle=num_cycles - 1,
        read_cycles=read_cycles,
        max_voltage_v=MAX_VOLTAGE_V,
        charge_policy=_text(_part(file, path, "policy_readable", index)) or None,
        eol_cycles=int(life) if np.isfinite(life) and life > 0 else None,
        discharge_capacity_ah={k: float(q) for k, q in enumerate(capacity_ah) if k and q > 0},
    )


def _continued(path: Path, cell_id: str, offset: int, last: int) -> Iterator[Cycle]:
    """The cycles of a cell that went on in another file, numbered on from `offset`."""
    with _open(path) as file:
        cycles = _part(file, path, "cycles", int(cell_id.split("c")[1]))
        count = _field(cycles, "I", path, cell_id).shape[0]
        indices = range(1, min(last + 1 - offset, count))
        yield from _cycles(file, path, cycles, cell_id, indices, offset)


def _cycles(
    file: "h5py.File", path: Path, cycles: "h5py.Group", cell_id: str, indices: range, offset: int
) -> Iterator[Cycle]:
    references = {name: _field(cycles, name, path, cell_id) for name in CYCLE_FIELDS}
    for index in indices:
        where = f"{path.name}: {cell_id} cycle {index}"
        values = {name: _numbers(file, refs, index, where) for name, refs in references.items()}
        yield Cycle(
            number=index + offset,
            time_s=values["t"] * SECONDS_PER_MINUTE,
            voltage_v=values["V"],
            current_c_rate=values["I"],
            temperature_degc=values["T"],
            charge_capacity_ah=values["Qc"],
        )


def _open(path: Path) -> "h5py.File":
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise SourceError(
            f"{path}: not a readable MATLAB v7.3 (HDF5) file: it is of another format, or "
            f"truncated. Download it again, or choose another --source."
        ) from error


def _cell_references(file: "h5py.File", path: Path, name: str) -> Any:
    """The array of object references, one per cell, that `batch/<name>` is."""
    import h5py

    batch = file.get("batch")
    if not isinstance(batch, h5py.Group):
        raise SourceError(
            f"{path}: has no `batch` group; found {', '.join(sorted(file)) or 'nothing'}. "
            f"Expected a MATR batch file, *_batchdata_updated_struct_errorcorrect.mat."
        )
    references = _field(batch, name, path, "batch")
    if not isinstance(references, h5py.Dataset) or references.ndim != 2:
        raise SourceError(
            f"{path}: `batch/{name}` is no column of references, one per cell. "
            f"Expected the layout of the MATR batch files."
        )
    return references


def _field(group: "h5py.Group | h5py.Dataset", name: str, path: Path, owner: str) -> Any:
    import h5py

    parts = group if isinstance(group, h5py.Group) else ()
    if name not in parts:
        raise SourceError(
            f"{path}: {owner} has no `{name}`; found {', '.join(sorted(parts)) or 'nothing'}. "
            f"Expected the layout of the MATR batch files."
        )
    return group[name]


def _part(file: "h5py.File", path: Path, name: str, index: int) -> Any:
    """What the reference of one cell in `batch/<name>` points to."""
    try:
        return file[_cell_references(file, path, name)[index, 0]]
    except (KeyError, ValueError, IndexError, TypeError, OSError, RuntimeError) as error:
        raise SourceError(
            f"{path}: the reference to `{name}` of cell {index} leads nowhere; the file is "
            f"damaged. Download it again."
        ) from error


def _numbers(file: "h5py.File", references: Any, index: int, where: str) -> FloatArray:
    """The numbers behind a reference, shape `(points,)`; MATLAB's empty array has none."""
    try:
        dataset = file[references[index, 0]]
        if dataset.attrs.get("MATLAB_empty", 0):
            return np.zeros(0)
        return np.ravel(dataset[()]).astype(np.float64)
    except (KeyError, ValueError, IndexError, TypeError, OSError, RuntimeError) as error:
        raise SourceError(
            f"{where}: cannot be read, the file is damaged. Download it again."
        ) from error


def _text(dataset: Any) -> str:
    """MATLAB text is an array of UTF-16 code units; empty text is an empty array."""
    if dataset.attrs.get("MATLAB_empty", 0):
        return ""
    return np.ravel(dataset[()]).astype("<u2").tobytes().decode("utf-16-le").strip()
