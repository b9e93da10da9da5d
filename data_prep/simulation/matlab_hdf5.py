"""How MATLAB 7.3 keeps numbers, text, empty arrays and structs in an HDF5 file.

Files are written without the times that HDF5 keeps by default: the same content gives the same
bytes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5r, h5s, h5t

from data_prep.records import FloatArray

HEADER_BYTES = 512
SPARE_BYTES = 4_000_000  # for what HDF5 writes when a file is closed
# Text to byte 116, no subsystem data, version 2, "IM" for little-endian. A date belongs there; it
# is a constant because the time of writing would make every file another.
HEADER = (
    (
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Fri May 12 00:00:00 2017 "
        b"HDF5 schema 1.00 ."
    ).ljust(116)
    + bytes(8)
    + b"\x00\x02IM"
)
COMPRESSED_FROM = 64  # values; a filter costs more than it saves on less
COMPRESSION_LEVEL = 4  # above it files shrink by less than 1 % and take four times as long


def create_file(path: Path) -> h5py.File:
    """A new file with room for the header that `write_header` fills in after it is closed."""
    creation = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    creation.set_userblock(HEADER_BYTES)
    creation.set_obj_track_times(False)
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fclose_degree(h5py.h5f.CLOSE_STRONG)
    # The latest format stores the index of a small data set in a tenth of the space.
    access.set_libver_bounds(h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
    return h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, creation, access))


def write_header(path: Path) -> None:
    """Makes a closed HDF5 file one that MATLAB accepts."""
    with path.open("r+b") as raw:
        raw.write(HEADER.ljust(HEADER_BYTES, b"\x00"))


def create_group(parent: h5py.Group, name: str) -> h5py.Group:
    """A group without times of its own, which `parent.create_group` would give it."""
    creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
    creation.set_obj_track_times(False)
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=creation))


def create_struct(parent: h5py.Group, name: str) -> h5py.Group:
    """A group that is a MATLAB struct."""
    struct = create_group(parent, name)
    struct.attrs["MATLAB_class"] = np.bytes_("struct")
    return struct


def write_numbers(group: h5py.Group, name: str, values: FloatArray) -> h5py.Dataset:
    """Doubles of any shape; HDF5 reverses MATLAB's order of axes."""
    filters: dict[str, Any] = {}
    if values.size >= COMPRESSED_FROM:
        filters = {"compression": "gzip", "compression_opts": COMPRESSION_LEVEL, "shuffle": True}
    dataset = group.create_dataset(name, data=values.astype(np.float64), **filters)
    dataset.attrs["MATLAB_class"] = np.bytes_("double")
    return dataset


def write_text(group: h5py.Group, name: str, text: str) -> h5py.Dataset:
    """Text as UTF-16 code units, shape `(len(text), 1)`."""
    units = np.frombuffer(text.encode("utf-16-le"), np.uint16).reshape(-1, 1)
    dataset = group.create_dataset(name, data=units)
    dataset.attrs["MATLAB_class"] = np.bytes_("char")
    dataset.attrs["MATLAB_int_decode"] = np.int32(2)
    return dataset


def write_references(
    group: h5py.Group, name: str, references: Sequence[h5py.Reference]
) -> h5py.Dataset:
    """A column of a cell array, shape `(len(references), 1)`."""
    column = np.empty((len(references), 1), dtype=h5py.ref_dtype)
    column[:, 0] = references
    return group.create_dataset(name, data=column, dtype=h5py.ref_dtype)


def _creation_of_row(shape: tuple[int, int]) -> Any:
    """How a row of doubles is stored: without times, compressed where it is long enough."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    if shape[1] >= COMPRESSED_FROM:
        creation.set_chunk(shape)
        creation.set_shuffle()
        creation.set_deflate(COMPRESSION_LEVEL)
    return creation


class ReferenceStore:
    """The group `#refs#`, where MATLAB keeps what references point to, under running names."""

    def __init__(self, file: h5py.File) -> None:
        self._group = create_group(file, "#refs#")

    def struct(self) -> h5py.Group:
        """A new struct."""
        return create_struct(self._group, self._next_name())

    def numbers(self, values: FloatArray) -> h5py.Reference:
        """A reference to a row of doubles, shape `(1, values.size)`."""
        return write_numbers(self._group, self._next_name(), np.reshape(values, (1, -1))).ref

    def rows(self, values: FloatArray) -> list[h5py.Reference]:
        """References to the rows of a matrix, as `numbers` gives them one by one.

        By low-level calls: what h5py's own objects cost for each is several times what it costs to
        compress and write so few values.
        """
        shape = (1, values.shape[1])
        creation, space = _creation_of_row(shape), h5s.create_simple(shape)
        name_type, scalar = h5t.py_create(np.dtype("S6"), logical=True), h5s.create(h5s.SCALAR)
        references = []
        for row in np.ascontiguousarray(values, np.float64):
            name = self._next_name().encode()
            dataset = h5d.create(self._group.id, name, h5t.IEEE_F64LE, space, creation)
            dataset.write(h5s.ALL, h5s.ALL, row)
            h5a.create(dataset, b"MATLAB_class", name_type, scalar).write(np.array(b"double"))
            references.append(h5r.create(dataset, b".", h5r.OBJECT))
        return references

    def text(self, text: str) -> h5py.Reference:
        """A reference to text."""
        return write_text(self._group, self._next_name(), text).ref

    def empty(self) -> h5py.Reference:
        """A reference to the 0 by 0 array: its dimensions in place of its values, and a mark."""
        dataset = self._group.create_dataset(self._next_name(), data=np.zeros(2, np.uint64))
        dataset.attrs["MATLAB_class"] = np.bytes_("double")
        dataset.attrs["MATLAB_empty"] = np.uint8(1)
        return dataset.ref

    def _next_name(self) -> str:
        return f"r{len(self._group):x}"
