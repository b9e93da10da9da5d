"""The count of what was read, kept, mended and rejected; nothing is lost silently."""

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from data_prep.cleaning.rules import RULES
from data_prep.records import Cell, DroppedCell, Rejection
from data_prep.sources.base import UNREADABLE

if TYPE_CHECKING:
    from rich.table import Table

CELL_DROPPED = "cell_dropped"
WIDTH = 80  # of the report on the screen, and of a log file

NAME_WIDTH = max(len(rule.name) for rule in RULES)

# What is counted, how often, and one example.
Row = tuple[str, int, str]


@dataclass
class CleaningReport:
    """Counts, filled while the cells go by; `cycles_read == cycles_kept + cycles_rejected`.

    Args:
        kept_cycles: Cycles kept, by cell.
        dropped_cells: Cells that went no further.
        rejected_cycles: Cell, cycle number and reason of every rejected cycle of a kept cell.
        repaired_cycles: Cell, cycle number and name of every repair of a kept cycle.
        cells_by_note: The cells of which a note of their reader holds.
    """

    kept_cycles: dict[str, int] = field(default_factory=dict)
    dropped_cells: list[DroppedCell] = field(default_factory=list)
    rejected_cycles: list[tuple[str, int, Rejection]] = field(default_factory=list)
    repaired_cycles: list[tuple[str, int, str]] = field(default_factory=list)
    cells_by_note: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, cell: DroppedCell) -> None:
        """Counts a cell, and its cycles, as dropped."""
        self.dropped_cells.append(cell)

    def keep(
        self,
        cell: Cell,
        kept: int,
        rejected: Iterable[tuple[int, Rejection]],
        repairs: Mapping[int, tuple[str, ...]] | None = None,
    ) -> None:
        """Counts a cell's cycles; a cell of which no cycle is left counts as dropped.

        Args:
            cell: Its name and notes are used.
            kept: Number of its cycles that go on.
            rejected: Numbers of the others, and why.
            repairs: By the number of a kept cycle, what was mended in it.
        """
        rejected = list(rejected)
        for note in cell.notes:
            self.cells_by_note.setdefault(note, []).append(cell.cell_id)
        if not kept:
            self.drop(_without_charges(cell, rejected))
            return
        self.kept_cycles[cell.cell_id] = kept
        self.rejected_cycles += [(cell.cell_id, number, why) for number, why in rejected]
        self.repaired_cycles += [
            (cell.cell_id, number, name)
            for number, names in (repairs or {}).items()
            for name in names
        ]

    @property
    def cells_read(self) -> int:
        """Cells kept and dropped."""
        return len(self.kept_cycles) + len(self.dropped_cells)

    @property
    def cycles_kept(self) -> int:
        """Cycles that became samples."""
        return sum(self.kept_cycles.values())

    @property
    def dropped_by_reason(self) -> dict[str, list[DroppedCell]]:
        """Dropped cells by reason; unreadable ones first, then the most frequent."""
        groups: dict[str, list[DroppedCell]] = {}
        for cell in self.dropped_cells:
            groups.setdefault(cell.reason, []).append(cell)
        order = sorted(groups, key=lambda reason: (reason != UNREADABLE, -len(groups[reason])))
        return {reason: groups[reason] for reason in order}

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rejected cycles by reason, most frequent first; those of dropped cells among them."""
        counts = Counter(why.reason for _, _, why in self.rejected_cycles)
        counts[CELL_DROPPED] = sum(cell.num_cycles for cell in self.dropped_cells)
        return {reason: count for reason, count in counts.most_common() if count}

    @property
    def repaired(self) -> dict[str, int]:
        """Kept cycles by the repair that was made in them, most frequent first."""
        return dict(Counter(name for _, _, name in self.repaired_cycles).most_common())

    @property
    def cycles_read(self) -> int:
        """Every cycle that was asked for and is on record."""
        return self.cycles_kept + sum(self.rejected_by_reason.values())

    def to_dict(self) -> dict[str, Any]:
        """As the dataset card keeps it, with the rules that were applied."""
        return {
            "cells_read": self.cells_read,
            "cells_kept": len(self.kept_cycles),
            "cells_dropped": [vars(cell) for cell in self.dropped_cells],
            "cycles_read": self.cycles_read,
            "cycles_kept": self.cycles_kept,
            "cycles_rejected": self.rejected_by_reason,
            "cycles_repaired": self.repaired,
            "notes": {note: len(cells) for note, cells in self.cells_by_note.items()},
            "kept_cycles_by_cell": self.kept_cycles,
            "rejected": [
                {"cell_id": cell_id, "cycle": number, "reason": why.reason, "detail": why.detail}
                for cell_id, number, why in self.rejected_cycles
            ],
            "rules": [
                {"name": rule.name, "threshold": rule.threshold, "unit": rule.unit}
                for rule in RULES
            ],
        }

    def lines(self, width: int = WIDTH) -> Iterator[str]:
        """The report as text, for the screen."""
        from rich.console import Console

        rejected = sum(self.rejected_by_reason.values())
        cells = f"{self.cells_read} = {len(self.kept_cycles)} kept + {len(self.dropped_cells)}"
        sections = {
            f"cells read {cells} dropped": self._dropped_rows(),
            f"cycles read {self.cycles_read} = {self.cycles_kept} kept + {rejected} rejected": (
                self._rejected_rows()
            ),
            f"cycles mended, of those kept: {len(self._mended())}": self._repaired_rows(),
        }
        text = io.StringIO()
        # A bracket in a message is no style.
        console = Console(file=text, width=width, color_system=None, highlight=False, markup=False)
        for title, rows in sections.items():
            if rows or " read " in title:
                console.print(title)
                console.print(_table(rows))
        if self.cells_by_note:
            console.print("notes")
            console.print(_note_table(self._note_rows()))
        yield from (line.rstrip() for line in text.getvalue().splitlines())

    def _dropped_rows(self) -> list[Row]:
        return [
            (reason, len(cells), f"{cells[0].cell_id}: {cells[0].detail}")
            for reason, cells in self.dropped_by_reason.items()
        ]

    def _rejected_rows(self) -> list[Row]:
        examples = {CELL_DROPPED: "the cycles of the cells dropped"}
        for cell_id, number, why in self.rejected_cycles:
            examples.setdefault(why.reason, f"{cell_id} cycle {number}: {why.detail}")
        return [
            (reason, count, examples[reason]) for reason, count in self.rejected_by_reason.items()
        ]

    def _repaired_rows(self) -> list[Row]:
        examples: dict[str, str] = {}
        for cell_id, number, name in self.repaired_cycles:
            examples.setdefault(name, f"{cell_id} cycle {number}")
        return [(name, count, examples[name]) for name, count in self.repaired.items()]

    def _note_rows(self) -> list[tuple[str, str]]:
        """Of how many cells a note holds, and the note."""
        rows = []
        for note, cells in self.cells_by_note.items():
            if len(cells) == 1:
                rows.append((cells[0], note))
            else:
                example = "" if len(cells) == self.cells_read else f", such as {cells[0]}"
                rows.append((f"{len(cells)} cells", f"{note}{example}"))
        return rows

    def _mended(self) -> set[tuple[str, int]]:
        return {(cell_id, number) for cell_id, number, _ in self.repaired_cycles}


def _without_charges(cell: Cell, rejected: list[tuple[int, Rejection]]) -> DroppedCell:
    counts = Counter(why.reason for _, why in rejected)
    worst = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    first = f"; cycle {rejected[0][0]}: {rejected[0][1].detail}" if rejected else ""
    detail = f"{worst or 'no cycles'}{first}"
    return DroppedCell(cell.cell_id, cell.source_file, "no_usable_charge", detail, len(rejected))


def _table(rows: list[Row]) -> "Table":
    """What is counted, how often, and an example that takes the lines it needs."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)  # with its padding, the indent
    table.add_column(width=NAME_WIDTH)
    table.add_column(width=7, justify="right")
    table.add_column(overflow="fold")
    for name, count, example in rows:
        table.add_row("", name, str(count), example)
    return table


def _note_table(rows: list[tuple[str, str]]) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)
    table.add_column(max_width=NAME_WIDTH, overflow="ellipsis", no_wrap=True)
    table.add_column(overflow="fold")
    for cells, note in rows:
        table.add_row("", cells, note)
    return table
