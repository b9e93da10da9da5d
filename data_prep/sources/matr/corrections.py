"""Known defects of the MATR data set (Severson et al. 2019): a table with a reference a row.

`defects.csv` is the table. A row without a batch holds for every file in the layout; a row
of a batch holds for the published file alone, which the reader tells by its name
and its number of cells.
"""

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

REGISTRY = Path(__file__).with_name("defects.csv")

# What the preparation does about a defect.
ACTIONS = {
    "drop_cell": "the cell is left out",
    "join": "the cycles of the cell `value` follow, and that one is no cell of its own",
    "extend_life": "`value` cycles are added to the end of life",
    "skip_entry": "the entries of `cycles` from first to last are no cycles",
    "convert": "`field` is multiplied by `value`",
    "set": "`field` is `value` for every cell",
    "by_capacity": "where `field` is no number, the discharge capacities tell the end of life",
    "check": "the rules of the cleaning judge each cycle",
    "note": "the notes of the cell say it, where its record has the cycles",
    "none": "nothing is to be done here",
}


class Batch(NamedTuple):
    """One published file: how its name begins, what its cells are called, how many they are."""

    date: str
    name: str
    num_cells: int


BATCHES = (
    Batch("2017-05-12", "b1", 46),
    Batch("2017-06-30", "b2", 48),
    Batch("2018-04-12", "b3", 46),
)


@dataclass(frozen=True)
class Defect:
    """A row of the table.

    Args:
        id: Its name, unique.
        batch: `b1` to `b3`, or empty for every file in the layout.
        cell_id: Empty for every cell.
        channel: Of the cycler, as `channel_id` has it; empty for every channel.
        field: Of the file or of `Cell`; empty where it is none of its own.
        first_cycle: None where it is no matter of cycles.
        last_cycle: None where it goes on.
        defect: What is wrong, in words for a report.
        action: One of `ACTIONS`.
        value: What the action needs.
        reference: Where it is described.
    """

    id: str
    batch: str
    cell_id: str
    channel: str
    field: str
    first_cycle: int | None
    last_cycle: int | None
    defect: str
    action: str
    value: str
    reference: str


class Continuation(NamedTuple):
    """A cell whose test went on in another batch under another name."""

    cell_id: str
    continued_as: str
    added_cycles: int
    id: str


def read_defects(path: Path) -> tuple[Defect, ...]:
    """The rows of a table of defects.

    Raises:
        ValueError: Another header, a row of other length, an unknown action or batch, an `id`
            that is there twice, no words or no reference; names the row.
    """
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    expected = [field.name for field in fields(Defect)]
    if header != expected:
        raise ValueError(f"{path}: columns must be {expected}. Received: {header}.")
    defects: dict[str, Defect] = {}
    for row in rows:
        if len(row) != len(expected):
            raise ValueError(f"{path}: {row} must have {len(expected)} values.")
        defect = _defect(row)
        fault = _fault(defect) or ("`id` is there twice" if defect.id in defects else None)
        if fault:
            raise ValueError(f"{path}: {defect.id}: {fault}. Received: {row}.")
        defects[defect.id] = defect
    return tuple(defects.values())


@cache
def known_defects() -> tuple[Defect, ...]:
    """The rows of the table in the package."""
    return read_defects(REGISTRY)


def first_cycle_entry() -> int:
    """The first entry of `cycles` that is a cycle; its index is the number of the cycle."""
    return 1 + max(row.last_cycle or 0 for row in _with_action("skip_entry"))


def factor(field: str) -> float:
    """What turns the numbers of a field into this project's unit."""
    return next((float(row.value) for row in _with_action("convert") if row.field == field), 1.0)


def setting(field: str) -> float:
    """The value of a field that is the same for every cell."""
    return next(float(row.value) for row in _with_action("set") if row.field == field)


def unknown_life_note() -> str:
    """What the notes of a cell say whose file gives no end of life."""
    return next(row.defect for row in _with_action("by_capacity"))


def exclusion(cell_id: str) -> Defect | None:
    """Why a cell of the published files is left out."""
    return next((row for row in _with_action("drop_cell") if row.cell_id == cell_id), None)


@cache
def continuations() -> tuple[Continuation, ...]:
    """The cells of batch 1 that went on in batch 2."""
    added = {row.cell_id: int(row.value) for row in _with_action("extend_life")}
    return tuple(
        Continuation(row.cell_id, row.value, added[row.cell_id], row.id)
        for row in _with_action("join")
    )


def continuation(cell_id: str) -> Continuation | None:
    """How the test of a cell of batch 1 went on."""
    return next((row for row in continuations() if row.cell_id == cell_id), None)


def continued_cell(cell_id: str) -> Continuation | None:
    """Which test a cell of batch 2 goes on with."""
    return next((row for row in continuations() if row.continued_as == cell_id), None)


def notes(cell_id: str, channel: str, last_cycle: int) -> tuple[str, ...]:
    """What is to be known of a cell of the published files whose record ends at a cycle."""
    batch = cell_id.split("c")[0]
    return tuple(
        row.defect
        for row in _with_action("note")
        if row.batch == batch
        and row.cell_id in ("", cell_id)
        and row.channel in ("", channel)
        and (row.first_cycle or 0) <= last_cycle
    )


def _with_action(action: str) -> list[Defect]:
    return [row for row in known_defects() if row.action == action]


def _defect(row: list[str]) -> Defect:
    values: dict[str, str | int | None] = dict(
        zip([f.name for f in fields(Defect)], row, strict=True)
    )
    for name in ("first_cycle", "last_cycle"):
        values[name] = int(str(values[name])) if values[name] else None
    return Defect(**values)  # type: ignore[arg-type]


def _fault(row: Defect) -> str | None:
    """What is wrong with a row."""
    if row.action not in ACTIONS:
        return f"`action` must be one of {', '.join(ACTIONS)}"
    if row.batch not in ("", *(batch.name for batch in BATCHES)):
        return "`batch` must be empty or that of a published file"
    if not (row.id and row.defect and row.reference):
        return "`id`, `defect` and `reference` must not be empty"
    if row.action in ("join", "extend_life", "convert", "set") and not row.value:
        return f"`{row.action}` needs a `value`"
    return None
