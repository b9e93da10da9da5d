"""Indicators of generated charges to CSV, a row a charge."""

import csv
from pathlib import Path

import numpy as np

from rcvae_tf.generation.charges import ChargeBlock, SetFacts
from rcvae_tf.indicators.compute import indicators_of
from rcvae_tf.indicators.table import INDICATORS

CHARGE_COLUMNS = ("cell_id", "eol", "ecl", "draw")
NUMBER_FORMAT = ".7g"  # float32 has seven digits


class IndicatorWriter:
    """Writes the indicators of charges as these come; an empty field where one is not valid.

    Args:
        path: The file that is written; it may not exist.
        facts: Nominal capacity and limit of the voltage.
    """

    def __init__(self, path: Path, facts: SetFacts) -> None:
        self.path = path
        self.facts = facts
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow([*CHARGE_COLUMNS, *(row.name for row in INDICATORS)])

    def add(self, block: ChargeBlock) -> None:
        """A row for each charge of a block, in order."""
        found = indicators_of(
            block.curves, self.facts.nominal_capacity_ah, self.facts.max_voltage_v
        )
        table = np.stack([found[row.name] for row in INDICATORS], axis=1)
        for cell_id, (eol, ecl), draw, values in zip(
            block.cell_ids, block.labels.tolist(), block.draws.tolist(), table, strict=True
        ):
            numbers = ["" if np.isnan(v) else format(v, NUMBER_FORMAT) for v in values]
            self._rows.writerow([cell_id, eol, ecl, draw, *numbers])

    def close(self) -> list[Path]:
        """Ends the file.

        Returns:
            What was written, relative to the output: one file of that name.
        """
        self._file.close()
        return [Path(self.path.name)]

    def discard(self) -> None:
        """Lets go of the file, where the set does not come to its end."""
        self._file.close()
