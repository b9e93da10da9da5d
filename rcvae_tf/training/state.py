"""How far a training has come: what Keras' own backup does not keep."""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import SettingsError
from rcvae_tf.run_directory import write_json


@dataclass
class TrainState:
    """Algorithm 2 between two epochs.

    Args:
        epochs_done: Epochs finished.
        best_val_mae: Lowest so far.
        best_epoch: When it was reached, counted from 1; 0 before the first.
        counter: Epochs since then.
    """

    epochs_done: int = 0
    best_val_mae: float = math.inf
    best_epoch: int = 0
    counter: int = 0

    def observe(self, val_mae: float) -> bool:
        """Counts an epoch; True where it is the best so far. A NaN is never the best."""
        self.epochs_done += 1
        if val_mae < self.best_val_mae:
            self.best_val_mae = val_mae
            self.best_epoch = self.epochs_done
            self.counter = 0
            return True
        self.counter += 1
        return False

    def write(self, path: Path) -> None:
        """Writes the state as JSON, whole or not at all."""
        values = dataclasses.asdict(self)
        if not math.isfinite(self.best_val_mae):
            values.pop("best_val_mae")
        write_json(path, values)


def read_state(path: Path) -> TrainState:
    """The inverse of `TrainState.write`.

    Raises:
        SettingsError: It is damaged.
    """
    try:
        return TrainState(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(f"{path}: not readable: {error}. Train anew.") from error
