"""How fast the server answers, beside the SavedModel called from Python without it.

    python benchmarks/serve.py --model models/rcvae

The server runs in a process of its own, the clients in another; both share the machine with
nothing else. For 1, 8 and 64 clients and requests of 1, 16 and 64 charges: requests a second, p50
and p99 of the latency, the rows that the server put together, and in turns with it the bare call
at as many rows. Then 10,000 requests one after the other, and the memory of the server before and
after. The table goes to the screen as Markdown, all numbers into benchmarks/serve.json.
"""

import argparse
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from data_prep.quiet_tensorflow import import_tensorflow
from rcvae_tf.run_directory import write_json
from rcvae_tf.servable.facts import read_facts
from rcvae_tf.servable.layout import versions_in

CLIENTS, ROWS = (1, 8, 64), (1, 16, 64)
TURNS = 3
SECONDS_OF_TURN = 5.0
MEMORY_REQUESTS = 10_000


def main() -> None:
    """Measures, prints the tables and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="told EOL and ECL alone")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    directory = versions_in(arguments.model)[-1]
    facts = read_facts(directory.facts)
    tf = import_tensorflow()
    bare = tf.saved_model.load(str(directory.path)).signatures["generate"]
    ranges = {"eol": list(facts.eol_range), "ecl": list(facts.ecl_range)}
    with served(arguments.model) as (port, process_id):
        asked = {"port": port, "path": f"/v1/models/{arguments.model.resolve().name}", **ranges}
        loads = [one_load(bare, asked, clients, rows) for rows in ROWS for clients in CLIENTS]
        memory = memory_over_requests(asked, process_id)
    told = {"points": facts.num_points, "preset": facts.preset, "turns": TURNS}
    write_json(arguments.output, {**told, "loads": loads, "memory": memory})
    print(tables(loads, memory))


@contextmanager
def served(model: Path) -> Iterator[tuple[int, int]]:
    """Port and process of a running server."""
    command = [sys.executable, "-m", "rcvae_tf.serve", "--model", str(model), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = next(line for line in process.stdout if "explorer page" in line)
    try:
        yield int(address.split("/: ")[0].rsplit(":", 1)[1]), process.pid
    finally:
        process.terminate()
        process.wait(60)


def one_load(bare: Any, asked: dict[str, Any], clients: int, rows: int) -> dict[str, Any]:
    """Server and bare call in turns; medians of rates and of their ratio."""
    first = _load(asked, clients, rows, max(4 * clients, 50))
    requests = int(max(SECONDS_OF_TURN * first["requests_per_s"], 4 * clients))
    turns = []
    for _ in range(TURNS):
        before = _batches(asked["port"])
        turn = _load(asked, clients, rows, requests)
        after = _batches(asked["port"])
        turn["batch_rows"] = (after[0] - before[0]) / (after[1] - before[1])
        turn["bare_rows_per_s"] = bare_rate(bare, asked, round(turn["batch_rows"]))
        turn["share_of_bare"] = turn["rows_per_s"] / turn["bare_rows_per_s"]
        turns.append(turn)
    middle = {name: median(turn[name] for turn in turns) for name in turns[0]}
    return {"clients": clients, "rows": rows, "requests": requests, **middle}


def bare_rate(bare: Any, asked: dict[str, Any], rows: int) -> float:
    """Rows a second of the SavedModel called with as many rows; the numbers are fetched."""
    tf = import_tensorflow()
    rng = np.random.default_rng(0)
    inputs = {
        name: tf.constant(rng.integers(asked[name][0], asked[name][1] + 1, rows))
        for name in ("eol", "ecl")
    }
    inputs["seed"] = tf.range(rows, dtype=tf.int64)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS_OF_TURN / 2:
        for values in bare(**inputs).values():
            values.numpy()
        count += 1
    return count * rows / (time.perf_counter() - start)


def memory_over_requests(asked: dict[str, Any], process_id: int) -> dict[str, float]:
    """Resident memory of the server after every fifth of the requests."""
    readings = [resident_mib(process_id)]
    for _ in range(5):
        _load(asked, 8, 1, MEMORY_REQUESTS // 5)
        readings.append(resident_mib(process_id))
    return {"requests": MEMORY_REQUESTS, "resident_mib": readings}


def resident_mib(process_id: int) -> float:
    """Of a process, from the kernel."""
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _load(asked: dict[str, Any], clients: int, rows: int, requests: int) -> dict[str, float]:
    told = json.dumps({**asked, "clients": clients, "rows": rows, "requests": requests})
    script = Path(__file__).with_name("serve_load.py")
    done = subprocess.run(
        [sys.executable, script, told], stdout=subprocess.PIPE, check=True, text=True
    )
    answer = json.loads(done.stdout)
    p50, p99 = np.percentile(answer["latencies_s"], [50, 99])
    return {
        "requests_per_s": requests / answer["seconds"],
        "rows_per_s": requests * rows / answer["seconds"],
        "p50_ms": 1000 * p50,
        "p99_ms": 1000 * p99,
    }


def _batches(port: int) -> tuple[float, float]:
    """Rows and batches that the server has worked on so far."""
    address = f"http://127.0.0.1:{port}/monitoring/prometheus/metrics"
    with urllib.request.urlopen(address, timeout=60) as answer:
        text = answer.read().decode()
    values = [re.search(rf"rcvae_batch_rows_{name} (\S+)", text) for name in ("sum", "count")]
    rows, batches = (float(value[1]) for value in values if value)
    return rows, batches


def tables(loads: list[dict[str, Any]], memory: dict[str, Any]) -> str:
    """As Markdown."""
    lines = [
        "| clients | charges a request | requests/s | p50, ms | p99, ms | p99/p50 | charges/s | "
        "rows a batch | bare at that batch, charges/s | of bare |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one['clients']} | {one['rows']} | {one['requests_per_s']:.0f} | {one['p50_ms']:.1f} | "
        f"{one['p99_ms']:.1f} | {one['p99_ms'] / one['p50_ms']:.1f} | {one['rows_per_s']:.0f} | "
        f"{one['batch_rows']:.0f} | {one['bare_rows_per_s']:.0f} | {one['share_of_bare']:.0%} |"
        for one in loads
    ]
    readings = ", ".join(f"{reading:.0f}" for reading in memory["resident_mib"])
    lines += ["", f"Memory of the server over {memory['requests']:,} requests, MiB: {readings}."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
