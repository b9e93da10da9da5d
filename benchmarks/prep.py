"""Reading a MATR batch: our reader against a plain h5py loop, and the memory of the preparation.

    python benchmarks/prep.py --output benchmarks/prep.json

The first file is what `python -m data_prep.simulate --cells 46 --cycles 100` writes. The others are
the cycles of the demo, repeated until there are 46 cells of 100 and of 1000 cycles, each series a
data set of its own as in the published files; compressed as the simulator does it, and once
uncompressed. They lie in a temporary folder.

Three ways take turns, on one core, in one process; ratios are of one turn, the table has medians
of processor seconds (the files lie in the page cache; other work on the machine does not count):

- plain loop: every field of every cycle as the notebooks of the data set load them;
- reader: `data_prep.sources.matr`, listing, facts and all cycles;
- HDF5 alone: the calls that cannot be left out, for the very references that the reader reads:
  dereference, size, read. Their share of the reader's time is the time inside HDF5's own reads
  (h5py's thin wrappers around these calls included).

Memory is the largest sum over the processes of `python -m data_prep` of their resident sets,
sampled from /proc every 50 ms (shared pages count in each), and of their proportional sets
(shared pages count once).
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5r, h5s, h5t

from data_prep.simulation.matlab_hdf5 import (
    ReferenceStore,
    create_file,
    create_struct,
    write_header,
    write_references,
)
from data_prep.sources import demo, matr
from data_prep.sources.base import CellPlace, SourceOptions
from data_prep.sources.matr.hdf5 import open_file
from data_prep.sources.matr.layout import CYCLE_FIELDS

NUM_CELLS = 46
ALL_FIELDS = ("I", "Qc", "Qd", "Qdlin", "T", "Tdlin", "V", "discharge_dQdV", "t")
SUMMARY_FIELDS = ("IR", "QCharge", "QDischarge", "Tavg", "Tmin", "Tmax", "chargetime", "cycle")
SAMPLING_S = 0.05
# The plain loop takes ten times as long as the two others: so they are run over as long a time,
# and a busy second of the machine weighs the same in each.
SHORT_RUNS = 5


def main() -> None:
    """Prints the tables and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--cycles", type=int, default=1000, help="cycles of the memory run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="matr-benchmark-") as folder:
        reading = []
        for name, write in FILES.items():
            path = Path(folder) / "batch.mat"
            write(path)
            reading.append({"file": name, **reading_times(path, arguments.repetitions)})
            path.unlink()
        path = Path(folder) / "large.mat"
        write_batch(path, arguments.cycles, compressed=True)
        memory = [preparation_memory(path, arguments.cycles, jobs) for jobs in (1, 2)]
    print(reading_table(reading), memory_table(memory), sep="\n\n")
    facts = {
        "python": platform.python_version(),
        "h5py": h5py.version.version,
        "hdf5": h5py.version.hdf5_version,
        "processors": os.cpu_count(),
        "cells": NUM_CELLS,
        "reading": reading,
        "memory": memory,
    }
    arguments.output.write_text(json.dumps(facts, indent=1) + "\n")


def simulate_batch(path: Path) -> None:
    """What the simulator itself writes."""
    command = [sys.executable, "-m", "data_prep.simulate", "--output", str(path)]
    sizes = ["--cells", str(NUM_CELLS), "--cycles", "100"]
    subprocess.run([*command, *sizes], check=True, stdout=subprocess.DEVNULL)


