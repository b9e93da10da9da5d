"""What `<cell_id>_Metadata.csv` beside an Arbin file says of its cell, where that is certain.

It is certain for the cells of the MATR project, which their barcodes tell.
"""

import csv
import dataclasses
import re
from pathlib import Path

from data_prep.errors import SourceError
from data_prep.sources.cycler.cell_facts import CellFacts

ENDINGS = ("_Metadata.csv", "_metadata.csv")

# The lots of the project: A123 APR18650M1A, charged to 3.6 V.
MATR_BARCODE = re.compile(r"EL15(08|10)\d{8}", re.IGNORECASE)
MATR_NOMINAL_CAPACITY_AH = 1.1
MATR_MAX_VOLTAGE_V = 3.6
# "20170512-4_4C-80PER_4_4C.SDU" charges with 4.4 C to 80 %, then with 4.4 C.
MATR_SCHEDULE = re.compile(
    r"\d{8}-(?P<first>\d+(_\d+)?)C[-_](?P<percent>\d+(_\d+)?)PER_(?P<then>\d+(_\d+)?)C\.SDU",
    re.IGNORECASE,
)


def with_metadata(
    facts: CellFacts, folder: Path, cell_id: str
) -> tuple[CellFacts, tuple[str, ...]]:
    """Facts of a cell with what the metadata add to them, and notes on what was taken.

    Args:
        facts: From `cells.csv`; they go before the metadata.
        folder: Where the metadata lie, if there are any.
        cell_id: The file's name without its ending.

    Raises:
        SourceError: Metadata that cannot be read as one row of a CSV.
    """
    metadata = _read_metadata(folder, cell_id)
    schedule = re.split(r"[\\/]", metadata.get("schedule_file_name", ""))[-1]
    notes: tuple[str, ...] = ()
    policy = facts.charge_policy
    if MATR_BARCODE.fullmatch(metadata.get("item_id", "")):
        notes = ("cell: one of MATR by its barcode, so 1.1 Ah and 3.6 V where not given",)
        policy = policy or _policy(schedule)
        facts = dataclasses.replace(
            facts,
            nominal_capacity_ah=facts.nominal_capacity_ah or MATR_NOMINAL_CAPACITY_AH,
            max_voltage_v=facts.max_voltage_v or MATR_MAX_VOLTAGE_V,
        )
    if policy and not facts.charge_policy:
        notes += ("charge policy: from the name of the schedule in the metadata",)
    elif schedule and not policy:
        notes += (f"charge policy: not certain from the schedule {schedule}, unknown",)
    return dataclasses.replace(facts, charge_policy=policy), notes


def metadata_file(folder: Path, cell_id: str) -> Path | None:
    """The metadata of a cell, None where there are none."""
    paths = [folder / f"{cell_id}{ending}" for ending in ENDINGS]
    return next((path for path in paths if path.is_file()), None)


def _read_metadata(folder: Path, cell_id: str) -> dict[str, str]:
    """The one row by column in lower case; empty where there is no file."""
    path = metadata_file(folder, cell_id)
    if path is None:
        return {}
    way_out = "Write or copy the file again, or take it away."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, ValueError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as a comma-separated table ({error}). {way_out}"
        ) from None
    if len(rows) != 1:
        raise SourceError(
            f"{path}: expected one row, that of cell {cell_id}, found {len(rows)}. {way_out}"
        )
    return {name.lower(): value.strip() for name, value in rows[0].items() if name is not None}


def _policy(schedule: str) -> str | None:
    """The policy that a schedule of MATR has in its name, or None where it is not certain."""
    match = MATR_SCHEDULE.fullmatch(schedule)
    if match is None:
        return None
    first, percent, then = (match[name].replace("_", ".") for name in ("first", "percent", "then"))
    return f"{first}C({float(percent):g}%)-{then}C"
