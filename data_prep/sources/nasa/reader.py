"""NASA PCoE cells, `B00xx.mat` each or all in the Kaggle conversion: the k-th charge is cycle k."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.records import Cell, Cycle, DroppedCell
from data_prep.sources.base import (
    CellPlace,
    SourceOptions,
    as_asked,
    entries,
    no_file,
    numbers_on_record,
    refuse_temperature_column,
    unreadable,
)
from data_prep.sources.nasa import kaggle, mat
from data_prep.sources.nasa.records import CHARGE, DISCHARGE, NasaRecord

# The data set's own description: 2 Ah cells, charged at 1.5 A to 4.2 V.
NOMINAL_CAPACITY_AH = 2.0
CHARGE_CURRENT_A = 1.5
MAX_VOLTAGE_V = 4.2


def find_files(location: Path) -> list[Path]:
    """The `.mat` files at a folder or file; `metadata.csv` and the charges that it names.

    Folders within the folder are not searched, but for the `data` of the Kaggle conversion.

    Raises:
        SourceError: Nothing there, neither of the two, or a damaged table.
    """
    if not location.exists():
        raise SourceError(f"{location}: no such file or folder. Give --input the NASA files.")
    files = entries(location, (mat.SUFFIX,))
    for path in filter(kaggle.is_metadata, entries(location, (kaggle.METADATA,))):
        files += [path, *_charge_files(path)]
    if not files:
        raise SourceError(
            f"{location}: holds neither NASA .mat files nor the {kaggle.METADATA} of the "
            f"Kaggle conversion. Give --input their folder, or choose another --source."
        )
    return files


def list_cells(files: Sequence[Path], options: SourceOptions) -> Iterator[CellPlace | DroppedCell]:
    """One cell a `.mat` file, in their order; then those of the table, by name.

    Raises:
        SourceError: A damaged table; names the line. A temperature by its name.
    """
    refuse_temperature_column(options, "files of NASA")
    for path in files:
        if error := no_file(path):
            yield unreadable(path, error)
        elif path.name.lower().endswith(mat.SUFFIX):
            yield CellPlace(path.stem, path)
        elif kaggle.is_metadata(path):
            for cell_id, rows in kaggle.read_metadata(path).items():
                yield CellPlace(cell_id, path, rows)


def side_files(files: Sequence[Path]) -> list[Path]:
    """None: the table of the Kaggle conversion is one of the files."""
    del files
    return []


def read_cell(place: CellPlace, options: SourceOptions) -> Cell | DroppedCell:
    """The cell of a file or of rows of the table; charges without measured capacity.

    A cell's `discharge_capacity_ah` of cycle k is that of the first discharge between its
    charges k and k + 1. Samples come as they were recorded, NaN and outliers included. A charge
    whose file is missing has its number, but no cycle; a note says so.

    Args:
        place: From `list_cells`; its key are the rows of the table, None for a `.mat` file.
        options: Its nominal capacity replaces the 2 Ah of these cells.

    Raises:
        SourceError: A file that is damaged, or lacks the fields of a cell; names the file and
            the charge.
    """
    rows = place.key
    records = kaggle.records_of(rows) if rows else mat.read_records(place.path)
    charges = [record for record in records if record.kind == CHARGE]
    if not charges:
        detail = f"none of its {len(records)} records is a charge"
        return DroppedCell(place.cell_id, place.path.name, "no_charges", detail)
    nominal_capacity_ah = options.nominal_capacity_ah or NOMINAL_CAPACITY_AH
    cell = Cell(
        cell_id=place.cell_id,
        source_file=place.path.name,
        nominal_capacity_ah=nominal_capacity_ah,
        last_cycle=len(charges),
        read_cycles=partial(_read_cycles, charges, nominal_capacity_ah),
        max_voltage_v=MAX_VOLTAGE_V,
        charge_policy=f"{CHARGE_CURRENT_A / nominal_capacity_ah:.4g}C",
        discharge_capacity_ah=_discharge_capacities_ah(records),
        notes=kaggle.notes_of(rows) if rows else (),
        cycle_numbers=numbers_on_record(
            [number for number, charge in enumerate(charges, start=1) if charge.read_curves],
            len(charges),
        ),
    )
    return as_asked(cell, options)


def _charge_files(metadata: Path) -> list[Path]:
    rows = [row for rows in kaggle.read_metadata(metadata).values() for row in rows]
    charges = [row.path for row in rows if row.kind == CHARGE]
    files = sorted(path for path in charges if path.is_file())
    if charges and not files:
        raise SourceError(
            f"{metadata}: names {len(charges)} charges, of which no file lies in "
            f"{metadata.parent / 'data'}. Put them there."
        )
    return files


def _discharge_capacities_ah(records: Sequence[NasaRecord]) -> dict[int, float]:
    capacities: dict[int, float] = {}
    number = 0
    for record in records:
        if record.kind == CHARGE:
            number += 1
        elif record.kind == DISCHARGE and number > 0:
            capacities.setdefault(number, record.capacity_ah)
    return {number: value for number, value in capacities.items() if math.isfinite(value)}


def _read_cycles(
    charges: Sequence[NasaRecord], nominal_capacity_ah: float, last: int
) -> Iterator[Cycle]:
    for number, charge in enumerate(charges[:last], start=1):
        if charge.read_curves is None:
            continue
        curves = dict(charge.read_curves())
        current_c_rate = curves.pop("current_a") / nominal_capacity_ah
        yield Cycle(number=number, current_c_rate=current_c_rate, **curves)