def write_batch(path: Path, num_cycles: int, compressed: bool) -> None:
    """Cells of the demo again and again, each with as many cycles; no series is shared."""
    with h5py.File(demo.DEMO_FILE) as source, create_file(path) as file:
        store = ReferenceStore(file)
        parts: dict[str, list[h5py.Reference]] = {}
        for index in range(NUM_CELLS):
            cell = index % source["batch/cycles"].shape[0]
            for name in ("cycle_life", "policy_readable"):
                values = source[source["batch"][name][cell, 0]][()]
                parts.setdefault(name, []).append(
                    file.create_dataset(f"{name}{index}", data=values).ref
                )
            summary = store.struct()
            for name, row in source[source["batch/summary"][cell, 0]].items():
                summary[name] = np.concatenate([[0.0], np.resize(row[0, 1:], num_cycles)])[None]
            cycles = store.struct()
            for name, column in source[source["batch/cycles"][cell, 0]].items():
                write_series(cycles, name, column, num_cycles, compressed, store)
            parts.setdefault("summary", []).append(summary.ref)
            parts.setdefault("cycles", []).append(cycles.ref)
        batch = create_struct(file, "batch")
        for name, references in parts.items():
            write_references(batch, name, references)
    write_header(path)


def write_series(
    cycles: h5py.Group,
    name: str,
    column: h5py.Dataset,
    num_cycles: int,
    compressed: bool,
    store: ReferenceStore,
) -> None:
    """A series of a cell, cycle by cycle; compressed bytes are copied as they are."""
    series = [column.file[reference].id for reference in column[1:, 0]]
    values = [np.ascontiguousarray(h5py.Dataset(one)[()]) for one in series]
    plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    group = h5g.create(cycles.id, f"#{name}".encode())
    references = [store.empty()]
    for index in range(num_cycles):
        k = index % len(series)
        place = f"{index:x}".encode()
        creation = series[k].get_create_plist() if compressed else plain
        made = h5d.create(group, place, h5t.NATIVE_DOUBLE, series[k].get_space(), creation)
        if compressed:
            made.write_direct_chunk((0, 0), series[k].read_direct_chunk((0, 0))[1])
        else:
            made.write(h5s.ALL, h5s.ALL, values[k])
        references.append(h5r.create(group, place, h5r.OBJECT))
    write_references(cycles, name, references)


FILES: dict[str, Callable[[Path], None]] = {
    "simulated": simulate_batch,
    "repeated, compressed": lambda path: write_batch(path, 100, compressed=True),
    "repeated, uncompressed": lambda path: write_batch(path, 100, compressed=False),
}


def plain_loop(path: Path) -> None:
    """All of a batch in memory, as the notebooks of the data set load it."""
    with h5py.File(path) as file:
        batch, cells = file["batch"], {}
        for index in range(batch["summary"].shape[0]):
            summary = file[batch["summary"][index, 0]]
            cycles = file[batch["cycles"][index, 0]]
            cells[index] = {
                "cycle_life": file[batch["cycle_life"][index, 0]][()],
                "policy": file[batch["policy_readable"][index, 0]][()].tobytes()[::2].decode(),
                "summary": {n: np.hstack(summary[n][0, :].tolist()) for n in SUMMARY_FIELDS},
                "cycles": {
                    j: {n: np.hstack(file[cycles[n][j, 0]][()]) for n in ALL_FIELDS}
                    for j in range(cycles["I"].shape[0])
                },
            }


def reader(path: Path) -> None:
    """Every cycle of every cell by our reader."""
    for place in matr.list_cells([path], SourceOptions()):
        assert isinstance(place, CellPlace), place
        cell = matr.read_cell(place, SourceOptions())
        for _ in cell.read_cycles(cell.last_cycle):
            pass


def references_of(path: Path) -> list[list[Any]]:
    """The references of each cell, a row of five for each cycle."""
    with h5py.File(path) as file:
        return [
            list(zip(*(file[cell][name][1:, 0] for name in CYCLE_FIELDS), strict=True))
            for cell in file["batch/cycles"][:, 0]
        ]


def hdf5_alone(path: Path, cells: list[list[Any]]) -> None:
    """What no reader of these series can leave out; the file is opened as ours opens it."""
    with open_file(path) as file:
        file_id = file.id
        for cell in cells:
            for cycle in cell:
                series = [h5r.dereference(reference, file_id) for reference in cycle]
                space = series[0].get_space()
                values = np.empty((len(series), space.get_simple_extent_npoints()))
                for one, row in zip(series, values, strict=True):
                    one.read(space, h5s.ALL, row, h5t.NATIVE_DOUBLE)


