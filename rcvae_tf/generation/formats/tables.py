"""Columns of tables from arrays, and tables to text; nothing goes through Python row by row."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray

if TYPE_CHECKING:
    import pyarrow as pa

# Nanoseconds: far below what moves a curve, and short in text.
TIME_DECIMALS = 9


def repeated(values: Sequence[Any] | NDArray, points: int) -> "pa.Array":
    """A value a charge as a column of a row a point."""
    import pyarrow as pa

    rows = np.repeat(np.arange(len(values), dtype=np.int32), points)
    return pa.array(values).take(pa.array(rows))


def even_times(elapsed_s: FloatArray) -> FloatArray:
    """Elapsed time in double, from the end of each charge: its points lie equally far apart.

    Float32 keeps seven digits of it; over a step of the current, that would show when the charge
    is put on a grid again.

    Args:
        elapsed_s: Starts at 0; shape `(charges, points)`.

    Returns:
        Same shape.
    """
    share = np.linspace(0.0, 1.0, elapsed_s.shape[1])
    return elapsed_s[:, -1:].astype(np.float64) * share


def write_text(table: "pa.Table", file: IO[bytes], header: bool) -> None:
    """Adds a table to a CSV; a number has the digits that tell it from its neighbours.

    Args:
        table: Rows to add.
        file: Open for bytes.
        header: Whether the names come first.
    """
    from pyarrow import csv

    if header:
        file.write((",".join(table.column_names) + "\n").encode())
    style = "needed" if _has_marks(table) else "none"
    csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style=style))


def _has_marks(table: "pa.Table") -> bool:
    """Whether a text needs quotation marks around it."""
    import pyarrow as pa
    from pyarrow import compute

    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    return any(
        compute.any(compute.match_substring_regex(column, '[",\r\n]')).as_py() for column in texts
    )
