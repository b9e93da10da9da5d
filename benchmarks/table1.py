"""Table 1 of several runs side by side, as Markdown and JSON; the README's results come from it.

    python benchmarks/table1.py runs/default runs/paper --output benchmarks/table1_sample.json

Each run must have been evaluated. Rows are the modes of every run, then the baselines, which
depend on the split and on what the run was trained on; every number is a test error.
"""

import argparse
import json
from pathlib import Path
from typing import Any

SIGNALS = ("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah", "total")


def main() -> None:
    """Prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    metrics = {path: json.loads((path / "metrics.json").read_text()) for path in arguments.runs}
    configs = {path: json.loads((path / "config.json").read_text()) for path in arguments.runs}
    rows = table_rows(metrics, configs)
    print(markdown(rows))
    facts = [
        {"preset": configs[p]["preset"], "data": configs[p]["data"]["source"], **_facts(metrics[p])}
        for p in arguments.runs
    ]
    arguments.output.write_text(json.dumps({"runs": facts, "rows": rows}, indent=1) + "\n")


def table_rows(
    metrics: dict[Path, dict[str, Any]], configs: dict[Path, dict[str, Any]]
) -> list[dict[str, Any]]:
    """Name and MAE by signal of every mode and baseline; baselines of the first run."""
    rows = []
    for path, values in metrics.items():
        for mode, errors in values["modes"].items():
            rows.append({"row": f"{configs[path]['preset']}, {mode}", **_mae(errors)})
    first = next(iter(metrics.values()))
    rows += [{"row": name, **_mae(errors)} for name, errors in first["baselines"].items()]
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a Markdown table."""
    signals = [name for name in SIGNALS if name in rows[0]]
    lines = ["| MAE | " + " | ".join(signals) + " |", "| --- |" + " --- |" * len(signals)]
    for row in rows:
        lines.append(f"| {row['row']} | " + " | ".join(f"{row[s]:.4f}" for s in signals) + " |")
    return "\n".join(lines)


def _mae(errors: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: errors[name]["mae"] for name in SIGNALS if name in errors}


def _facts(metrics: dict[str, Any]) -> dict[str, Any]:
    kept = ("split", "cycles", "samples", "baseline_settings", "skill", "latent")
    return {name: metrics[name] for name in kept}


if __name__ == "__main__":
    main()
