"""Running averages of the weights: what is validated, looked at and kept in place of the last."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


class AveragedWeights(keras.callbacks.Callback):
    """Puts the averages into the model after the training of an epoch, takes them out at its end.

    Keras' own SwapEMAWeights forgets what is in the model when that is saved and loaded. This
    callback comes last of all: those before it see the averages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.in_use = False

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Averages in, before the validation."""
        if not self.in_use:
            self._swap()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Averages out, before the next epoch."""
        if self.in_use:
            self._swap()

    @contextmanager
    def trained_weights(self) -> Iterator[None]:
        """Within it the model holds what training goes on with."""
        was_in_use = self.in_use
        if was_in_use:
            self._swap()
        yield
        if was_in_use:
            self._swap()

    def _swap(self) -> None:
        optimizer = self.model.optimizer
        if not optimizer.use_ema or not optimizer.built:
            return
        # Keras has no public name for them; its own callback takes them from here too.
        averages = optimizer._model_variables_moving_average
        for weight, average in zip(self.model.trainable_variables, averages, strict=True):
            kept = np.array(weight)
            weight.assign(average)
            average.assign(kept)
        self.in_use = not self.in_use
