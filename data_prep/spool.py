"""Curves of cells on the disk while a data set is made, so that memory does not grow with it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import DatasetError
from data_prep.records import SIGNALS, FloatArray

Integers = NDArray[np.integer]


@dataclass(frozen=True)
class Spool:
    """A folder with a file of float32 a cell; its methods can be used in any process.

    Args:
        directory: Exists.
        num_points: Points of a series.
    """

    directory: Path
    num_points: int

    def write(self, number: int, curves: FloatArray) -> None:
        """Keeps the curves of a cell, shape `(charges, len(SIGNALS), num_points)`.

        Raises:
            DatasetError: The disk does not take them.
        """
        try:
            self._path(number).write_bytes(np.asarray(curves, np.float32).tobytes())
        except OSError as error:
            raise DatasetError(
                f"curves cannot be kept beside --output ({error.strerror}). Make room, or choose "
                f"another --output."
            ) from error

    def read(self, number: int) -> FloatArray:
        """All curves of a cell, as they were written."""
        flat = np.fromfile(self._path(number), np.float32)
        return flat.reshape(-1, len(SIGNALS), self.num_points)

    def remove(self) -> None:
        """Deletes the folder and all that is in it."""
        shutil.rmtree(self.directory)

    def _path(self, number: int) -> Path:
        return self.directory / f"{number}.f4"


def spool_in(directory: Path, num_points: int) -> Spool:
    """An empty spool in a folder that is there."""
    spool = Spool(directory / "spool", num_points)
    spool.directory.mkdir()
    return spool


def rows_by_cell(cell_numbers: Integers, rows: Integers) -> Iterator[tuple[int, Integers]]:
    """Groups of consecutive samples of one cell: its number, and the rows of the samples in it.

    Args:
        cell_numbers: Of each sample; a cell's samples follow one another.
        rows: Of each sample within the spooled curves of its cell.
    """
    if not cell_numbers.size:
        return
    starts = np.flatnonzero(np.diff(cell_numbers)) + 1
    for part in np.split(np.arange(cell_numbers.size), starts):
        yield int(cell_numbers[part[0]]), rows[part]
