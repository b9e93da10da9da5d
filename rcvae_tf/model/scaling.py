"""Physical units to the numbers that a network sees, and back, inside the model."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from data_prep.quasi_video import NUM_CHANNELS, plane_signals
from rcvae_tf.model.layers import PACKAGE
from rcvae_tf.model.losses import Tensor
from rcvae_tf.physical import total_weights


@keras.saving.register_keras_serializable(PACKAGE)
class QuasiVideoScaling(keras.layers.Layer):
    """Flattens a quasi-video and scales each signal; `unscale` is the way back.

    Args:
        statistics: By present signal, as the dataset card has them.
        height: Rows of a frame.
        width: Columns of a frame.
        depth: Depths that are used, 2 or 3.
        method: `min_max`, (x - minimum) / (maximum - minimum); or `centred`, the deviation from
            the training mean curve over the spread around it.

    Call arguments:
        quasi_video: Physical units, shape `(batch, channel, depth or more, height, width)`.
    """

    def __init__(
        self,
        statistics: Mapping[str, Mapping[str, Any]],
        height: int,
        width: int,
        depth: int,
        method: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.statistics = {name: dict(values) for name, values in statistics.items()}
        self.height, self.width, self.depth = height, width, depth
        self.method = method
        planes = [name for row in plane_signals(depth) for name in row]
        parts = [self._plane(name) for name in planes]
        offset, scale, present = (np.concatenate(part) for part in zip(*parts, strict=True))
        self.offset, self.scale = offset.astype(np.float32), scale.astype(np.float32)
        self.present = present.astype(np.float32)
        self.signals = tuple(name for name in self.statistics if name in planes)
        self.signal_average = self._signal_average(planes)
        weights = total_weights(self.signals)
        self.total_weights = np.array([weights.get(name, 0.0) for name in self.signals], np.float32)

    @property
    def sample_size(self) -> int:
        """Elements of a flattened sample."""
        return NUM_CHANNELS * self.depth * self.height * self.width

    def call(self, quasi_video: Tensor) -> Tensor:
        """Scaled and flattened, shape `(batch, sample_size)`; 0 where a signal is absent."""
        used = quasi_video[:, :, : self.depth]
        flat = ops.reshape(used, (-1, self.sample_size))
        return (flat - self.offset) / self.scale * self.present

    def unscale(self, flat: Tensor) -> Tensor:
        """The inverse of the call, shape `(batch, channel, depth, height, width)`."""
        physical = (flat * self.scale + self.offset) * self.present
        shape = (-1, NUM_CHANNELS, self.depth, self.height, self.width)
        return ops.reshape(physical, shape)

    def absolute_error(self, flat_1: Tensor, flat_2: Tensor) -> tuple[Tensor, Tensor]:
        """Mean absolute difference of scaled samples in physical units.

        Returns:
            By signal, shape `(signals,)`, in the order of `signals`; and the total of Table 1.
        """
        error = ops.mean(ops.abs(flat_1 - flat_2), axis=0) * self.scale
        by_signal = ops.matmul(error[None], self.signal_average)[0]
        return by_signal, ops.sum(by_signal * self.total_weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "statistics": self.statistics,
            "height": self.height,
            "width": self.width,
            "depth": self.depth,
            "method": self.method,
        }

    def _plane(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offset, scale and presence of one plane; a constant signal is only shifted."""
        num_points = self.height * self.width
        if name not in self.statistics:
            return np.zeros(num_points), np.ones(num_points), np.zeros(num_points)
        values = self.statistics[name]
        if self.method == "min_max":
            offset = np.full(num_points, values["minimum"])
            scale = values["maximum"] - values["minimum"]
        else:
            offset, scale = np.array(values["mean_curve"]), values["spread"]
        return offset, np.full(num_points, scale or 1.0), np.ones(num_points)

    def _signal_average(self, planes: list[str]) -> np.ndarray:
        """Averages the elements of each signal, shape `(sample_size, signals)`."""
        owner = np.repeat(np.array(planes), self.height * self.width)
        member = np.stack([owner == name for name in self.signals], axis=1).astype(np.float32)
        return member / member.sum(axis=0)
