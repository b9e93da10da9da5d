"""Writes generated charges as the published MATR files are laid out, part by part.

The layout is that of `data_prep.simulation.matr_file`; what differs is said here. A generated
cycle is a charge alone: `Qd` is 0, and what is measured in a discharge (`Qdlin`, `Tdlin`,
`discharge_dQdV`) is an empty array. An entry whose cycle was not generated is empty too, so that
an index stays a cycle number. What is the same for many cycles is stored once. The summary says
of each cycle, beside its own fields, which `draw` it is, whether it is `in_support` and whether it
was `projected`; what was not generated is NaN in it. The root says that the file is synthetic
(`data_prep.sources.matr.generated`).
"""

import errno
import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from data_prep.simulation.matlab_hdf5 import (
    SPARE_BYTES,
    ReferenceStore,
    create_file,
    create_struct,
    write_header,
    write_numbers,
    write_references,
    write_text,
)
from data_prep.sources.matr.generated import (
    MAX_VOLTAGE,
    NOMINAL_CAPACITY,
    PROVENANCE,
    SYNTHETIC,
)
from data_prep.synthetic.charges import SYNTHETIC_NOTE, GeneratedCharges, GeneratedSet

CELLS_AT_ONCE = 256  # whose references are kept before they go into the columns of the batch

CHARGE_FIELDS = {
    "t": "elapsed_time_s",
    "V": "voltage_v",
    "I": "current_c_rate",
    "T": "temperature_degc",
    "Qc": "charge_capacity_ah",
}
DISCHARGE_FIELDS = ("Qdlin", "Tdlin", "discharge_dQdV")
NOT_GENERATED = ("IR", "QDischarge", "chargetime")


