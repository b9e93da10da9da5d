"""The few names that a pickle of plain data may import, and what stands in for each of them.

None of the named things is ever imported or called: the functions of this module make what the
pickle describes, out of bytes that lie in the file.
"""

import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray

PLAIN_TYPES = (str, bytes, int, float, bool, type(None))
MOST_DIMENSIONS = 8

# Numbers and text; objects, times and structures are not read.
_CODE = re.compile(r"[<>|=]?(?:[iuf][1248]|f16|b1|\?|[US]\d{1,9})")


class PickledDtype:
    """A type of numpy, of numbers or of text, its byte order still to come."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, *flags: Any) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise ValueError(
                f"arrays must hold real numbers or text, found numpy type {shown(code)}"
            )
        self.dtype = np.dtype(code)

    def set_state(self, state: Any) -> None:
        """Takes the byte order out of numpy's state: version, order, and nothing but defaults."""
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"numpy type of unknown byte order {shown(order)}")
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """An array of numbers or of text; `values` is None until its state has come."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: NDArray[Any] | None = None

    def numbers(self) -> FloatArray | list[Any] | None:
        """The numbers; text as a list of it, which numpy would read as numbers."""
        if self.values is not None and self.values.dtype.kind in "US":
            return list(self.values.flat)
        return self.values

    def set_state(self, state: Any) -> None:
        """Takes numpy's state: version, shape, type, column order, bytes."""
        _, shape, dtype, is_column_order, data = state
        self.fill(data, dtype, shape, "F" if is_column_order else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        """A view of bytes as an array; its declared size is compared before anything is made."""
        if not isinstance(dtype, PickledDtype) or not isinstance(data, bytes):
            raise ValueError("arrays must hold real numbers, found Python objects")
        sizes = (shape,) if isinstance(shape, int) else tuple(shape)
        if len(sizes) > MOST_DIMENSIONS or not all(_is_size(size) for size in sizes):
            raise ValueError("the shape of an array is none")
        declared = math.prod(sizes) * dtype.dtype.itemsize
        if declared != len(data):
            raise ValueError(f"an array declares {declared:.6g} bytes and has {len(data)}")
        _check_text(dtype.dtype, data)
        if dtype.dtype.itemsize == 0 and math.prod(sizes) > 1:
            raise ValueError("an array of empty text")
        self.values = np.ndarray(sizes, dtype.dtype, buffer=data, order=order)


def _check_text(dtype: np.dtype[Any], data: bytes) -> None:
    """Numpy ends in the interpreter's own error where it makes text of what is no character."""
    if dtype.kind == "U" and len(data) >= 4:
        codes = np.frombuffer(
            data[: len(data) // 4 * 4], np.dtype("u4").newbyteorder(dtype.byteorder)
        )
        if int(codes.max()) > sys.maxunicode:
            raise ValueError("text out of the range of characters")


class Marker:
    """A name that may be mentioned, as the class of an array or a dict's default, not called."""

    __slots__ = ()


def _reconstruct(cls: Any, shape: Any, code: Any) -> PickledArray:
    return PickledArray()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> PickledArray:
    array = PickledArray()
    array.fill(data, dtype, shape, order)
    return array


def _scalar(dtype: Any, data: Any) -> Any:
    array = _from_buffer(data, dtype, 1, "C")
    value = array.values.item() if array.values is not None else None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _set(items: Any = ()) -> set[Any]:
    return set(map(plain_key, items))


def _dict(pairs: Any = ()) -> dict[Any, Any]:
    return {plain_key(key): value for key, value in pairs}


def _default_dict(factory: Any = None) -> dict[Any, Any]:
    # Nobody asks it for a key that it does not have.
    return {}


def _list(items: Any = (), longest: Any = None) -> list[Any]:
    return list(items)


def _bytes(data: Any = b"", encoding: Any = "latin-1") -> bytes:
    """What `bytearray` and `_codecs.encode` make of bytes, or of text whose characters are bytes.

    A number is refused: `bytearray(10**12)` takes a terabyte.
    """
    if isinstance(data, str) and encoding in ("latin-1", "latin1"):
        return data.encode("latin-1")
    if not isinstance(data, bytes):
        raise ValueError(f"bytes made of {type(data).__name__}, encoding {shown(encoding)}")
    return data


def _complex(real: Any, imaginary: Any) -> complex:
    return complex(float(real), float(imaginary))


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 2**63


def shown(value: Any) -> str:
    """A value for a message, short whatever it is: the text of nested lists may be endless."""
    if isinstance(value, str):
        return repr(value[:40])
    is_short = isinstance(value, float | bool | None) or (
        isinstance(value, int) and abs(value) < 10**15
    )
    return repr(value) if is_short else type(value).__name__


def plain_key(key: Any) -> Any:
    """A key of a dict or member of a set, of which the hash is cheap.

    Tuples in tuples make a hash that takes for ever, or overflows the stack.
    """
    if not isinstance(key, PLAIN_TYPES):
        raise ValueError(f"a key must be text or a number, found {type(key).__name__}")
    return key


_NUMPY: dict[str, dict[str, Callable[..., Any]]] = {
    "multiarray": {"_reconstruct": _reconstruct, "scalar": _scalar},
    "numeric": {"_frombuffer": _from_buffer},
}

ADMITTED: dict[tuple[str, str], Callable[..., Any] | Marker] = {
    ("numpy", "ndarray"): Marker(),
    ("numpy", "dtype"): PickledDtype,
    ("collections", "OrderedDict"): _dict,
    ("collections", "defaultdict"): _default_dict,
    ("collections", "deque"): _list,
    ("_codecs", "encode"): _bytes,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "bytes"): _bytes,
    ("builtins", "set"): _set,
    ("builtins", "frozenset"): _set,
    ("builtins", "complex"): _complex,
    **{("builtins", name): Marker() for name in ("list", "dict", "int", "float", "str")},
    **{
        # numpy 2 renamed `core`; both spellings are in files.
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, names in _NUMPY.items()
        for name, stand_in in names.items()
    },
}


def stand_in(module: str, name: str) -> Callable[..., Any] | Marker | None:
    """What stands in for an import, None where it is not admitted."""
    # Protocols up to 2 have Python 2's name of the module.
    return ADMITTED.get(("builtins" if module == "__builtin__" else module, name))
