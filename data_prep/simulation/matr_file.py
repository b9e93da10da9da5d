"""Writes simulated cells as the published MATR files are laid out.

    batch/cycles, summary, cycle_life, policy, policy_readable, barcode, channel_id, Vdlin
        (cells, 1) object references, one per cell
    a cell's cycles: I, V, T, Qc, Qd, t, Qdlin, Tdlin, discharge_dQdV
        (cycles + 1, 1) object references, one per cycle
    a cell's summary: IR, QCharge, QDischarge, Tavg, Tmin, Tmax, chargetime, cycle
        (1, cycles + 1) numbers

Index 0 holds no cycle, so that an index is a cycle number: an empty array in `cycles`, zeros in
`summary`. Unlike a published file this one says that it is simulated, in an attribute of the root
and in the text `simulated`.
"""

import dataclasses
import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from data_prep.errors import UserError
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
from data_prep.simulation.policies import policy_code
from data_prep.simulation.sensors import DISCHARGE_GRID_V, CycleRecord, SimulatedCell

SIMULATED_NOTE = "Simulated with PyBaMM by data_prep.simulate; not a measurement."

# Field in the file: attribute of the record, and the step to which its values are rounded. A
# step that is a power of two, near the resolution of the sensor, leaves the low bytes zero: the
# file shrinks by a third.
CYCLE_FIELDS = {
    "I": ("current_c_rate", 2.0**-12),
    "Qc": ("charge_capacity_ah", 2.0**-18),
    "Qd": ("discharge_capacity_ah", 2.0**-18),
    "Qdlin": ("grid_discharge_ah", 2.0**-16),
    "T": ("temperature_degc", 2.0**-8),
    "Tdlin": ("grid_temperature_degc", 2.0**-8),
    "V": ("voltage_v", 2.0**-14),
    "discharge_dQdV": ("grid_dqdv_ah_v", 2.0**-12),
    "t": ("time_min", 2.0**-14),
}


def write_matr(path: Path, batch_date: str, cells: Iterable[SimulatedCell]) -> None:
    """Writes one batch, cell by cell; the file appears only when it is complete.

    Args:
        path: The file, overwritten if there is one; its folder is made.
        batch_date: As the published files have it, "2017-05-12".
        cells: At least one, each with its cycles from 1 without a gap.

    Raises:
        UserError: The place cannot be written to.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with create_file(partial) as file:
            _write_batch(file, batch_date, _with_space(path.parent, cells))
        write_header(partial)
        os.replace(partial, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error}). Choose another --output.") from error
    finally:
        if partial.is_file():
            partial.unlink()


def summary_rows(records: Sequence[CycleRecord]) -> dict[str, FloatArray]:
    """The fields of `summary`, each of shape `(1, cycles + 1)`; column 0 is zero."""
    rows = {
        "IR": [record.internal_resistance_ohm for record in records],
        "QCharge": [record.charge_capacity_ah.max() for record in records],
        "QDischarge": [record.discharge_capacity_ah.max() for record in records],
        "Tavg": [record.temperature_degc.mean() for record in records],
        "Tmin": [record.temperature_degc.min() for record in records],
        "Tmax": [record.temperature_degc.max() for record in records],
        "chargetime": [record.fast_charge_min for record in records],
        "cycle": [record.number for record in records],
    }
    return {name: np.array([[0.0, *values]]) for name, values in rows.items()}


def _with_space(folder: Path, cells: Iterable[SimulatedCell]) -> Iterator[SimulatedCell]:
    """The cells, as long as the disk has room for the next one.

    HDF5 cannot be trusted to notice: what it fails to write it keeps, and fails again at exit.
    """
    for cell in cells:
        values = (value for record in cell.records for value in dataclasses.astuple(record))
        if shutil.disk_usage(folder).free < SPARE_BYTES + sum(np.size(v) * 8 for v in values):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        yield cell


def _write_batch(file: h5py.File, batch_date: str, cells: Iterable[SimulatedCell]) -> None:
    store = ReferenceStore(file)
    file.attrs["simulated"] = SIMULATED_NOTE
    write_text(file, "simulated", SIMULATED_NOTE)
    write_text(file, "batch_date", batch_date)
    columns: dict[str, list[h5py.Reference]] = {}
    for channel, cell in enumerate(cells, start=1):
        for name, reference in _cell_parts(store, cell, channel).items():
            columns.setdefault(name, []).append(reference)
    batch = create_struct(file, "batch")
    for name, column in columns.items():
        write_references(batch, name, column)


def _cell_parts(
    store: ReferenceStore, cell: SimulatedCell, channel: int
) -> dict[str, h5py.Reference]:
    spec, life = cell.spec, cell.spec.stated_life
    cycles = store.struct()
    for name, (attribute, step) in CYCLE_FIELDS.items():
        arrays = [np.round(getattr(r, attribute) / step) * step for r in cell.records]
        write_references(cycles, name, [store.empty(), *map(store.numbers, arrays)])
    summary = store.struct()
    for name, row in summary_rows(cell.records).items():
        write_numbers(summary, name, row)
    return {
        "cycles": cycles.ref,
        "summary": summary.ref,
        "cycle_life": store.numbers(np.array([spec.eol if life is None else life])),
        "policy": store.text(policy_code(spec.policy + spec.policy_suffix)),
        "policy_readable": store.text(spec.policy + spec.policy_suffix),
        "barcode": store.text(spec.barcode),
        "channel_id": store.text(str(channel)),
        "Vdlin": store.numbers(DISCHARGE_GRID_V),
    }
