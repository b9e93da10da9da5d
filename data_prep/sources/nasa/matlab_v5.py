"""MATLAB v5 files of numbers, text, structs and cells, every declared size checked before use.

`scipy.io.loadmat` ends the whole process on some damaged files, and reserves what a file declares.
Objects, functions and sparse arrays are passed over: they come as None.
"""

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.records import FloatArray

HEADER_BYTES = 128
MOST_BYTES = 2**28  # of one variable; the largest file of NASA has 2**24 when inflated
MOST_LEVELS = 16  # structs within structs; NASA has four

# Names are those of the format's description, "MAT-File Format", MathWorks.
MI_MATRIX, MI_COMPRESSED, MI_UTF8 = 14, 15, 16
MI_NUMBERS = {
    **{1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4"},
    **{9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2", 18: "u4"},
}
MX_CELL, MX_STRUCT, MX_CHAR = 1, 2, 4
MX_NUMBERS = range(6, 16)
IS_COMPLEX = 0x0800


class Damaged(ValueError):
    """What a file has in place of a part of the format."""


class HigherVersion(Damaged):
    """A file of MATLAB 7.3, which is HDF5."""


def load_variables(path: Path) -> dict[str, Any]:
    """The variables of a file by name.

    Returns:
        Arrays of numbers flat, in column order, shape `(numbers,)`; text as str; a struct as a
        dict, an array of several or no structs and a cell array as a list; all else as None.

    Raises:
        Damaged: Not such a file, cut off, or sizes that contradict one another.
        OSError: It cannot be read at all.
    """
    data = path.read_bytes()
    if len(data) < HEADER_BYTES or data[126:128] not in (b"IM", b"MI"):
        raise Damaged("no header of MATLAB v5")
    order = "<" if data[126:128] == b"IM" else ">"
    version = int.from_bytes(data[124:126], "little" if order == "<" else "big")
    if version == 0x0200:
        raise HigherVersion("MATLAB v7.3")
    if version != 0x0100:
        raise Damaged(f"version {version:#06x} in its header")
    variables = {}
    for kind, content in _elements(data[HEADER_BYTES:], order):
        if kind == MI_COMPRESSED:
            kind, content = next(_elements(_inflated(content), order), (0, b""))
        if kind == MI_MATRIX:
            name, value = _array(content, order, MOST_LEVELS)
            variables[name] = value
    return variables


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each element in a row of them."""
    view, position = memoryview(data), 0
    byte_order: Any = "little" if order == "<" else "big"
    while position < len(data):
        if position + 8 > len(data):
            raise Damaged("the file is cut off")
        kind = int.from_bytes(view[position : position + 4], byte_order)
        size, start = int.from_bytes(view[position + 4 : position + 8], byte_order), position + 8
        if kind >> 16:
            # The short form: size and kind share four bytes, four more hold the content.
            kind, size, start = kind & 0xFFFF, kind >> 16, position + 4
            if size > 4:
                raise Damaged(f"a short element of {size} bytes")
        if start + size > len(data):
            raise Damaged(f"an element declares {size} bytes where {len(data) - start} are left")
        yield kind, data[start : start + size]
        padding = 0 if kind == MI_COMPRESSED else -size % 8
        position = position + 8 if start == position + 4 else start + size + padding


def _inflated(content: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(content, MOST_BYTES)
    except zlib.error as error:
        raise Damaged(str(error)) from None
    if inflater.unconsumed_tail:
        raise Damaged(f"a variable of more than {MOST_BYTES} bytes")
    if not inflater.eof:
        raise Damaged("the file is cut off")
    return data


def _array(content: bytes, order: str, levels_left: int) -> tuple[str, Any]:
    """Name and value of a matrix element; no content at all is MATLAB's `[]`."""
    if not content:
        return "", np.zeros(0)
    if levels_left == 0:
        raise Damaged(f"structs nested more than {MOST_LEVELS} deep")
    parts = _elements(content, order)
    flags = _integers(_next(parts), order)[0]
    sizes = _integers(_next(parts), order)
    if min(sizes) < 0:
        raise Damaged("an array of negative size")
    count = math.prod(sizes)
    name = _next(parts)[1].decode("latin-1")
    array_class = flags & 0xFF
    if array_class in MX_NUMBERS:
        return name, None if flags & IS_COMPLEX else _values(_next(parts), order, count)
    if array_class == MX_CHAR:
        return name, _text(_next(parts), order)
    if array_class == MX_STRUCT:
        return name, _structs(parts, order, count, levels_left)
    if array_class == MX_CELL:
        _check_room(content, count)
        return name, [_array(_matrix(parts), order, levels_left - 1)[1] for _ in range(count)]
    return name, None


def _structs(
    parts: Iterator[tuple[int, bytes]], order: str, count: int, levels_left: int
) -> dict[str, Any] | list[dict[str, Any]]:
    width = _integers(_next(parts), order)[0]
    joined = _next(parts)[1]
    if width < 1:
        raise Damaged("field names of no length")
    fields = [
        joined[start : start + width].split(b"\0")[0].decode("latin-1")
        for start in range(0, len(joined), width)
    ]
    rest = [content for kind, content in parts if kind == MI_MATRIX]
    if len(rest) != count * len(fields) or not fields:
        raise Damaged(f"{len(rest)} values for {count} structs of {len(fields)} fields")
    values = (_array(content, order, levels_left - 1)[1] for content in rest)
    structs = [{field: next(values) for field in fields} for _ in range(count)]
    return structs[0] if count == 1 else structs


def _check_room(content: bytes, count: int) -> None:
    if count * 8 > len(content):
        raise Damaged(f"{count} cells declared in {len(content)} bytes")


def _next(parts: Iterator[tuple[int, bytes]]) -> tuple[int, bytes]:
    part = next(parts, None)
    if part is None:
        raise Damaged("a part of an array is missing")
    return part


def _matrix(parts: Iterator[tuple[int, bytes]]) -> bytes:
    kind, content = _next(parts)
    if kind != MI_MATRIX:
        raise Damaged(f"an element of kind {kind} in place of an array")
    return content


def _numbers(part: tuple[int, bytes], order: str) -> FloatArray:
    kind, content = part
    if kind not in MI_NUMBERS:
        raise Damaged(f"an element of kind {kind} in place of numbers")
    dtype = np.dtype(order + MI_NUMBERS[kind])
    if len(content) % dtype.itemsize:
        raise Damaged(f"{len(content)} bytes for numbers of {dtype.itemsize}")
    return np.frombuffer(content, dtype)


def _integers(part: tuple[int, bytes], order: str) -> list[int]:
    """At least one whole number, as every part of an array's own header has."""
    numbers = _numbers(part, order)
    if numbers.dtype.kind == "f" or not numbers.size:
        raise Damaged("no whole numbers in the header of an array")
    return numbers.tolist()


def _values(part: tuple[int, bytes], order: str, count: int) -> FloatArray:
    kind, content = part
    numbers = _numbers(part, order) if content else np.zeros(0)
    if numbers.size != count:
        raise Damaged(f"an array declares {count} numbers and has {numbers.size}")
    return numbers.astype(np.float64)


def _text(part: tuple[int, bytes], order: str) -> str:
    kind, content = part
    if kind == MI_UTF8:
        return content.decode("utf-8", "replace")
    units = _integers(part, order) if content else []
    return "".join(chr(unit) for unit in units if 0 <= unit < 0x110000)
