"""The count of what was read, kept, mended and rejected; nothing is lost silently."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from data_prep.cleaning.rules import RULES
from data_prep.cleaning.text_tables import Row, text_of
from data_prep.records import Cell, DroppedCell, Rejection
from data_prep.sources.base import UNREADABLE

CELL_DROPPED = "cell_dropped"
WIDTH = 80  # of the report on the screen, and of a log file
MOST_UNREADABLE = 20  # files that are named, one a row


@dataclass
class CleaningReport:
    """Counts, filled while the cells go by; `cycles_read == cycles_kept + cycles_rejected`.

    Args:
        kept_cycles: Cycles kept, by cell.
        dropped_cells: Cells that went no further.
        rejected_cycles: Cell, cycle number and reason of every rejected cycle.
        repaired_cycles: Cell, cycle number and name of every repair of a kept cycle.
        cells_by_note: The cells of which a note of their reader holds.
        left_out_ah: Cell, cycle number and what was moved by the other charges of a kept cycle.
        without_rules: Names of the rules that were left out.
    """

    kept_cycles: dict[str, int] = field(default_factory=dict)
    dropped_cells: list[DroppedCell] = field(default_factory=list)
    rejected_cycles: list[tuple[str, int, Rejection]] = field(default_factory=list)
    repaired_cycles: list[tuple[str, int, str]] = field(default_factory=list)
    cells_by_note: dict[str, list[str]] = field(default_factory=dict)
    left_out_ah: list[tuple[str, int, tuple[float, ...]]] = field(default_factory=list)
    without_rules: tuple[str, ...] = ()

    def drop(self, cell: DroppedCell) -> None:
        """Counts a cell, and those of its cycles that were not looked at, as dropped."""
        self.dropped_cells.append(cell)
        self._note(cell)

    def keep(
        self,
        cell: Cell,
        kept: int,
        rejected: Iterable[tuple[int, Rejection]],
        repairs: Mapping[int, tuple[str, ...]] | None = None,
        left_out_ah: Mapping[int, tuple[float, ...]] | None = None,
    ) -> None:
        """Counts a cell's cycles; a cell of which no cycle is left counts as dropped too.

        Args:
            cell: Its name and notes are used.
            kept: Number of its cycles that go on.
            rejected: Numbers of the others, and why.
            repairs: By the number of a kept cycle, what was mended in it.
            left_out_ah: By the number of a kept cycle, what its other charges moved.
        """
        rejected = list(rejected)
        self.rejected_cycles += [(cell.cell_id, number, why) for number, why in rejected]
        if not kept:
            self.drop(_without_charges(cell, rejected))
            return
        self._note(cell)
        self.kept_cycles[cell.cell_id] = kept
        self.left_out_ah += [
            (cell.cell_id, number, moved) for number, moved in (left_out_ah or {}).items()
        ]
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
        """Rejected cycles by reason, most frequent first; those not looked at among them."""
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
            "cycles_with_other_charges": len(self.left_out_ah),
            "notes": {note: len(cells) for note, cells in self.cells_by_note.items()},
            "kept_cycles_by_cell": self.kept_cycles,
            "rejected": [
                {"cell_id": cell_id, "cycle": number, "reason": why.reason, "detail": why.detail}
                for cell_id, number, why in self.rejected_cycles
            ],
            "other_charges": [
                {"cell_id": cell_id, "cycle": number, "charged_ah": [round(ah, 4) for ah in moved]}
                for cell_id, number, moved in self.left_out_ah
            ],
            "rules": [
                {"name": rule.name, "threshold": rule.threshold, "unit": rule.unit}
                for rule in RULES
                if rule.name not in self.without_rules
            ],
        }

    def lines(self, width: int = WIDTH) -> Iterator[str]:
        """The report as text, for the screen."""
        rejected = sum(self.rejected_by_reason.values())
        cells = f"{self.cells_read} = {len(self.kept_cycles)} kept + {len(self.dropped_cells)}"
        sections: dict[str, list[Row]] = {
            f"cells read {cells} dropped": self._dropped_rows(),
            f"cycles read {self.cycles_read} = {self.cycles_kept} kept + {rejected} rejected": (
                self._rejected_rows()
            ),
            f"cycles mended, of those kept: {len(self._mended())}": self._repaired_rows(),
            "cycles with other charges, of those kept": self._other_charge_rows(),
            "rules left out": [(name, "", "by --without-rules") for name in self.without_rules],
        }
        shown = {title: rows for title, rows in sections.items() if rows or " read " in title}
        yield from text_of(shown, self._note_rows(), width)

    def _note(self, cell: Cell | DroppedCell) -> None:
        for note in cell.notes:
            self.cells_by_note.setdefault(note, []).append(cell.cell_id)

    def _dropped_rows(self) -> list[Row]:
        rows: list[Row] = []
        for reason, cells in self.dropped_by_reason.items():
            # A file that cannot be read is for the user to mend, each in its own way.
            shown = cells[:MOST_UNREADABLE] if reason == UNREADABLE else cells[:1]
            examples = [f"{cell.cell_id}: {cell.detail}" for cell in shown]
            if reason == UNREADABLE and len(cells) > len(shown):
                examples.append(f"and {len(cells) - len(shown)} more")
            rows.append((reason, len(cells), examples[0]))
            rows += [("", "", example) for example in examples[1:]]
        return rows

    def _rejected_rows(self) -> list[Row]:
        examples = {CELL_DROPPED: "of the cells dropped, not looked at"}
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

    def _other_charge_rows(self) -> list[Row]:
        if not self.left_out_ah:
            return []
        cell_id, number, moved = max(self.left_out_ah, key=lambda item: max(item[2]))
        example = f"{cell_id} cycle {number}: {max(moved):.3g} Ah beside the charge that is kept"
        return [("left out", len(self.left_out_ah), example)]

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
    return DroppedCell(cell.cell_id, cell.source_file, "no_usable_charge", detail, notes=cell.notes)
