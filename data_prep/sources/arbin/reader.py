"""Arbin CSV as the raw downloads of MATR have it: one cell a file, with or without metadata."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.records import Cell, DroppedCell
from data_prep.sources.arbin.metadata import metadata_file, with_metadata
from data_prep.sources.base import NO_TEMPERATURE, CellPlace, SourceOptions, list_files
from data_prep.sources.cycler.listing import cell_id_of, fact_files, list_tables
from data_prep.sources.cycler.recordings import Recording, recorded_cell
from data_prep.sources.cycler.tables import Table, files_with_header, listed
from data_prep.sources.cycler.units import UNITS, Column

ENDINGS = (".csv", ".csv.gz")

# By our names: the names in lower case, without a unit in parentheses, and the kind of the unit.
COLUMNS = {
    "time_s": ("test_time", "time_s"),
    "voltage_v": ("voltage", "voltage_v"),
    "current_a": ("current", "current_a"),
    "cycle": ("cycle_index", "cycle"),
    "charge_capacity_ah": ("charge_capacity", "capacity_ah"),
    "discharge_capacity_ah": ("discharge_capacity", "capacity_ah"),
}
REQUIRED = ("time_s", "voltage_v", "current_a")
# One of them is in every export; voltage, current and time alone could be anyone's.
MARKS = ("data_point", "step_index", "cycle_index")
TEMPERATURE = re.compile(r"(aux_)?temperature(_\d+)?")


def find_files(location: Path) -> list[Path]:
    """The CSV files with the columns of Arbin, or a damaged header, at a folder; or one file.

    Raises:
        SourceError: Nothing there, or no such file.
    """
    files = list_files(location, ENDINGS, "Arbin CSV files")
    found = files if location.is_file() else files_with_header(files, is_arbin)
    if not found:
        raise SourceError(
            f"{location}: holds no Arbin CSV files (with the columns Test_Time, Current, Voltage "
            f"and one of Data_Point, Step_Index, Cycle_Index). Give --input their folder, or "
            f"choose another --source."
        )
    return found


def is_arbin(path: Path) -> bool:
    """Whether a file is of this format, by its header alone."""
    if not path.name.lower().endswith(ENDINGS):
        return False
    try:
        spellings = {_spelling(name)[0] for name in Table(path).names}
    except SourceError:
        return False
    required = {COLUMNS[name][0] for name in REQUIRED}
    return required <= spellings and bool(spellings & set(MARKS))


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
    return list_tables(files, ENDINGS)


def side_files(files: Sequence[Path]) -> list[Path]:
    """`cells.csv`, `<cell_id>.capacity.csv` and `<cell_id>_Metadata.csv` where they are."""
    metadata = [metadata_file(path.parent, cell_id_of(path, ENDINGS)) for path in files]
    return sorted([*fact_files(files, ENDINGS), *(path for path in metadata if path)])


def read_cell(place: CellPlace, options: SourceOptions) -> Cell:
    """The cell of a file; `<cell_id>.capacity.csv` beside it goes before its own capacities.

    Args:
        place: From `list_cells`.
        options: Its nominal capacity goes before that of `cells.csv`, which goes before that of
            a barcode of MATR in the metadata.

    Raises:
        SourceError: A file that is damaged, lacks a column or has text for a number, or no
            nominal capacity; names the file and the row or column.
    """
    table = Table(place.path)
    columns, more = _find_columns(place.path, table.names, options.temperature_column)
    facts, notes = with_metadata(place.key, place.path.parent, place.cell_id)
    nominal_capacity_ah = options.nominal_capacity_ah or facts.nominal_capacity_ah
    if nominal_capacity_ah is None:
        raise SourceError(
            f"{place.path}: the nominal capacity of cell {place.cell_id} is unknown, as no barcode "
            f"of MATR is in its metadata. Give --nominal-capacity-ah, or `nominal_capacity_ah` in "
            f"a cells.csv beside the file."
        )
    recording = Recording(place.cell_id, table, columns, nominal_capacity_ah)
    return recorded_cell(recording, facts, notes + more)


def _find_columns(
    path: Path, names: Sequence[str], temperature: str | None
) -> tuple[dict[str, Column], tuple[str, ...]]:
    """The columns that a header has, by our names, and what was decided."""
    columns = {}
    for quantity, (expected, kind) in COLUMNS.items():
        present = [name for name in names if _spelling(name)[0] == expected]
        if present:
            columns[quantity] = _column(path, present[0], kind)
        elif quantity in REQUIRED:
            raise SourceError(
                f"{path}: expected the column {expected.title()}, found {listed(names)}. "
                f"Rename the column as Arbin has it."
            )
    found = [name for name in names if TEMPERATURE.fullmatch(_spelling(name)[0])]
    chosen = found
    if temperature == NO_TEMPERATURE:
        return columns, ()
    if temperature is not None:
        wanted = temperature.strip().casefold()
        chosen = [name for name in found if wanted in (name.casefold(), _spelling(name)[0])]
        if not chosen:
            raise SourceError(
                f"{path}: --temperature-column {temperature}: no such temperature, found "
                f"{listed(found)}. Choose one of these or leave the flag out."
            )
    if chosen:
        columns["temperature_degc"] = _column(path, chosen[0], "temperature_degc")
    if len(found) > 1:
        note = f"temperature: {chosen[0]} of {len(found)} columns ({listed(found)})"
        return columns, (note,)
    return columns, ()


def _spelling(name: str) -> tuple[str, str]:
    """A name in lower case with underscores for blanks, and the unit behind it in parentheses.

    "Aux_Temperature(C)_1" numbers the sensor behind the unit.
    """
    match = re.fullmatch(r"(?P<words>[^(]*?)\s*(\((?P<unit>[^)]*)\))?(?P<number>_\d+)?", name)
    if match is None:
        return name.casefold(), ""
    words = match["words"] + (match["number"] or "")
    return re.sub(r"[\s_]+", "_", words).casefold(), (match["unit"] or "").strip()


def _column(path: Path, name: str, kind: str) -> Column:
    units = UNITS[kind]
    sign = _spelling(name)[1] or next(iter(units))
    if sign not in units:
        raise SourceError(
            f"{path}: the column {name} has the unit {sign}, expected one of "
            f"{', '.join(units)}. Export it in one of these."
        )
    return Column(name, units[sign])