class MatrWriter:
    """A file that takes the charges of one cell after the other.

    Args:
        path: Of the file, overwritten.
        facts: Of the whole set; all signals of `CHARGE_FIELDS`, but that of the temperature.

    Raises:
        OSError: The place cannot be written to.
    """

    def __init__(self, path: Path, facts: GeneratedSet) -> None:
        self._path = path
        self._points = facts.height * facts.width
        self._file = create_file(path)
        self._store = ReferenceStore(self._file)
        self._describe(facts)
        self._batch = create_struct(self._file, "batch")
        self._waiting: dict[str, list[h5py.Reference]] = {}
        self._num_cells = 0
        self._empty = self._store.empty()
        self._zeros = self._store.numbers(np.zeros(self._points))
        self._unknown = self._store.numbers(np.full(self._points, np.nan))
        self._start()

    def add(self, part: GeneratedCharges) -> None:
        """Writes charges of the cell that is being written.

        Raises:
            OSError: The disk has no room for them.
        """
        self._check_space(part)
        columns = {
            name: self._store.rows(_in_file(name, part.curves[signal]))
            for name, signal in CHARGE_FIELDS.items()
            if signal in part.curves
        }
        columns["Qd"] = [self._zeros] * len(part)
        columns.setdefault("T", [self._unknown] * len(part))
        for ecl, *references in zip(part.ecl.tolist(), *columns.values(), strict=True):
            self._entries[ecl] = dict(zip(columns, references, strict=True))
        for name, values in _summary(part).items():
            self._summary.setdefault(name, []).append(values)

    def end_cell(self, last: GeneratedCharges) -> None:
        """Closes a cell, all of whose charges have been added.

        Args:
            last: The last part of it; what holds for the whole cell is read from it.
        """
        parts = {
            "cycles": self._cycles(),
            "summary": self._summary_struct(),
            "cycle_life": self._store.numbers(np.array([last.eol])),
            "policy": self._text(last.charge_policy),
            "policy_readable": self._text(last.charge_policy),
            "barcode": self._text(last.cell_id),
            "channel_id": self._text(
                str(self._num_cells + len(self._waiting.get("cycles", [])) + 1)
            ),
            "Vdlin": self._empty,
        }
        for name, reference in parts.items():
            self._waiting.setdefault(name, []).append(reference)
        if len(self._waiting["cycles"]) == CELLS_AT_ONCE:
            self._write_columns()
        self._start()

    def close(self) -> None:
        """Completes the file."""
        self._write_columns()
        self._file.close()
        write_header(self._path)

    def discard(self) -> None:
        """Lets go of the file, complete or not."""
        self._file.close()

    def _start(self) -> None:
        """Nothing is known of the next cell."""
        self._entries: dict[int, dict[str, h5py.Reference]] = {}
        self._summary: dict[str, list[FloatArray]] = {}

    def _describe(self, facts: GeneratedSet) -> None:
        attributes = self._file.attrs
        attributes[SYNTHETIC] = SYNTHETIC_NOTE
        attributes[PROVENANCE] = json.dumps(facts.provenance, sort_keys=True)
        for name in (NOMINAL_CAPACITY, MAX_VOLTAGE):
            if (value := getattr(facts, name)) is not None:
                attributes[name] = float(value)
        write_text(self._file, SYNTHETIC, SYNTHETIC_NOTE)

    def _check_space(self, part: GeneratedCharges) -> None:
        """HDF5 cannot be trusted to notice: what it fails to write it keeps, and fails at exit."""
        needed = SPARE_BYTES + 8 * sum(values.size for values in part.curves.values())
        if shutil.disk_usage(self._path.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def _cycles(self) -> h5py.Reference:
        cycles = self._store.struct()
        none: dict[str, h5py.Reference] = {}
        entries = [self._entries.get(number, none) for number in range(max(self._entries) + 1)]
        for name in (*CHARGE_FIELDS, "Qd", *DISCHARGE_FIELDS):
            write_references(cycles, name, [entry.get(name, self._empty) for entry in entries])
        return cycles.ref

    def _summary_struct(self) -> h5py.Reference:
        columns = {name: np.concatenate(parts) for name, parts in self._summary.items()}
        numbers = columns["cycle"].astype(int)
        summary = self._store.struct()
        for name, values in columns.items():
            row = np.zeros((1, max(self._entries) + 1))
            row[0, numbers] = values
            write_numbers(summary, name, row)
        return summary.ref

    def _text(self, text: str) -> h5py.Reference:
        return self._store.text(text) if text else self._empty

    def _write_columns(self) -> None:
        """Adds the cells that wait to the columns of the batch, which grow with them."""
        for name, references in self._waiting.items():
            if name not in self._batch:
                self._batch.create_dataset(
                    name, (0, 1), h5py.ref_dtype, maxshape=(None, 1), chunks=(CELLS_AT_ONCE, 1)
                )
            column = np.empty((len(references), 1), h5py.ref_dtype)
            column[:, 0] = references
            self._batch[name].resize(self._num_cells + len(references), axis=0)
            self._batch[name][self._num_cells :] = column
        self._num_cells += len(self._waiting.get("cycles", []))
        self._waiting = {}


def _in_file(name: str, values: FloatArray) -> FloatArray:
    """Time in minutes, from its end alone, as the points are equally spaced; the others as are."""
    if name != "t":
        return values
    return np.linspace(0.0, values[:, -1].astype(np.float64), values.shape[1], axis=1) / 60.0


def _summary(part: GeneratedCharges) -> dict[str, NDArray]:
    """The fields of `summary` for each charge."""
    unknown = np.full(len(part), np.nan)
    temperature_degc = part.curves.get("temperature_degc", unknown[:, None])
    return {
        "cycle": part.ecl.astype(float),
        "QCharge": part.curves["charge_capacity_ah"].max(axis=1),
        "Tavg": temperature_degc.mean(axis=1),
        "Tmin": temperature_degc.min(axis=1),
        "Tmax": temperature_degc.max(axis=1),
        **dict.fromkeys(NOT_GENERATED, unknown),
        "draw": np.full(len(part), float(part.draw)),
        "in_support": part.in_support.astype(float),
        "projected": part.projected.astype(float),
    }
