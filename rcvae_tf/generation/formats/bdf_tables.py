"""The columns of a cell's table in Battery Data Format, and the files that tables grow in."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from data_prep.synthetic.charges import SYNTHETIC_NOTE, GeneratedCharges
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats.tables import TIME_DECIMALS, even_times, repeated, write_text

if TYPE_CHECKING:
    import pyarrow as pa

TIME = "Test Time / s"
VOLTAGE = "Voltage / V"
CURRENT = "Current / A"
UNIX_TIME = "Unix Time / s"
CYCLE = "Cycle Count / 1"
STEP = "Step Count / 1"
AMBIENT = "Ambient Temperature / degC"
SURFACE = "Surface Temperature / degC"
CAPACITY = "Cycle Charging Capacity / Ah"

REST_S = 3600.0
TIME_NOTE = f"points equally spaced within a charge; {REST_S:g} s between charges stand for a rest"
# Bytes of equal weight side by side, and integers as references: a third less than plain.
SPLIT_COLUMNS = (TIME, VOLTAGE, CURRENT, SURFACE, CAPACITY)
WHOLE_COLUMNS = (CYCLE, STEP)


class CsvFile:
    """A table as text that grows.

    Args:
        path: Of a file that is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("xb")

    def write(self, table: "pa.Table") -> None:
        """Adds rows."""
        write_text(table, self._file, header=self._file.tell() == 0)

    def close(self) -> None:
        """Completes the file."""
        self._file.close()


class ParquetFile:
    """A Parquet file that grows by groups of rows.

    Args:
        path: Of a file that is not there yet.
        schema: With its metadata.
    """

    def __init__(self, path: Path, schema: "pa.Schema") -> None:
        from pyarrow.parquet import ParquetWriter

        self._schema = schema
        self._file: BinaryIO = path.open("xb")
        self._writer: ParquetWriter = ParquetWriter(
            self._file,
            schema,
            compression="zstd",
            use_dictionary=list(WHOLE_COLUMNS),
            use_byte_stream_split=[name for name in SPLIT_COLUMNS if name in schema.names],
        )

    def write(self, table: "pa.Table") -> None:
        """Adds rows as one group."""
        self._writer.write_table(table.cast(self._schema), row_group_size=max(len(table), 1))

    def close(self) -> None:
        """Completes the file."""
        try:
            self._writer.close()
        finally:
            self._file.close()


def cell_table(
    part: GeneratedCharges, facts: SetFacts, end_s: float, num_before: int
) -> tuple["pa.Table", float]:
    """The rows of some charges of a cell, and when the last of them ends.

    Args:
        part: The charges.
        facts: Of the set.
        end_s: When the charge before them ended, in the time of the test.
        num_before: Charges of the cell before them.
    """
    import pyarrow as pa

    num_charges, points = part.curves["voltage_v"].shape
    elapsed_s = even_times(part.curves["elapsed_time_s"])
    ends_s = end_s + np.cumsum(REST_S + elapsed_s[:, -1])
    time_s = np.round(elapsed_s + (ends_s - elapsed_s[:, -1])[:, None], TIME_DECIMALS)
    current_a = part.curves["current_c_rate"] * np.float32(facts.nominal_capacity_ah)
    nothing = pa.nulls(num_charges * points, pa.float64())
    steps = np.arange(num_before + 1, num_before + num_charges + 1, dtype=np.int32)
    columns = {
        TIME: time_s.ravel(),
        VOLTAGE: part.curves["voltage_v"].ravel(),
        CURRENT: current_a.ravel(),
        UNIX_TIME: nothing,
        CYCLE: repeated(part.ecl.astype(np.int32), points),
        STEP: repeated(steps, points),
        AMBIENT: nothing,
    }
    if "temperature_degc" in part.curves:
        columns[SURFACE] = part.curves["temperature_degc"].ravel()
    columns[CAPACITY] = part.curves["charge_capacity_ah"].ravel()
    return pa.table(columns), float(ends_s[-1])


def metadata(part: GeneratedCharges, facts: SetFacts) -> dict[str, str]:
    """What a Parquet file says of itself beside its columns."""
    return {
        "synthetic": SYNTHETIC_NOTE,
        "cell_id": part.cell_id,
        "eol_cycles": str(part.eol),
        "charge_policy": part.charge_policy,
        "nominal_capacity_ah": str(facts.nominal_capacity_ah),
        "time": TIME_NOTE,
        "provenance": json.dumps(facts.provenance, sort_keys=True),
    }
