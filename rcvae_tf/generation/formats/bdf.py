"""Battery Data Format: a folder with one table a cell, and `cells.csv` with facts of the cells.

A table has the columns that the format requires and recommends, those of its own for what a charge
has besides, and preferred labels for all. What a model does not generate (the time of day, the
chamber) is an empty column. Charges follow one another in the time of the test, a rest between
them in place of the discharge that is not generated; `Cycle Count` is the ECL.
"""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data_prep.synthetic.charges import GeneratedCharges
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats.bdf_reference import check_first_table
from rcvae_tf.generation.formats.bdf_tables import (
    REST_S,
    CsvFile,
    ParquetFile,
    cell_table,
    metadata,
)
from rcvae_tf.generation.formats.cells import CellByCell
from rcvae_tf.generation.formats.writing import refuse_unknown

if TYPE_CHECKING:
    import pyarrow as pa

NEEDED = (
    *("voltage_v", "current_c_rate", "charge_capacity_ah", "elapsed_time_s"),
    "nominal_capacity_ah",
)

CELLS = "cells.csv"
CELL_COLUMNS = (
    *("cell_id", "eol_cycles", "nominal_capacity_ah", "max_voltage_v", "charge_policy"),
    *("generated", "draw", "charges", "out_of_support", "projected"),
)


def open_writer(path: Path, facts: SetFacts, variant: str) -> CellByCell:
    """Tables in an empty folder, `csv` or `parquet`."""
    refuse_unknown(facts, f"bdf-{variant}", NEEDED)
    return CellByCell(BdfWriter(path, facts, variant), path, facts)


class BdfWriter:
    """A table a cell.

    Args:
        folder: Empty.
        facts: Of the set, its nominal capacity among them.
        variant: `csv` or `parquet`.
    """

    def __init__(self, folder: Path, facts: SetFacts, variant: str) -> None:
        self._folder = folder
        self._facts = facts
        self._variant = variant
        self._cells = (folder / CELLS).open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._cells, lineterminator="\n")
        self._rows.writerow(CELL_COLUMNS)
        self._table: ParquetFile | CsvFile | None = None
        self._first: Path | None = None
        self._end_s = -REST_S
        self._start()

    def add(self, part: GeneratedCharges) -> None:
        """Writes charges of the cell that is being written."""
        table, self._end_s = cell_table(part, self._facts, self._end_s, self._num_charges)
        if self._table is None:
            self._table = self._open(part, table.schema)
        self._table.write(table)
        self._num_charges += len(part)
        self._out_of_support += int(np.count_nonzero(~part.in_support))
        self._projected += int(np.count_nonzero(part.projected))

    def end_cell(self, last: GeneratedCharges) -> None:
        """Closes the table of a cell and adds its row to `cells.csv`."""
        if self._table is not None:
            self._table.close()
        known = (self._facts.nominal_capacity_ah, self._facts.max_voltage_v)
        row = (last.cell_id, last.eol, *("" if value is None else value for value in known))
        marks = (self._num_charges, self._out_of_support, self._projected)
        self._rows.writerow((*row, last.charge_policy, 1, last.draw, *marks))
        self._start()

    def close(self) -> None:
        """Completes `cells.csv`; the reference validator looks at the first table, if it is here.

        All tables have one header, and their values one source.
        """
        self._cells.close()
        if self._first is not None:
            check_first_table(self._first)

    def discard(self) -> None:
        """Lets go of open files."""
        self._cells.close()
        if self._table is not None:
            self._table.close()

    def _start(self) -> None:
        self._table = None
        self._num_charges = self._out_of_support = self._projected = 0
        self._end_s = -REST_S

    def _open(self, part: GeneratedCharges, schema: "pa.Schema") -> "ParquetFile | CsvFile":
        path = self._folder / f"{part.cell_id}.bdf.{self._variant}"
        self._first = self._first or path
        if self._variant == "csv":
            return CsvFile(path)
        return ParquetFile(path, schema.with_metadata(metadata(part, self._facts)))
