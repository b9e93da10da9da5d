"""How a trial ended, and the table of all of them."""

import csv
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.run_directory import read_json, write_json

OUTCOME_FILE = "outcome.json"


@dataclass(frozen=True)
class Outcome:
    """What a trial came to.

    Args:
        val_mae: Lowest of its epochs; None where it was never finite: the trial has failed.
        best_epoch: When that was, counted from 1.
        epochs: Trained.
        seconds: It took.
        reason: Why it failed.
    """

    val_mae: float | None
    best_epoch: int | None
    epochs: int
    seconds: float = 0.0
    reason: str = ""

    def write(self, folder: Path) -> None:
        """Writes it into the folder of its trial."""
        write_json(folder / OUTCOME_FILE, dataclasses.asdict(self))


def read_outcome(folder: Path) -> Outcome:
    """The inverse of `Outcome.write`.

    Raises:
        SettingsError: It is missing or damaged.
    """
    way_out = "Restore it, or begin anew with --overwrite."
    values = read_json(folder / OUTCOME_FILE, way_out)
    try:
        return Outcome(**values)
    except TypeError as error:
        raise SettingsError(f"{folder / OUTCOME_FILE}: damaged: {error}. {way_out}") from error


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Writes `trials.csv` whole or not at all; None is an empty cell.

    Args:
        path: Where.
        rows: At least one, all with the same names.
    """
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    scratch.replace(path)
