"""One CSV: which charge and of what condition, then the signals with their units."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.generation.formats.tables import repeated, write_text
from rcvae_tf.generation.formats.writing import POINTS_AT_ONCE

# Before the signals. `sample` numbers the draws of a condition, `point` the points of a charge.
FACTS = ("sample", "eol", "ecl", "policy", "in_support", "projected", "point")


def open_writer(path: Path, facts: SetFacts) -> "CsvWriter":
    """A table at a path, overwritten."""
    return CsvWriter(path.open("wb"), facts)


class CsvWriter:
    """A row a point, block by block.

    Args:
        file: Empty.
        facts: Of the set.
    """

    def __init__(self, file: BinaryIO, facts: SetFacts) -> None:
        self._file = file
        self._signals = sorted(facts.signals, key=lambda name: name != "elapsed_time_s")
        self._points = facts.height * facts.width
        self._has_header = False

    def add(self, block: ChargeBlock) -> None:
        """Writes a block, some of its charges at a time."""
        at_once = max(POINTS_AT_ONCE // self._points, 1)
        for start in range(0, len(block), at_once):
            self._write(block, slice(start, start + at_once))

    def close(self) -> list[Path]:
        """Completes the file."""
        self._file.close()
        return [Path()]

    def discard(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _write(self, block: ChargeBlock, rows: slice) -> None:
        import pyarrow as pa

        values = (
            block.draws[rows],
            block.labels[rows, 0],
            block.labels[rows, 1],
            block.policies[rows],
            np.asarray(block.in_support[rows], np.int8),
            np.asarray(block.projected[rows], np.int8),
        )
        columns = dict(zip(FACTS, (repeated(part, self._points) for part in values), strict=False))
        columns["point"] = np.tile(np.arange(self._points), len(values[0]))
        columns |= {name: block.curves[name][rows].ravel() for name in self._signals}
        write_text(pa.table(columns), self._file, header=not self._has_header)
        self._has_header = True
