"""The low level of a MATR file: structs, columns of references and rows of numbers in HDF5.

A batch is about 200000 small data sets behind object references. What h5py's own objects cost for
each is several times what reading costs, so that series are read by its low-level calls.

Only what MATLAB writes is read: no soft or external links, no data that lie in another file, and
nothing that declares more values than any cell has. Whatever HDF5 makes of a damaged file comes
as a `SourceError`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5r, h5s, h5t

from data_prep.errors import SourceError
from data_prep.records import FloatArray

# Eleven days at a sample a second, twelve times the longest life; as doubles 8 MB, so that a
# damaged or hostile size is refused before memory is asked for.
MOST_VALUES = 10**6
MOST_DIMENSIONS = 32
# Of the headers of objects, HDF5's own default is 2 MB. None is looked at twice: memory that is
# used again at once is faster than memory that holds hundreds of them.
HEADERS_KEPT_BYTES = 8192
NAMES_IN_A_MESSAGE = 10
LAYOUT = "Expected the layout of the MATR batch files."
WAY_OUT = "Download the file again, or take it out of --input."


@contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """A MATLAB v7.3 file, open for reading until the block ends.

    Raises:
        SourceError: The file cannot be opened, is empty, truncated, or of another format.
    """
    try:
        file = h5py.File(h5f.open(bytes(path), h5f.ACC_RDONLY, _access()))
    except Exception as error:
        _check_start(path)
        raise SourceError(
            f"{path}: not a readable MATLAB v7.3 (HDF5) file: it is of another format, or "
            f"truncated. Download it again, or choose another --source."
        ) from error
    with file:
        yield file


@cache
def _access() -> Any:
    """How files are opened: as `h5py.File` does it, but for what HDF5 keeps."""
    access = h5p.create(h5p.FILE_ACCESS)
    kept = access.get_mdc_config()
    kept.set_initial_size = True
    kept.initial_size = kept.min_size = kept.max_size = HEADERS_KEPT_BYTES
    kept.incr_mode = kept.flash_incr_mode = kept.decr_mode = 0  # of a fixed size
    access.set_mdc_config(kept)
    return access


def _check_start(path: Path) -> None:
    """Says of a file that HDF5 does not open what its first bytes tell.

    Raises:
        SourceError: It cannot be opened, is empty or of MATLAB v5.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(19)
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be opened ({error.strerror}), expected a MATLAB v7.3 (HDF5) file. "
            f"Mend its permissions, or take it out of --input."
        ) from error
    if not start:
        raise SourceError(f"{path}: not a readable MATLAB v7.3 (HDF5) file: it is empty. {WAY_OUT}")
    if start == b"MATLAB 5.0 MAT-file":
        raise SourceError(
            f"{path}: is a MATLAB v5 file, expected MATLAB v7.3 (HDF5) as MATR publishes it. "
            f"Save it with -v7.3, or give --source nasa if it is one of NASA's."
        )


@contextmanager
def faults_of(what: str) -> Iterator[None]:
    """Whatever HDF5 raises over a damaged file becomes one line that says what could not be read.

    Args:
        what: "batch1.mat: b1c0 cycle 12: `V`".
    """
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        # HDF5 reports damage through h5py as any of a dozen exception classes.
        raise SourceError(f"{what} cannot be read, the file is damaged. {WAY_OUT}") from error


def member(group: Any, name: str, owner: str) -> Any:
    """The identifier of a data set or group in a group.

    Args:
        group: Identifier of where it lies; anything but a group has no members.
        name: A name without slashes.
        owner: "batch1.mat: b1c0", for the message.

    Raises:
        SourceError: There is none, or it is a link to another place.
    """
    with faults_of(f"{owner}: `{name}`"):
        links = group.links if isinstance(group, h5g.GroupID) else None
        if links is None or not links.exists(name.encode()):
            raise SourceError(f"{owner} has no `{name}`; found {_names(group)}. {LAYOUT} {WAY_OUT}")
        if links.get_info(name.encode()).type != h5l.TYPE_HARD:
            raise SourceError(
                f"{owner}: `{name}` is a link to another place, expected the data themselves. "
                f"Copy them into the file, or take it out of --input."
            )
        return h5o.open(group, name.encode())


def num_references(part: Any, what: str) -> int:
    """The length of a column or row of object references; MATLAB's empty array is one of none.

    Raises:
        SourceError: Anything else.
    """
    with faults_of(what):
        is_data = isinstance(part, h5d.DatasetID)
        if is_data and _is_empty(part):
            return 0
        if not is_data or not part.get_type().equal(h5t.STD_REF_OBJ):
            raise SourceError(f"{what} is no column of references. {LAYOUT} {WAY_OUT}")
        check_storage(part, what)
        return _length(part.shape, what)


def references(part: Any, what: str) -> list[Any]:
    """The object references of a column or row.

    Raises:
        SourceError: It is something else.
    """
    values = np.empty(num_references(part, what), h5py.ref_dtype)
    with faults_of(what):
        if values.size:
            part.read(h5s.create_simple(values.shape), part.get_space(), values)
    return list(values)


def pointed_to(file_id: Any, reference: Any, what: str) -> Any:
    """The identifier of what a reference points to, a data set or a group.

    Raises:
        SourceError: Nothing is there.
    """
    with faults_of(what):
        identifier = h5r.dereference(reference, file_id)
        if identifier is None:
            raise SourceError(f"{what} is missing: its reference leads nowhere. {WAY_OUT}")
        return identifier


