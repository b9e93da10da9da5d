"""The small simulated data set in the package, in the layout of the MATR files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.records import Cell, DroppedCell
from data_prep.sources import matr
from data_prep.sources.base import CellPlace, SourceOptions

DEMO_FILE = Path(__file__).resolve().parent.parent / "demo" / "demo.mat"


def find_files(location: Path) -> list[Path]:
    """The one file, wherever the package is installed; the location is not looked at."""
    del location
    return [DEMO_FILE]


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """Cells `demo_c0` to `demo_c11`."""
    return matr.list_cells(files, options)


def side_files(files: Sequence[Path]) -> list[Path]:
    """None: all is in the file."""
    return matr.side_files(files)


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """Read as any cell of a MATR file is."""
    return matr.read_cell(place, options)
