"""What happens between epochs: the counter of Algorithm 2, checkpoints, warm-up, progress."""

import math
import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import Dataset
from rcvae_tf.presets import RunConfig
from rcvae_tf.run import save_model
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training.averaging import AveragedWeights
from rcvae_tf.training.state import TrainState
from rcvae_tf.training.tensorboard import LatentAndPictures
from rcvae_tf.training.watch_collapse import CollapseWatch

# Best and last model are kept in memory and written this often, so that a fast epoch does not
# wait for the disk, and a killed run loses little.
CHECKPOINT_SECONDS = 30.0
REPORT_SHARE = 0.1  # of the epochs, between two lines where there is no terminal


def training_callbacks(
    config: RunConfig,
    dataset: Dataset,
    vocabulary: Vocabulary,
    directory: RunDirectory,
    checkpoints: "BestAndLast",
) -> list[keras.callbacks.Callback]:
    """All of them, in the order in which they must run."""
    training, state = config.training, checkpoints.state
    log_dir = str(directory.tensorboard)
    return [
        KLWarmup(training.kl_warmup_epochs),
        keras.callbacks.TensorBoard(log_dir, write_graph=False),
        LatentAndPictures(directory.tensorboard, dataset.validation, vocabulary),
        CollapseWatch(directory.tensorboard, dataset.validation, vocabulary, config),
        keras.callbacks.CSVLogger(str(directory.history), append=state.epochs_done > 0),
        keras.callbacks.TerminateOnNaN(),
        checkpoints,
        ProgressLine(training.epochs, state),
        checkpoints.averaging,
    ]


class KLWarmup(keras.callbacks.Callback):
    """Raises the weight of the KLD in equal steps from 0 to its full value.

    Args:
        epochs: How many it takes; 0 starts with the full weight.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the weight of the epoch."""
        share = min((epoch + 1) / self.epochs, 1.0) if self.epochs else 1.0
        self.model.kl_scale.assign(share)


class BestAndLast(keras.callbacks.Callback):
    """Steps 7 to 9 of Algorithm 2: save when the validation MAE falls, else count, and stop.

    Keras' own EarlyStopping and ModelCheckpoint forget the best value and the counter when a run
    is resumed, and a worse model then overwrites the best one.

    Args:
        directory: Where the models go.
        state: Counted on from, and kept up to date.
        patience: Epochs without a lower value after which training stops.
        keep: `best`, or `last` where the value says too little: with few cells held out it is the
            luck of those cells.
    """

    def __init__(
        self, directory: RunDirectory, state: TrainState, patience: int, keep: str = "best"
    ) -> None:
        super().__init__()
        self.directory = directory
        self.state = state
        self.patience = patience
        self.keep = keep
        self.averaging = AveragedWeights()
        self._best_weights: list[Any] | None = None
        self._written_at = -math.inf  # the first epoch is written at once

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the epoch, remembers the best weights, stops when patience is out."""
        # Step 7: a lower validation loss sets the counter to 0 and its model is kept. It is the
        # loss of the weights that are kept, those after the updates of the epoch.
        val_mae = float((logs or {})["val_mae"])
        is_best = self.state.observe(val_mae)
        if is_best or (self.keep == "last" and math.isfinite(val_mae)):
            self._best_weights = self.model.get_weights()
        # Step 8: stop. The algorithm says when the counter exceeds a threshold, the text of the
        # paper after 100 epochs without a fall: so the threshold is one less than the patience.
        if self.state.counter >= self.patience:
            self.model.stop_training = True
        if time.monotonic() - self._written_at >= CHECKPOINT_SECONDS:
            self.write()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes both models."""
        self.write()

    def write(self) -> None:
        """Step 9: writes the best model if it is new, the last with its optimiser, the state."""
        self.directory.state.mkdir(exist_ok=True)
        # The best model comes first and the state last: a kill between them must not leave a state
        # that counts from a model which was never written.
        if self._best_weights is not None:
            # A copy that was never compiled: the moments of the optimiser are two thirds of a file,
            # and `save(include_optimizer=False)` leaves them in where the file ends with .keras.
            best = type(self.model).from_config(self.model.get_config())
            best.build()
            best.set_weights(self._best_weights)
            save_model(best, self.directory.model)
            self._best_weights = None
        with self.averaging.trained_weights():
            save_model(self.model, self.directory.last_model)
        self.state.write(self.directory.train_state)
        self._written_at = time.monotonic()


class ProgressLine(keras.callbacks.Callback):
    """A moving line on a terminal, else a line every tenth of the way; on standard error.

    Args:
        epochs: At the most.
        state: Holds the best value.
    """

    def __init__(self, epochs: int, state: TrainState) -> None:
        super().__init__()
        self.epochs = epochs
        self.state = state
        self.console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.progress = Progress(
            *columns, console=self.console, disable=not self.console.is_terminal
        )
        self.task = self.progress.add_task("training", total=epochs, completed=state.epochs_done)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts the line."""
        self.progress.start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves on by one epoch."""
        logs = logs or {}
        place = f"epoch {epoch + 1}/{self.epochs}"
        best = f"val_mae {logs['val_mae']:.5f}  best {self.state.best_val_mae:.5f}"
        self.progress.update(self.task, completed=epoch + 1, description=f"{place}  {best}")
        interval = max(int(self.epochs * REPORT_SHARE), 1)
        if not self.console.is_terminal and (epoch + 1) % interval == 0:
            terms = f"loss {logs['loss']:.4g}  mse {logs['mse']:.4g}  kld {logs['kld']:.3g}"
            text = f"{place}  {terms}  {best} (epoch {self.state.best_epoch})"
            self.console.print(text, highlight=False, soft_wrap=True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends the line, and says why training ended."""
        self.progress.stop()
        done, best = self.state.epochs_done, self.state.best_epoch
        why = "" if done >= self.epochs else f" (no better val_mae for {self.state.counter})"
        self.console.print(
            f"trained {done} epochs{why}; best val_mae {self.state.best_val_mae:.5f} "
            f"at epoch {best}",
            highlight=False,
        )
