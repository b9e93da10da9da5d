"""Battery Data Format: one cell a file, CSV or Parquet, facts in files beside it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.records import Cell, DroppedCell
from data_prep.sources.base import CellPlace, SourceOptions, list_files
from data_prep.sources.bdf.columns import find_columns, is_bdf_header
from data_prep.sources.cycler.cell_facts import CellFacts
from data_prep.sources.cycler.listing import fact_files, list_tables
from data_prep.sources.cycler.recordings import Recording, recorded_cell
from data_prep.sources.cycler.tables import Table, files_with_header

ENDINGS = (".bdf", ".bdf.gz", ".bdf.csv", ".bdf.csv.gz", ".bdf.parquet")
# Names that the format allows as well; the header decides.
PLAIN_ENDINGS = (".csv", ".csv.gz", ".parquet")


def find_files(location: Path) -> list[Path]:
    """The BDF files at a folder or file, sorted.

    In a folder, a table without `.bdf` in its name counts where its header is one of BDF, or is
    damaged; a file given by itself counts in any case.

    Raises:
        SourceError: Nothing there, or no such file.
    """
    files = list_files(location, ENDINGS + PLAIN_ENDINGS, "BDF files")
    found = files if location.is_file() else files_with_header(files, is_bdf)
    if not found:
        raise SourceError(
            f"{location}: holds no BDF files (names that end with {', '.join(ENDINGS)}, or tables "
            f"with the columns Test Time / s, Voltage / V and Current / A). Give --input their "
            f"folder, or choose another --source."
        )
    return found


def is_bdf(path: Path) -> bool:
    """Whether a file is of this format, by its name, else by its header alone."""
    name = path.name.lower()
    if not name.endswith(PLAIN_ENDINGS) or name.endswith(ENDINGS):
        return name.endswith(ENDINGS)
    try:
        return is_bdf_header(Table(path).names)
    except SourceError:
        return False


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """One cell a file, in the order of the files; its id is the name without the ending.

    Args:
        files: From `find_files`. Beside each, `cells.csv` may give end of life, nominal
            capacity, voltage limit and policy.
        options: Not looked at.

    Raises:
        SourceError: A `cells.csv` that is damaged, or has no row of a cell beside it.
    """
    del options
    return list_tables(files, ENDINGS + PLAIN_ENDINGS)


def side_files(files: Sequence[Path]) -> list[Path]:
    """`cells.csv` and `<cell_id>.capacity.csv` where they are."""
    return fact_files(files, ENDINGS + PLAIN_ENDINGS)


def read_cell(place: CellPlace, options: SourceOptions) -> Cell:
    """The cell of a file; `<cell_id>.capacity.csv` beside it gives discharge capacities.

    Args:
        place: From `list_cells`.
        options: Its nominal capacity goes before that of `cells.csv`.

    Raises:
        SourceError: A file that is damaged, lacks a column or has text for a number, or no
            nominal capacity; names the file and the row or column.
    """
    table = Table(place.path)
    columns, notes = find_columns(place.path, table.names, options.temperature_column)
    facts: CellFacts = place.key
    nominal_capacity_ah = options.nominal_capacity_ah or facts.nominal_capacity_ah
    if nominal_capacity_ah is None:
        raise SourceError(
            f"{place.path}: the nominal capacity of cell {place.cell_id} is unknown. Give "
            f"--nominal-capacity-ah, or `nominal_capacity_ah` in a cells.csv beside the file."
        )
    recording = Recording(place.cell_id, table, columns, nominal_capacity_ah)
    return recorded_cell(recording, facts, notes)
