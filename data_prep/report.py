"""The count of what was read, kept and rejected; nothing is lost silently."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from data_prep.records import Cell, DroppedCell, Rejection

CELL_DROPPED = "cell_dropped"


@dataclass
class CleaningReport:
    """Counts, filled while the cells go by; `cycles_read == cycles_kept + cycles_rejected`.

    Args:
        kept_cycles: Cycles kept, by cell.
        dropped_cells: Cells that went no further.
        rejected_cycles: Cell, cycle number and reason of every rejected cycle of a kept cell.
    """

    kept_cycles: dict[str, int] = field(default_factory=dict)
    dropped_cells: list[DroppedCell] = field(default_factory=list)
    rejected_cycles: list[tuple[str, int, Rejection]] = field(default_factory=list)

    def drop(self, cell: DroppedCell) -> None:
        """Counts a cell, and its cycles, as dropped."""
        self.dropped_cells.append(cell)

    def keep(self, cell: Cell, kept: int, rejected: list[tuple[int, Rejection]]) -> None:
        """Counts a cell's cycles; a cell of which no cycle is left counts as dropped."""
        if kept:
            self.kept_cycles[cell.cell_id] = kept
            self.rejected_cycles += [(cell.cell_id, number, why) for number, why in rejected]
            return
        counts = Counter(why.reason for _, why in rejected)
        worst = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
        first = f"; cycle {rejected[0][0]}: {rejected[0][1].detail}" if rejected else ""
        detail = f"{worst or 'no cycles'}{first}"
        self.drop(
            DroppedCell(cell.cell_id, cell.source_file, "no_usable_charge", detail, len(rejected))
        )

    @property
    def cells_read(self) -> int:
        """Cells kept and dropped."""
        return len(self.kept_cycles) + len(self.dropped_cells)

    @property
    def cycles_kept(self) -> int:
        """Cycles that became samples."""
        return sum(self.kept_cycles.values())

    @property
    def rejected_by_reason(self) -> dict[str, int]:
        """Rejected cycles by reason, most frequent first; those of dropped cells among them."""
        counts = Counter(why.reason for _, _, why in self.rejected_cycles)
        counts[CELL_DROPPED] = sum(cell.num_cycles for cell in self.dropped_cells)
        return {reason: count for reason, count in counts.most_common() if count}

    @property
    def cycles_read(self) -> int:
        """Every cycle that was asked for and is on record."""
        return self.cycles_kept + sum(self.rejected_by_reason.values())

    def to_dict(self) -> dict[str, Any]:
        """As the dataset card keeps it."""
        return {
            "cells_read": self.cells_read,
            "cells_kept": len(self.kept_cycles),
            "cells_dropped": [vars(cell) for cell in self.dropped_cells],
            "cycles_read": self.cycles_read,
            "cycles_kept": self.cycles_kept,
            "cycles_rejected": self.rejected_by_reason,
            "kept_cycles_by_cell": self.kept_cycles,
            "rejected": [
                {"cell_id": cell_id, "cycle": number, "reason": why.reason, "detail": why.detail}
                for cell_id, number, why in self.rejected_cycles
            ],
        }

    def lines(self) -> Iterator[str]:
        """The report as text, for the screen."""
        yield (
            f"cells   read {self.cells_read} = kept {len(self.kept_cycles)} "
            f"+ dropped {len(self.dropped_cells)}"
        )
        for cell in self.dropped_cells:
            yield f"        {cell.cell_id} dropped: {cell.reason}: {cell.detail}"
        rejected = self.rejected_by_reason
        yield (
            f"cycles  read {self.cycles_read} = kept {self.cycles_kept} "
            f"+ rejected {sum(rejected.values())}"
        )
        for reason, count in rejected.items():
            example = next((r for r in self.rejected_cycles if r[2].reason == reason), None)
            shown = (
                f", such as {example[0]} cycle {example[1]}: {example[2].detail}" if example else ""
            )
            yield f"        {count} {reason}{shown}"
