"""What every reader of measurements keeps: files in, cells out, one cell in memory at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from data_prep.errors import SourceError
from data_prep.records import Cell, DroppedCell


@dataclass(frozen=True)
class SourceOptions:
    """What the user may say about the cells where the files do not.

    Args:
        nominal_capacity_ah: 1 C in A; None takes it from the source.
    """

    nominal_capacity_ah: float | None = None


class Source(Protocol):
    """The functions that a module of `data_prep.sources` has."""

    def find_files(self, location: Path) -> list[Path]:
        """The measurement files of this source at a folder or file, sorted.

        Raises:
            SourceError: Nothing there, or nothing that this source reads.
        """

    def read_cells(
        self, files: Sequence[Path], options: SourceOptions
    ) -> Iterator[Cell | DroppedCell]:
        """Cells in a fixed order; those that the source itself excludes come as dropped.

        Raises:
            SourceError: A file that cannot be read as what its name says.
        """


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