def reading_times(path: Path, repetitions: int) -> dict[str, Any]:
    """Medians of the three ways, which take turns on one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    cells = references_of(path)
    ways: dict[str, Callable[[], None]] = {
        "plain_loop_s": lambda: plain_loop(path),
        "reader_s": lambda: reader(path),
        "hdf5_alone_s": lambda: hdf5_alone(path, cells),
    }
    turns = [
        {key: value for name, way in ways.items() for key, value in timed(name, way).items()}
        for _ in range(repetitions)
    ]
    os.sched_setaffinity(0, cores)
    return {
        "file_mb": path.stat().st_size / 1e6,
        **{name: median(turn[name] for turn in turns) for name in ways},
        "times_faster": median(turn["plain_loop_s"] / turn["reader_s"] for turn in turns),
        "share_inside_hdf5": median(turn["hdf5_alone_s"] / turn["reader_s"] for turn in turns),
        "times_faster_wall": median(t["wall_plain_loop_s"] / t["wall_reader_s"] for t in turns),
        "turns": turns,
    }


def timed(name: str, way: Callable[[], None]) -> dict[str, float]:
    """Processor and wall time of one run, the mean of several where one is short."""
    runs = 1 if name == "plain_loop_s" else SHORT_RUNS
    gc.collect()  # what the turn before has left behind is not this one's time
    start, start_wall = time.process_time(), time.perf_counter()
    for _ in range(runs):
        way()
    seconds, wall_seconds = time.process_time() - start, time.perf_counter() - start_wall
    return {name: seconds / runs, f"wall_{name}": wall_seconds / runs}


def preparation_memory(path: Path, cycles: int, jobs: int) -> dict[str, Any]:
    """Time and largest memory of a whole preparation and the processes that it starts."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [sys.executable, "-m", "data_prep", "--source", "matr", "--input", str(path)]
        command += ["--cycles", str(cycles), "--jobs", str(jobs), "--output", f"{folder}/out"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        resident, proportional = 0, 0
        while process.poll() is None:
            tree = family(process.pid)
            resident = max(resident, sum(memory_kb(pid, "Rss") for pid in tree))
            proportional = max(proportional, sum(memory_kb(pid, "Pss") for pid in tree))
            time.sleep(SAMPLING_S)
        seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "file_mb": path.stat().st_size / 1e6,
        "cycles": cycles,
        "jobs": jobs,
        "seconds": seconds,
        "largest_resident_mib": resident / 1024,
        "largest_proportional_mib": proportional / 1024,
    }


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for parent in found:
        try:
            text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            continue
        found += map(int, text.split())
    return found


def memory_kb(pid: int, name: str) -> int:
    """A line of a process's memory, 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def reading_table(rows: list[dict[str, Any]]) -> str:
    """The three ways as a Markdown table."""
    lines = [
        f"| {NUM_CELLS} x 100 cycles | file MB | plain loop s | reader s | times faster "
        "| inside HDF5 |",
        "| --- |" + " --- |" * 5,
    ]
    for row in rows:
        lines.append(
            f"| {row['file']} | {row['file_mb']:.0f} "
            f"| {row['plain_loop_s']:.2f} | {row['reader_s']:.2f} | {row['times_faster']:.1f} "
            f"| {row['share_inside_hdf5']:.0%} |"
        )
    return "\n".join(lines)


def memory_table(rows: list[dict[str, Any]]) -> str:
    """The preparation as a Markdown table."""
    lines = [
        "| `data_prep` | jobs | s | MiB resident | MiB, shared once |",
        "| --- |" + " --- |" * 4,
    ]
    for row in rows:
        lines.append(
            f"| {NUM_CELLS} x {row['cycles']} cycles | {row['jobs']} | {row['seconds']:.0f} "
            f"| {row['largest_resident_mib']:.0f} | {row['largest_proportional_mib']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
