"""What every reader of measurements keeps: files in, places of cells, and a cell at a place.

Listing is cheap and happens in one process; reading a cell happens in whatever process has time,
so that a place carries all that is needed to read its cell.
"""

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell

# The reason of a cell or a file that cannot be read; the preparation goes on without it only
# where the user says so.
UNREADABLE = "unreadable"

# What `--temperature-column` says to go without a temperature.
NO_TEMPERATURE = "none"

# Neither can be written to the card or shown in a line: controls, line ends, bytes that are no
# text (Python reads them as surrogates).
_NOT_IN_A_NAME = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class SourceOptions:
    """What the user may say about the cells where the files do not.

    Args:
        nominal_capacity_ah: 1 C in A; None takes it from the source.
        temperature_column: Name of the column to take where a file has several; `NO_TEMPERATURE`
            takes none, None the first.
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

    def side_files(self, files: Sequence[Path]) -> list[Path]:
        """The files beside the measurements that facts are taken from, sorted.

        Args:
            files: From `find_files`; none of them comes again.
        """


def unreadable(path: Path, error: SourceError) -> DroppedCell:
    """A file of which not even the cells are known."""
    return DroppedCell(path.stem, path.name, UNREADABLE, str(error))


def no_file(path: Path) -> SourceError | None:
    """What is wrong with a path that `list_files` found and that is no file; None where it is."""
    if path.is_symlink() and not path.exists():
        return SourceError(
            f"{path}: is a link that leads nowhere. Fetch what it stands for (git annex get), or "
            f"take it out of --input."
        )
    if path.is_dir():
        return SourceError(
            f"{path}: is a folder, expected a file. Rename it, or take it out of --input."
        )
    return None


def entries(location: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """What may be a measurement at a folder, sorted; or the one file.

    Files, links that lead nowhere, and folders that are named like a file: the last two so that
    they are named and not passed over.

    Args:
        location: A folder, or one file.
        suffixes: Endings in lower case of the names to take, `("",)` for all; of folders within,
            only those with a longer one.

    Raises:
        SourceError: The folder cannot be looked into, or a name cannot be written.
    """
    if location.is_file():
        return [location] if location.name.lower().endswith(suffixes) else []
    try:
        found = sorted(path for path in location.iterdir() if _is_meant(path, suffixes))
    except OSError as error:
        raise SourceError(
            f"{location}: cannot be looked into ({error.strerror}). Allow it, or give --input "
            f"another folder."
        ) from None
    for path in found:
        if _NOT_IN_A_NAME.search(path.name):
            raise SourceError(
                f"{location}: the name {path.name!a} holds a line end, a control or bytes that are "
                f"no UTF-8, and cannot be written to the card. Rename the file."
            )
    return found


def _is_meant(path: Path, suffixes: tuple[str, ...]) -> bool:
    if path.is_dir():
        return path.name.lower().endswith(tuple(filter(None, suffixes)))
    is_a_file = path.is_file() or path.is_symlink()
    return is_a_file and path.name.lower().endswith(suffixes)


def list_files(location: Path, suffixes: tuple[str, ...], what: str) -> list[Path]:
    """The files at a folder (or one file) whose names end with one of the suffixes, sorted.

    Links that lead nowhere and folders with such a name are among them; see `no_file`.

    Args:
        location: A folder, or one file.
        suffixes: Endings in lower case, such as `(".mat",)`.
        what: What is looked for, for the message: "MATR .mat files".

    Raises:
        SourceError: The location does not exist, cannot be looked into, holds no such file, or
            one whose name cannot be written.
    """
    if not location.exists():
        raise SourceError(f"{location}: no such file or folder. Give --input the place of {what}.")
    files = entries(location, suffixes)
    if not files:
        raise SourceError(
            f"{location}: holds no {what} (names that end with {', '.join(suffixes)}). "
            f"Give --input their folder, or choose another --source."
        )
    return files


def numbers_on_record(numbers: Sequence[int], last_cycle: int) -> tuple[int, ...] | None:
    """The ascending numbers of a cell's cycles for `Cell.cycle_numbers`.

    Returns:
        None where none is missing from 1 to the last cycle.
    """
    return None if len(numbers) == last_cycle else tuple(numbers)


def refuse_temperature_column(options: SourceOptions, what: str) -> None:
    """For readers of files that have one temperature, or none.

    Raises:
        SourceError: The user asks for one by its name.
    """
    if options.temperature_column not in (None, NO_TEMPERATURE):
        raise SourceError(
            f"--temperature-column {options.temperature_column}: {what} have one temperature at "
            f"most. Leave the flag out, or give {NO_TEMPERATURE} to go without."
        )


def as_asked(cell: Cell | DroppedCell, options: SourceOptions) -> Cell | DroppedCell:
    """The cell without its temperature, where the user asks for none."""
    if isinstance(cell, DroppedCell) or options.temperature_column != NO_TEMPERATURE:
        return cell
    return dataclasses.replace(cell, read_cycles=partial(_without_temperature, cell.read_cycles))


def _without_temperature(
    read_cycles: Callable[[int], Iterator[Cycle]], last: int
) -> Iterator[Cycle]:
    for cycle in read_cycles(last):
        yield dataclasses.replace(cycle, temperature_degc=None)
