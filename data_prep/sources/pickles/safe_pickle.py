"""Pickles of plain data, read without Python's own unpickler: no file can make it run anything.

`pickle.Unpickler` imports and calls what a file names. Held back in `find_class`, it still
reserves what a file declares (a byte array of a terabyte, a table of 2**32 places), sets
attributes of what is admitted, and follows nested tuples until the stack overflows. The machine
here knows the opcodes of plain data alone. A file takes memory in proportion to its bytes.
"""

import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.sources.pickles.stack import STEPS, VALUES, ImportRefusedError, Stack

OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
# Bytes that say how long an argument is, by the kind of argument.
LENGTH_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}

# A series is a run of these opcodes, each one byte and a big-endian float64.
FLOAT_OPCODE = ord("G")
FLOAT_RUN = re.compile(rb"(?:G.{8})++", re.DOTALL)
FLOAT_ITEM = np.dtype([("opcode", "u1"), ("value", ">f8")])


def load_plain(path: Path) -> Any:
    """What a pickle of plain data holds.

    Args:
        path: A pickle of protocol 2 to 5: None, numbers, text, bytes, lists, tuples, dicts with
            plain keys, sets; the dicts of `collections`; arrays and scalars of numpy.

    Returns:
        The same as Python's own; but `PickledArray` for a numpy array, a plain dict or list for
        the types of `collections`, and bytes for a bytearray.

    Raises:
        SourceError: The file cannot be read, is damaged, or wants to import anything else; names
            what it wants. Nothing of it was run.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Copy it again.") from None
    machine = _Machine(data)
    try:
        return machine.run()
    except ImportRefusedError as error:
        wanted = str(error)[:80].encode("unicode_escape").decode()
        raise SourceError(
            f"{path}: wants to import {wanted}. Pickles are read only where they hold plain "
            f"values and numpy arrays; nothing of this one was run. Take it out of --input, or "
            f"write the measurements as lists."
        ) from None
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        # What damage leads to: values that are missing, or of the wrong kind for their place.
        cause = "a part is missing" if isinstance(error, LookupError) else _first_line(error)
        raise SourceError(
            f"{path}, byte {machine.position}: is no pickle of plain data ({cause}). "
            f"Download or write the file again."
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:120] or type(error).__name__


class _Machine:
    """Reads opcode by opcode; each pushes a value of its own, or changes the stack."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0
        self.stack = Stack(len(data))

    def run(self) -> Any:
        while True:
            if self.data[self.position] == FLOAT_OPCODE:
                self._push_floats()
                continue
            opcode = OPCODES.get(self.data[self.position])
            if opcode is None:
                raise ValueError(f"unknown opcode {self.data[self.position]:#04x}")
            self.position += 1
            if opcode.name == "STOP":
                return self.stack.pop()
            argument = self._argument(opcode)
            if opcode.name in VALUES:
                self.stack.values.append(VALUES[opcode.name](argument))
            elif opcode.name in STEPS:
                STEPS[opcode.name](self.stack, argument)
            else:
                raise ValueError(f"opcode {opcode.name} is not one of plain data")

    def _push_floats(self) -> None:
        run = FLOAT_RUN.match(self.data, self.position)
        if run is None:
            raise ValueError("ends in the middle of a number")
        items = np.frombuffer(run.group(), FLOAT_ITEM)
        self.stack.values.extend(items["value"].tolist())
        self.position = run.end()

    def _argument(self, opcode: pickletools.OpcodeInfo) -> bytes:
        kind = opcode.arg.n if opcode.arg else 0
        if kind == pickletools.UP_TO_NEWLINE:
            lines = 2 if opcode.name in ("GLOBAL", "INST") else 1
            return b"".join(self._take_line() for _ in range(lines))
        size = int.from_bytes(self._take(LENGTH_BYTES[kind]), "little") if kind < 0 else kind
        return self._take(size)

    def _take(self, size: int) -> bytes:
        left = len(self.data) - self.position
        if size > left:
            raise ValueError(f"declares {size} bytes where {left} are left")
        self.position += size
        return self.data[self.position - size : self.position]

    def _take_line(self) -> bytes:
        return self._take(self.data.index(b"\n", self.position) + 1 - self.position)
