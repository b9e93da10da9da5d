"""What TensorBoard's HParams tab shows: the searched settings, and each trial's best val_mae."""

import shutil
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tensorboard.plugins.hparams import api as hparams_api
from tensorboard.plugins.hparams import api_pb2, summary

from tuning.outcome import Outcome
from tuning.search_space import Dimension

# The tab shows the last value of a metric, not the best (tensorboard issue 4630): so the best is a
# metric of its own, with one value.
BEST = "best/val_mae"
CURVE = "epoch/val_mae"


def write_experiment(log_dir: Path, space: tuple[Dimension, ...]) -> None:
    """Writes once what is searched and what for, at the top of the trials."""
    log_dir.mkdir(parents=True, exist_ok=True)
    for path in log_dir.glob("events.*"):
        path.unlink()
    writer = tf.summary.create_file_writer(str(log_dir))
    with writer.as_default():
        hparams_api.hparams_config(
            hparams=[hparams_api.HParam(d.name, _domain(d)) for d in space],
            metrics=[
                hparams_api.Metric(BEST, display_name="lowest val_mae"),
                hparams_api.Metric(CURVE, display_name="val_mae of the last epoch"),
            ],
        )
    writer.close()


def _domain(dimension: Dimension) -> Any:
    if dimension.values is not None:
        return hparams_api.Discrete(dimension.values)
    return hparams_api.RealInterval(dimension.low, dimension.high)


class TrialSummaries(keras.callbacks.Callback):
    """Writes a trial as a run of its own.

    Args:
        log_dir: TensorBoard's directory of the search.
        trial: Its number.
        values: The settings that were searched.
    """

    def __init__(self, log_dir: Path, trial: int, values: dict[str, Any]) -> None:
        super().__init__()
        self.log_dir = log_dir / f"trial_{trial:04d}"
        self.values = values
        self.writer: Any = None

    def begin(self) -> None:
        """Writes the settings; what a killed try of the same trial left is removed."""
        shutil.rmtree(self.log_dir, ignore_errors=True)
        self.writer = tf.summary.create_file_writer(str(self.log_dir))
        with self.writer.as_default():
            hparams_api.hparams(self.values, trial_id=self.log_dir.name)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the error of the epoch."""
        with self.writer.as_default(step=epoch + 1):
            tf.summary.scalar(CURVE, (logs or {})["val_mae"])

    def end(self, outcome: Outcome) -> None:
        """Writes the best error, and that the trial has ended."""
        completed = outcome.val_mae is not None
        with self.writer.as_default():
            if completed:
                tf.summary.scalar(BEST, outcome.val_mae, step=outcome.best_epoch)
            status = api_pb2.STATUS_SUCCESS if completed else api_pb2.STATUS_FAILURE
            end = summary.session_end_pb(status).SerializeToString()
            tf.summary.experimental.write_raw_pb(end, step=0)
        self.writer.close()
