"""Blocks of charges cut where one cell ends and the next begins."""

import dataclasses
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np

from data_prep.synthetic.charges import GeneratedCharges, GeneratedSet
from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.generation.formats.writing import POINTS_AT_ONCE


class CellSink(Protocol):
    """Writes cell after cell, each in one or several parts."""

    def add(self, part: GeneratedCharges) -> None:
        """Writes charges of the cell that is being written."""

    def end_cell(self, last: GeneratedCharges) -> None:
        """Closes the cell that its last part is of."""

    def close(self) -> None:
        """Completes all."""

    def discard(self) -> None:
        """Lets go of open files."""


class CellByCell:
    """A writer of blocks for a format that keeps its cells apart.

    What comes of a cell is held until the cell ends, or until it fills `POINTS_AT_ONCE`: so the
    parts, and the bytes written, are the same however the charges are cut into blocks.

    Args:
        sink: Where the cells go.
        folder: That is written, or its parent where it is a file.
        facts: Of the set.
    """

    def __init__(self, sink: CellSink, folder: Path, facts: SetFacts) -> None:
        self._sink = sink
        self._folder = folder
        self._most = max(POINTS_AT_ONCE // (facts.height * facts.width), 1)
        self._pending: list[GeneratedCharges] = []

    def add(self, block: ChargeBlock) -> None:
        """Writes the cells that come to their end in a block."""
        for part in parts_of(block):
            if self._pending and part.cell_id != self._pending[0].cell_id:
                self._end_cell()
            self._pending.append(part)
            while sum(map(len, self._pending)) > self._most:
                whole = joined(self._pending)
                self._sink.add(_rows(whole, slice(0, self._most)))
                self._pending = [_rows(whole, slice(self._most, None))]

    def close(self) -> list[Path]:
        """Completes the last cell and all files."""
        self._end_cell()
        self._sink.close()
        if self._folder.is_file():
            return [Path()]
        return sorted(path.relative_to(self._folder) for path in self._folder.iterdir())

    def discard(self) -> None:
        """Lets go of open files."""
        self._sink.discard()

    def _end_cell(self) -> None:
        if self._pending:
            last = joined(self._pending)
            self._sink.add(last)
            self._sink.end_cell(last)
        self._pending = []


def set_of(facts: SetFacts) -> GeneratedSet:
    """The facts of a set as the writers of `data_prep.synthetic` take them."""
    return GeneratedSet(**{f.name: getattr(facts, f.name) for f in dataclasses.fields(facts)})


def parts_of(block: ChargeBlock) -> Iterator[GeneratedCharges]:
    """The charges of each cell of a block, in order."""
    start = 0
    for cell_id, group in groupby(block.cell_ids):
        rows = slice(start, start + sum(1 for _ in group))
        yield GeneratedCharges(
            cell_id=cell_id,
            eol=int(block.labels[start, 0]),
            charge_policy=block.policies[start],
            ecl=block.labels[rows, 1],
            draw=int(block.draws[start]),
            in_support=block.in_support[rows],
            projected=block.projected[rows],
            curves={name: values[rows] for name, values in block.curves.items()},
        )
        start = rows.stop


def joined(parts: list[GeneratedCharges]) -> GeneratedCharges:
    """Parts of one cell as one, in their order."""
    if len(parts) == 1:
        return parts[0]
    return dataclasses.replace(
        parts[0],
        ecl=np.concatenate([part.ecl for part in parts]),
        in_support=np.concatenate([part.in_support for part in parts]),
        projected=np.concatenate([part.projected for part in parts]),
        curves={
            name: np.concatenate([part.curves[name] for part in parts]) for name in parts[0].curves
        },
    )


def _rows(part: GeneratedCharges, rows: slice) -> GeneratedCharges:
    return dataclasses.replace(
        part,
        ecl=part.ecl[rows],
        in_support=part.in_support[rows],
        projected=part.projected[rows],
        curves={name: values[rows] for name, values in part.curves.items()},
    )
