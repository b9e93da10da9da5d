"""Small made cells, cycles and MATR files, of which every number is known."""

from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from data_prep.records import Cell, Charge, Condition, Cycle, Sample
from data_prep.sources.base import CellPlace, SourceOptions

NOMINAL_CAPACITY_AH = 1.1
EARLY_CYCLES = [1, 2, 3]  # of the simulated cells that tests look at


def constant_charge(number=1, hours=1.0, points=61, **replaced):
    """One hour at 1 C from 3.0 V to 3.6 V and 25 to 31 degC: 1.1 Ah into a cell of 1.1 Ah."""
    share = np.linspace(0.0, 1.0, points)
    series = {
        "time_s": 3600.0 * hours * share,
        "voltage_v": 3.0 + 0.6 * share,
        "current_c_rate": np.ones(points),
        "temperature_degc": 25.0 + 6.0 * share,
        "charge_capacity_ah": NOMINAL_CAPACITY_AH * hours * share,
    }
    return Cycle(number, **(series | replaced))


def a_cell(cycles=(), **replaced):
    """A cell that yields the given cycles; its file gives an end of life of 500 cycles."""
    facts = {
        "cell_id": "c0",
        "source_file": "made.mat",
        "nominal_capacity_ah": NOMINAL_CAPACITY_AH,
        "last_cycle": max((cycle.number for cycle in cycles), default=0),
        "read_cycles": lambda last: takewhile(lambda cycle: cycle.number <= last, cycles),
        "max_voltage_v": 3.6,
        "eol_cycles": 500,
    }
    return Cell(**(facts | replaced))


def a_charge(points=61, **replaced):
    """The charge of `constant_charge`, cut."""
    cycle = constant_charge(points=points)
    series = {
        "time_s": cycle.time_s,
        "voltage_v": cycle.voltage_v,
        "current_c_rate": cycle.current_c_rate,
        "temperature_degc": cycle.temperature_degc,
        "charge_capacity_ah": cycle.charge_capacity_ah,
        "integrated_capacity_ah": cycle.charge_capacity_ah,
    }
    return Charge(**(series | replaced))


def a_sample(value=0.0, eol=500, ecl=7, cell_id="c0", charge_policy="1C", points=4):
    """Signal k is the constant `10 k + value`, exact in float32 for whole numbers."""
    curves = np.repeat(10.0 * np.arange(5.0)[:, None] + value, points, axis=1).astype(np.float32)
    return Sample(curves, Condition(eol, ecl), cell_id, charge_policy)


@dataclass
class MatrCell:
    """A cell as `write_matr_like` writes it: units of the file, minutes and C-rate."""

    cycles: list = field(default_factory=list)
    cycle_life: float = 500.0
    policy: str = "5.4C(40%)-3.6C"
    discharge_capacity_ah: list | None = None


def matr_cycle(c_rate=1.0, minutes=60.0, points=21, **replaced):
    """A charge at a constant rate as the file has it: t in min, I in C, V, T, Qc in Ah."""
    share = np.linspace(0.0, 1.0, points)
    series = {
        "t": minutes * share,
        "V": 3.0 + 0.6 * share,
        "I": np.full(points, c_rate),
        "T": 25.0 + 6.0 * share,
        "Qc": c_rate * NOMINAL_CAPACITY_AH * minutes / 60.0 * share,
    }
    return series | replaced


def matr_cell(num_cycles=2, **facts):
    """A cell of equal cycles."""
    return MatrCell(cycles=[matr_cycle() for _ in range(num_cycles)], **facts)


def write_matr_like(path, cells):
    """Writes cells in the layout of the MATR files: `batch`, references, an empty index 0."""
    import h5py

    with h5py.File(path, "w") as file:
        store = file.create_group("#refs#")

        def keep(values):
            return store.create_dataset(f"r{len(store)}", data=values)

        def empty():
            dataset = keep(np.zeros(2, np.uint64))
            dataset.attrs["MATLAB_empty"] = np.uint8(1)
            return dataset

        def column(group, name, targets):
            references = np.empty((len(targets), 1), h5py.ref_dtype)
            references[:, 0] = [target.ref for target in targets]
            group.create_dataset(name, data=references, dtype=h5py.ref_dtype)

        batch = file.create_group("batch")
        columns = {"cycles": [], "summary": [], "cycle_life": [], "policy_readable": []}
        for cell in cells:
            cycles = store.create_group(f"r{len(store)}")
            for name in ("t", "V", "I", "T", "Qc"):
                arrays = [keep(np.reshape(cycle[name], (1, -1))) for cycle in cell.cycles]
                column(cycles, name, [empty(), *arrays])
            capacities_ah = cell.discharge_capacity_ah or [1.05] * len(cell.cycles)
            summary = store.create_group(f"r{len(store)}")
            summary.create_dataset("QDischarge", data=[[0.0, *capacities_ah]])
            units = np.frombuffer(cell.policy.encode("utf-16-le"), np.uint16)
            columns["cycles"].append(cycles)
            columns["summary"].append(summary)
            columns["cycle_life"].append(keep([[cell.cycle_life]]))
            columns["policy_readable"].append(keep(units.reshape(-1, 1)) if units.size else empty())
        for name, targets in columns.items():
            column(batch, name, targets)
    return path


def read_cells(reader, files, options=None):
    """Every cell of the files, one after the other, as a reader gives it."""
    options = options or SourceOptions()
    for place in reader.list_cells(files, options):
        yield reader.read_cell(place, options) if isinstance(place, CellPlace) else place


def exit_code(command, argv):
    """The exit code of a command, returned or raised by its parser."""
    try:
        return command(argv)
    except SystemExit as stop:
        return stop.code


def one_error_line(capsys):
    """The only line on standard error; nothing else was written to it."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return lines[0]
