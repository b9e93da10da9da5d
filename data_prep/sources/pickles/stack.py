"""The stack of a pickle's machine, and what the opcodes of plain data do to it.

Nothing here imports, calls or changes anything but the plain values that a file holds.
"""

import struct
from collections.abc import Callable
from typing import Any

from data_prep.sources.pickles.imports import PickledArray, PickledDtype, plain_key, stand_in

HIGHEST_PROTOCOL = 5


class ImportRefusedError(Exception):
    """A pickle names something to import that is not admitted; its message is that name."""


class Stack:
    """Values, marks between them, and the memo of values that are met again.

    Args:
        num_bytes: Of the whole pickle. Calls copy their arguments, together no more than that: a
            short file could otherwise copy one long list a million times.
    """

    def __init__(self, num_bytes: int) -> None:
        self.values: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.left_to_copy = num_bytes + 64

    def pop(self) -> Any:
        """The topmost value; never across a mark."""
        if len(self.values) <= (self.marks[-1] if self.marks else 0):
            raise ValueError("a value is missing")
        return self.values.pop()

    def pop_to_mark(self) -> list[Any]:
        """The values since the last mark, and the mark."""
        mark = self.marks.pop()
        values = self.values[mark:]
        del self.values[mark:]
        return values

    def top(self, expected: type) -> Any:
        """The topmost value, left where it is."""
        value = self.pop()
        self.values.append(value)
        if type(value) is not expected:
            raise ValueError(f"{type(value).__name__} in place of {expected.__name__}")
        return value

    def admit(self, module: Any, name: Any) -> None:
        """Pushes what stands in for an import.

        Raises:
            ImportRefusedError: Nothing does.
        """
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("the name of an import is no text")
        found = stand_in(module, name)
        if found is None:
            raise ImportRefusedError(f"{module}.{name}")
        self.values.append(found)

    def call(self, function: Any, arguments: Any) -> Any:
        """What an admitted function makes."""
        if not callable(function) or type(arguments) is not tuple:
            raise ValueError(f"a call of {type(function).__name__}")
        self.left_to_copy -= sum(len(a) for a in arguments if hasattr(a, "__len__"))
        if self.left_to_copy < 0:
            raise ValueError("copies its values again and again")
        return function(*arguments)


# What an opcode pushes, of its argument alone.
VALUES: dict[str, Callable[[bytes], Any]] = {
    "NONE": lambda argument: None,
    "NEWTRUE": lambda argument: True,
    "NEWFALSE": lambda argument: False,
    "EMPTY_TUPLE": lambda argument: (),
    "EMPTY_LIST": lambda argument: [],
    "EMPTY_DICT": lambda argument: {},
    "EMPTY_SET": lambda argument: set(),
    "BINFLOAT": lambda argument: struct.unpack(">d", argument)[0],
    **dict.fromkeys(("BININT1", "BININT2"), lambda a: int.from_bytes(a, "little")),
    **dict.fromkeys(
        ("BININT", "LONG1", "LONG4"), lambda a: int.from_bytes(a, "little", signed=True)
    ),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"), bytes),
    **dict.fromkeys(
        ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
        lambda a: a.decode("utf-8", "surrogatepass"),
    ),
}


def _protocol(stack: Stack, argument: bytes) -> None:
    if argument[0] > HIGHEST_PROTOCOL:
        raise ValueError(f"pickle protocol {argument[0]}, known up to {HIGHEST_PROTOCOL}")


def _nothing(stack: Stack, argument: bytes) -> None:
    """The size of a frame only helps a reader that reads ahead."""


def _mark(stack: Stack, argument: bytes) -> None:
    stack.marks.append(len(stack.values))


def _tuple(stack: Stack, argument: bytes) -> None:
    stack.values.append(tuple(stack.pop_to_mark()))


def _short_tuple(size: int) -> Callable[[Stack, bytes], None]:
    def push(stack: Stack, argument: bytes) -> None:
        values = [stack.pop() for _ in range(size)]
        stack.values.append(tuple(reversed(values)))

    return push


def _append(stack: Stack, argument: bytes) -> None:
    value = stack.pop()
    stack.top(list).append(value)


def _appends(stack: Stack, argument: bytes) -> None:
    values = stack.pop_to_mark()
    stack.top(list).extend(values)


def _set_item(stack: Stack, argument: bytes) -> None:
    value, key = stack.pop(), stack.pop()
    stack.top(dict)[plain_key(key)] = value


def _set_items(stack: Stack, argument: bytes) -> None:
    values = stack.pop_to_mark()
    pairs = zip(map(plain_key, values[::2]), values[1::2], strict=True)
    stack.top(dict).update(pairs)


def _add_items(stack: Stack, argument: bytes) -> None:
    values = stack.pop_to_mark()
    stack.top(set).update(map(plain_key, values))


def _frozen_set(stack: Stack, argument: bytes) -> None:
    stack.values.append(set(map(plain_key, stack.pop_to_mark())))


def _memoize(stack: Stack, argument: bytes) -> None:
    index = int.from_bytes(argument, "little") if argument else len(stack.memo)
    stack.memo[index] = stack.values[-1]


def _get(stack: Stack, argument: bytes) -> None:
    stack.values.append(stack.memo[int.from_bytes(argument, "little")])


def _global(stack: Stack, argument: bytes) -> None:
    module, name = argument.decode("utf-8").splitlines()
    stack.admit(module, name)


def _stack_global(stack: Stack, argument: bytes) -> None:
    name, module = stack.pop(), stack.pop()
    stack.admit(module, name)


def _reduce(stack: Stack, argument: bytes) -> None:
    arguments, function = stack.pop(), stack.pop()
    stack.values.append(stack.call(function, arguments))


def _build(stack: Stack, argument: bytes) -> None:
    state = stack.pop()
    target = stack.values[-1]
    if not isinstance(target, PickledArray | PickledDtype):
        raise ValueError(f"a state for {type(target).__name__}")
    target.set_state(state)


STEPS: dict[str, Callable[[Stack, bytes], None]] = {
    "PROTO": _protocol,
    "FRAME": _nothing,
    "MARK": _mark,
    "TUPLE": _tuple,
    **{f"TUPLE{size}": _short_tuple(size) for size in (1, 2, 3)},
    "APPEND": _append,
    "APPENDS": _appends,
    "SETITEM": _set_item,
    "SETITEMS": _set_items,
    "ADDITEMS": _add_items,
    "FROZENSET": _frozen_set,
    **dict.fromkeys(("MEMOIZE", "BINPUT", "LONG_BINPUT"), _memoize),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _get),
    # INST names a class as GLOBAL does; no admitted one is made that way.
    **dict.fromkeys(("GLOBAL", "INST"), _global),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
}
