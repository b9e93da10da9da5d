"""How fast charges are generated, in how much memory, and how near decoding comes to its products.

    python benchmarks/generate.py --run runs/attia --work generated

Sets of several sizes go through the command to BDF Parquet: charges a second, largest resident
memory of the process, bytes on the disk. Before them, in one process and in turns, one block of
charges is decoded from noise that is ready, its noise is drawn, and the matrix products of its
decoding are made alone. The table goes to the screen as Markdown, all numbers into
benchmarks/generate.json.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.quiet_tensorflow import import_tensorflow
from rcvae_tf.generation.drawing import BLOCK
from rcvae_tf.run import Run, load_run
from rcvae_tf.run_directory import write_json

MEBIBYTE = 2**20
AGES = 100
TURNS = 15


def main() -> None:
    """Measures, prints the tables and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="conditioned on EOL and ECL alone")
    parser.add_argument("--work", type=Path, required=True, help="folder for the sets, removed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--format", default="bdf-parquet")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    import_tensorflow()
    run = load_run(arguments.run)
    facts: dict[str, Any] = {"block": BLOCK, "decoding": decoding(run), "sets": []}
    for size in arguments.sizes:
        facts["sets"].append(one_set(run, size, arguments.format, arguments.work))
        write_json(arguments.output, facts)
    print(tables(facts))


def one_set(run: Run, size: int, format_name: str, work: Path) -> dict[str, Any]:
    """One command in a process of its own: synthetic cells of `AGES` charges."""
    low, high = run.vocabulary.label_range
    lives = np.unique(np.linspace(low[0], high[0], 20).astype(int))
    samples = max(size // (AGES * len(lives)), 1)
    output = work / f"set-{size}"
    shutil.rmtree(output, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rcvae_tf.generate", "--run", str(run.directory.path)]
    command += ["--eol", ",".join(map(str, lives)), "--ecl", f"1:{AGES}"]
    command += ["--samples", str(samples), "--output", str(output), "--yes"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--format", format_name], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)}: ended with {status}")
    charges = samples * AGES * len(lives)
    num_bytes = sum(path.stat().st_size for path in output.rglob("*"))
    shutil.rmtree(output)
    return {
        "charges": charges,
        "cells": samples * len(lives),
        "format": format_name,
        "seconds": seconds,
        "charges_per_s": charges / seconds,
        "processor_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss * 1024 / MEBIBYTE,
        "bytes": num_bytes,
        "bytes_per_charge": num_bytes / charges,
    }


def decoding(run: Run) -> dict[str, Any]:
    """Seconds a block for decoding, its matrix products alone, and its noise; the best of turns."""
    tf = import_tensorflow()
    low, high = run.vocabulary.label_range
    rng = np.random.default_rng(0)
    labels = rng.integers(low, high + 1, (BLOCK, 2))
    inputs = run.inputs_of(labels, np.zeros((BLOCK, 6, 2), np.float32))
    noise = run.model.draw_noise(BLOCK, rng)
    ready = [{k: tf.constant(v) for k, v in part.items()} for part in (inputs, noise)]
    decode = tf.function(run.model.generate_series, autograph=False)
    kernels = _kernels(run)
    left = [tf.random.normal((BLOCK, kernel.shape[0])) for kernel in kernels]

    @tf.function
    def products() -> list[Any]:
        return [tf.matmul(a, b) for a, b in zip(left, kernels, strict=True)]

    ways: dict[str, Callable[[], Any]] = {
        "decoding": lambda: decode(*ready).shape,
        "matrix_products": lambda: [one.shape for one in products()],
        "noise": lambda: run.model.draw_noise(BLOCK, rng),
    }
    best = dict.fromkeys(ways, float("inf"))
    for way in ways.values():
        way()  # traces
    for _ in range(TURNS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    flops = sum(2 * BLOCK * k.shape[0] * k.shape[1] for k in kernels)
    return {
        "seconds_per_block": best,
        "gflop_per_s_of_products": flops / best["matrix_products"] / 1e9,
        "flop_per_charge": flops / BLOCK,
        "share_of_product_rate": best["matrix_products"] / best["decoding"],
    }


def _kernels(run: Run) -> list[Any]:
    """The matrices that a charge is multiplied with on its way through the decoder."""
    parts = ("/decoder/", "/tail_decoder/", "/duration/")
    return [
        weight.value
        for weight in run.model.trainable_variables
        if weight.path.endswith("kernel") and any(part in weight.path for part in parts)
    ]


def tables(facts: dict[str, Any]) -> str:
    """Both as Markdown."""
    decoded = facts["decoding"]
    lines = [
        "| charges | cells | charges a second | peak memory, MiB | size, MB | bytes a charge |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one['charges']:,} | {one['cells']:,} | {one['charges_per_s']:,.0f} | "
        f"{one['peak_mib']:.0f} | {one['bytes'] / 1e6:.1f} | {one['bytes_per_charge']:.0f} |"
        for one in facts["sets"]
    ]
    lines += ["", "| of a block | charges a second |", "| --- | --- |"]
    lines += [
        f"| {name.replace('_', ' ')} | {facts['block'] / seconds:,.0f} |"
        for name, seconds in decoded["seconds_per_block"].items()
    ]
    lines.append(
        f"\nDecoding runs at {decoded['share_of_product_rate']:.0%} of the rate of its matrix "
        f"products ({decoded['gflop_per_s_of_products']:.0f} GFLOP/s)."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
