"""What came of all cells: which samples there are, and where their curves lie."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.cell_work import KeptCell
from data_prep.records import SIGNALS, Condition, FloatArray, Sample
from data_prep.spool import Integers, Spool, rows_by_cell

TEMPERATURE = SIGNALS.index("temperature_degc")


@dataclass(frozen=True)
class Gathering:
    """The kept cells of a data set by their number in the spool, in the order of the numbers.

    A sample has an index: cells one after the other, the cycles of each ascending.
    """

    cells: dict[int, KeptCell]
    spool: Spool

    @property
    def num_samples(self) -> int:
        """Charges of all cells."""
        return sum(len(cell.cycles) for cell in self.cells.values())

    @property
    def cell_ids(self) -> list[str]:
        """The cell of every sample."""
        return [kept.cell.cell_id for kept in self.cells.values() for _ in kept.cycles]

    @property
    def policy_of_cell(self) -> dict[str, tuple[float, ...]]:
        """The charge policy of every cell as numbers in a row; those of an unknown one are zero."""
        return {
            kept.cell.cell_id: tuple(kept.policy_steps.ravel().tolist())
            for kept in self.cells.values()
        }

    @property
    def signals_present(self) -> tuple[str, ...]:
        """The signals that every sample has; temperature is the only one that can be absent."""
        if self.without_temperature():
            return tuple(name for name in SIGNALS if name != "temperature_degc")
        return SIGNALS

    def without_temperature(self) -> list[tuple[str, int]]:
        """Cells with charges that have no temperature, and how many."""
        counts = [
            (kept.cell.cell_id, kept.has_temperature.count(False)) for kept in self.cells.values()
        ]
        return [(cell_id, count) for cell_id, count in counts if count]

    def curves(self, indices: Integers) -> Iterator[tuple[KeptCell, list[int], FloatArray]]:
        """Cell by cell, the samples of ascending indices.

        Yields:
            A cell, the numbers of the cycles, and their curves of shape
            `(cycles, len(SIGNALS), points)`; zero in place of a temperature that not all have.
        """
        counts = [len(kept.cycles) for kept in self.cells.values()]
        numbers = np.repeat(list(self.cells), counts)
        rows = np.concatenate([np.arange(count) for count in counts])
        absent = "temperature_degc" not in self.signals_present
        for number, part in rows_by_cell(numbers[indices], rows[indices]):
            kept = self.cells[number]
            curves = self.spool.read(number)[part]
            if absent:
                curves[:, TEMPERATURE] = 0.0
            yield kept, [kept.cycles[row] for row in part], curves

    def samples(self, indices: Integers) -> Iterator[Sample]:
        """The samples of ascending indices, one cell in memory at a time."""
        for kept, cycles, curves in self.curves(indices):
            for cycle, values in zip(cycles, curves, strict=True):
                yield Sample(
                    curves=values,
                    condition=Condition(kept.eol, cycle),
                    cell_id=kept.cell.cell_id,
                    charge_policy=kept.cell.charge_policy or "",
                    policy_steps=kept.policy_steps,
                )
