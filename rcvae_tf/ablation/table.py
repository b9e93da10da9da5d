"""`ablation.csv` and `ablation_generated.csv`: the layout of Tables 2, S1 and S2 in one."""

import csv
from pathlib import Path
from typing import Any

from rcvae_tf.ablation.directory import AblationDirectory
from rcvae_tf.report.ablation_tables import Rows, column
from rcvae_tf.report.labels import ERRORS, GENERATION_MODE, PAPER_MODE, SYMBOLS, TOTAL


def ablation_rows(metrics: dict[str, dict[str, Any]], mode: str) -> Rows:
    """Rows as reports read them; a signal that the data lack is None.

    Args:
        metrics: What was measured, by row, in the order of the table.
        mode: One of the three of `metrics.json`.
    """
    return [
        {"early_cycles": values["cycles"], "detach": row, **_errors(values["modes"][mode])}
        for row, values in metrics.items()
    ]


def write_tables(directory: AblationDirectory, metrics: dict[str, dict[str, Any]]) -> None:
    """Writes both files, each whole or not at all."""
    for path, mode in ((directory.table, PAPER_MODE), (directory.generated, GENERATION_MODE)):
        _write_csv(path, ablation_rows(metrics, mode))


def total_mae(metrics: dict[str, Any]) -> float:
    """The total MAE of a row, reconstructed."""
    return float(metrics["modes"][PAPER_MODE][TOTAL]["mae"])


def _errors(errors: dict[str, dict[str, float]]) -> dict[str, float | None]:
    return {
        column(error, signal): errors.get(signal, {}).get(error)
        for signal in (TOTAL, *SYMBOLS)
        for error in ERRORS
    }


def _write_csv(path: Path, rows: Rows) -> None:
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["early_cycles", "detach", *_errors({})])
        writer.writeheader()
        writer.writerows(rows)
    scratch.replace(path)
