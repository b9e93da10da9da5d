"""The numbers that the paper prints, from the package's own copy of its tables."""

import csv
from functools import cache
from importlib.resources import files
from typing import Any

TABLES = ("table1", "table2", "table_s1", "table_s2")
# The one table that does not say so in a column.
TABLE_2_CYCLES = 100
TEXT_COLUMNS = ("signal", "detach")


def paper_rows(table: str) -> list[dict[str, Any]]:
    """The rows of a table as printed.

    Args:
        table: One of `TABLES`.

    Returns:
        A dictionary a row: `early_cycles` as an int (not in `table2`, which is of 100), `signal`
        or `detach` as text, errors as floats in the unit of their signal.
    """
    return [dict(row) for row in _read(table)]


@cache
def _read(table: str) -> tuple[dict[str, Any], ...]:
    text = (files("rcvae_tf.report") / "paper" / f"{table}.csv").read_text(encoding="utf-8")
    return tuple(
        {name: _value(name, cell) for name, cell in row.items()}
        for row in csv.DictReader(text.splitlines())
    )


def _value(name: str, cell: str) -> str | int | float:
    if name in TEXT_COLUMNS:
        return cell
    return int(cell) if name == "early_cycles" else float(cell)
