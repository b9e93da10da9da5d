"""Quasi-videos to the curves and durations that the canvas generator works on, and back."""

import numpy as np
from keras import ops

from data_prep.quasi_video import NUM_CHANNELS
from rcvae_tf.model.losses import Tensor

SECONDS_PER_MINUTE = 60.0
DEPTH = 3  # signals, charge capacity, elapsed time


def unpack(quasi_video: Tensor, num_signals: int, num_points: int) -> tuple[Tensor, Tensor]:
    """Curves, `(batch, num_signals + 1, points)`, capacity last, and duration in minutes.

    Args:
        quasi_video: Physical units, shape `(batch, channel, depth, height, width)`.
        num_signals: Channels of depth 0 that are in use.
        num_points: `height * width`.
    """
    planes = ops.reshape(quasi_video, (-1, NUM_CHANNELS, DEPTH, num_points))
    signals = [planes[:, k, 0] for k in range(num_signals)]
    curves = ops.stack([*signals, planes[:, 0, 1]], axis=1)
    return curves, planes[:, 0, 2, -1] / SECONDS_PER_MINUTE


def pack(curves: Tensor, duration_min: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `unpack`; an absent temperature is 0."""
    signals = [curves[:, k] for k in range(curves.shape[1] - 1)]
    signals += [ops.zeros_like(signals[0])] * (NUM_CHANNELS - len(signals))
    grid = np.linspace(0.0, SECONDS_PER_MINUTE, height * width, dtype=np.float32)
    time_s = duration_min[:, None] * grid[None]
    grey = [ops.stack([plane] * NUM_CHANNELS, axis=1) for plane in (curves[:, -1], time_s)]
    video = ops.stack([ops.stack(signals, axis=1), *grey], axis=2)
    return ops.reshape(video, (-1, NUM_CHANNELS, DEPTH, height, width))
