"""What every reader of measurements keeps: files in, places of cells, and a cell at a place.

Listing is cheap and happens in one process; reading a cell happens in whatever process has time,
so that a place carries all that is needed to read its cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from data_prep.errors import SourceError
from data_prep.records import Cell, DroppedCell

# The reason of a cell or a file that cannot be read; the preparation goes on without it only
# where the user says so.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class SourceOptions:
    """What the user may say about the cells where the files do not.

    Args:
        nominal_capacity_ah: 1 C in A; None takes it from the source.
        temperature_column: Name of the column to take where a file has several; None takes the
            first.
    """

    nominal_capacity_ah: float | None = None
    temperature_column: str | None = None


@dataclass(frozen=True)
class CellPlace:
    """Where a cell lies; can be sent to another process.

    Args:
        cell_id: Its name, unique in its data set.
        path: The file that holds it, or most of it.
        key: What else the reader needs to find it.
    """

    cell_id: str
    path: Path
    key: Any = None


class Source(Protocol):
    """The functions that a module of `data_prep.sources` has."""

    def find_files(self, location: Path) -> list[Path]:
        """The measurement files of this source at a folder or file, sorted.

        Raises:
            SourceError: Nothing there, or nothing that this source reads.
        """

    def list_cells(
        self, files: Sequence[Path], options: SourceOptions
    ) -> Iterator[CellPlace | DroppedCell]:
        """The places of all cells, in a fixed order, without reading their cycles.

        A file that cannot be read comes as `unreadable`, so that the good ones go on.

        Raises:
            SourceError: What lies beside the measurements (`cells.csv`) is at fault.
        """

    def read_cell(self, place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
        """The cell at a place, its cycles still to be read; dropped where it is known to be bad.

        Raises:
            SourceError: A file that cannot be read as what its name says.
        """


def unreadable(path: Path, error: SourceError) -> DroppedCell:
    """A file of which not even the cells are known."""
    return DroppedCell(path.stem, path.name, UNREADABLE, str(error))


def list_files(location: Path, suffixes: tuple[str, ...], what: str) -> list[Path]:
    """The files at a folder (or one file) whose names end with one of the suffixes, sorted.

    Args:
        location: A folder, or one file.
        suffixes: Endings in lower case, such as `(".mat",)`.
        what: What is looked for, for the message: "MATR .mat files".

    Raises:
        SourceError: The location does not exist, or holds no such file.
    """
    if not location.exists():
        raise SourceError(f"{location}: no such file or folder. Give --input the place of {what}.")
    candidates = [location] if location.is_file() else sorted(location.iterdir())
    files = [path for path in candidates if path.is_file() and path.name.lower().endswith(suffixes)]
    if not files:
        raise SourceError(
            f"{location}: holds no {what} (names that end with {', '.join(suffixes)}). "
            f"Give --input their folder, or choose another --source."
        )
    return files
