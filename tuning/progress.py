"""A moving line on a terminal while a trial trains."""

import math
from types import TracebackType
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class TrialProgress(keras.callbacks.Callback):
    """The epochs of one trial; gone when it ends, so that its line of the log stands alone.

    Args:
        title: "trial 7/30".
        epochs: At the most.
    """

    def __init__(self, title: str, epochs: int) -> None:
        super().__init__()
        self.title = title
        self.lowest = math.inf
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.progress = Progress(
            *columns, console=console, disable=not console.is_terminal, transient=True
        )
        self.task = self.progress.add_task(title, total=epochs)

    def __enter__(self) -> "TrialProgress":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves on by one epoch."""
        self.lowest = min(self.lowest, (logs or {})["val_mae"])
        description = f"{self.title}  epoch {epoch + 1}  lowest val_mae {self.lowest:.5f}"
        self.progress.update(self.task, completed=epoch + 1, description=description)