def read_numbers(part: Any, what: str) -> FloatArray:
    """The real numbers of a data set, shape `(values,)`; MATLAB's empty array has none.

    Raises:
        SourceError: It is no data set, holds no real numbers, is no row or column, or too long.
    """
    with faults_of(what):
        if not isinstance(part, h5d.DatasetID):
            raise SourceError(f"{what} is no array, expected a row of numbers. {WAY_OUT}")
        check_storage(part, what)
        if _is_empty(part):
            return np.zeros(0)
        if part.get_type().get_class() not in (h5t.INTEGER, h5t.FLOAT):
            raise SourceError(f"{what} holds no real numbers, expected a row of them. {WAY_OUT}")
        values = np.empty(_length(part.shape, what))
        part.read(part.get_space(), h5s.ALL, values, h5t.NATIVE_DOUBLE)
    return values


def read_text(part: Any, what: str) -> str:
    """MATLAB text, an array of UTF-16 code units; empty text is an empty array.

    Raises:
        SourceError: It is something else.
    """
    units = read_numbers(part, what)
    with faults_of(what):
        if units.size and part.dtype != np.uint16:
            raise SourceError(f"{what} holds no text, expected MATLAB's char array. {WAY_OUT}")
        return units.astype("<u2").tobytes().decode("utf-16-le").strip()


def check_storage(identifier: Any, what: str) -> None:
    """Refuses data that lie in another file, which would be read in its place.

    Raises:
        SourceError: External storage, or a virtual data set.
    """
    # Asked first, for it takes a tenth of the time: data that are not in chunks have an address in
    # this file, or lie in another.
    if identifier.get_offset() is not None:
        return
    creation = identifier.get_create_plist()
    if creation.get_layout() == h5d.VIRTUAL or creation.get_external_count():
        raise SourceError(
            f"{what} lies in another file, expected the data themselves. "
            f"Copy them into the file, or take it out of --input."
        )


class SeriesReader:
    """Reads the series of a cell, cycle by cycle.

    Args:
        file: Open as long as it is read from.
        columns: The references of each series; index 0 of each is entry 0.
        owner: "batch1.mat: b1c0", for messages.
    """

    def __init__(self, file: h5py.File, columns: Mapping[str, Sequence[Any]], owner: str) -> None:
        self._file_id = file.id
        self._columns = columns
        self._owner = owner

    def read(self, index: int) -> list[FloatArray]:
        """The series of one entry in the order of the columns, each of shape `(points,)`.

        Raises:
            SourceError: One of them is damaged or not a row of numbers.
        """
        try:
            return self._read_equal(index)
        except Exception:
            # Series of unequal length, or damage: looked at one by one, that tells which.
            return self._read_each(index)

    def _read_equal(self, index: int) -> list[FloatArray]:
        """Reads series as long as the first, for asking each costs a tenth of reading it.

        HDF5 refuses to read another number of values into the room of these.
        """
        identifiers = [h5r.dereference(c[index], self._file_id) for c in self._columns.values()]
        space = identifiers[0].get_space()
        shape = space.get_simple_extent_dims()
        num_points = max(shape, default=0)
        # Two values may be the dimensions of an empty array.
        if not 2 < num_points <= MOST_VALUES or math.prod(shape) != num_points:
            return self._read_each(index)
        values = list(np.empty((len(identifiers), num_points)))
        for identifier, row in zip(identifiers, values, strict=True):
            # Elsewhere are whole values; an odd size is that of a compressed chunk of this file.
            if identifier.get_storage_size() % num_points == 0:
                check_storage(identifier, self._owner)
            identifier.read(space, h5s.ALL, row, h5t.NATIVE_DOUBLE)
        return values

    def _read_each(self, index: int) -> list[FloatArray]:
        values = []
        for name, column in self._columns.items():
            what = f"{self._owner} cycle {index}: `{name}`"
            values.append(read_numbers(pointed_to(self._file_id, column[index], what), what))
        return values


def _is_empty(identifier: Any) -> bool:
    """MATLAB's empty array, which holds its dimensions and a mark; or one of no elements."""
    num_values = identifier.get_space().get_simple_extent_npoints()
    if num_values > MOST_DIMENSIONS or not num_values:
        return bool(num_values == 0)
    if not h5a.exists(identifier, b"MATLAB_empty"):
        return False
    return bool(h5py.Dataset(identifier).attrs["MATLAB_empty"])


def _length(shape: tuple[int, ...], what: str) -> int:
    """The length of a row or a column that is not too long."""
    if not shape or sum(length != 1 for length in shape) > 1:
        size = " x ".join(map(str, shape)) if shape else "a single value"
        raise SourceError(f"{what} is {size}, expected a row. {LAYOUT} {WAY_OUT}")
    length = max(shape)
    if length > MOST_VALUES:
        raise SourceError(
            f"{what} declares {length} values, expected {MOST_VALUES} or fewer. {WAY_OUT}"
        )
    return length


def _names(group: Any) -> str:
    """The first names in a group, for a message of one line."""
    members = h5py.Group(group) if isinstance(group, h5g.GroupID) else ()
    names = sorted(name if name.isprintable() else ascii(name) for name in members)
    more = f" and {len(names) - NAMES_IN_A_MESSAGE} more" if len(names) > NAMES_IN_A_MESSAGE else ""
    return ", ".join(names[:NAMES_IN_A_MESSAGE]) + more or "nothing"
