"""The canvas: a charge over absolute time, on knots that line up over charge policies.

Every fast step of a policy has its own stretch of knots, so that a current step lies at the same
knot whatever the rates are; behind the fast charge knots lie at fixed minutes. A sample, whose
points are equally spaced between the start of the charge and its end, is read from the canvas once
its duration is known.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from rcvae_tf.model.layers import PACKAGE
from rcvae_tf.model.losses import Tensor

SHORTEST_INTERVAL_MIN = 1e-5


class Location(NamedTuple):
    """Where points lie between knots.

    Args:
        knot: The knot before each point, shape `(batch, points)`.
        share: Of the way to the next one, 0 to 1, same shape.
    """

    knot: Tensor
    share: Tensor


@keras.saving.register_keras_serializable(PACKAGE)
class Canvas(keras.layers.Layer):
    """Knots in time, and the reading of curves between them.

    Args:
        knots: Ascending coordinates: k to k + 1 is the fast step number k, counted from 0, and
            `num_fast_steps` to `num_fast_steps` + 1 is what follows the fast charge.
        num_fast_steps: Stretches before the tail; 0 where no policy is given.
        tail_min: Minutes that the tail is long.
    """

    def __init__(
        self, knots: Sequence[float], num_fast_steps: int, tail_min: float, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.knots = np.asarray(knots, np.float32)
        self.num_fast_steps = num_fast_steps
        self.tail_min = tail_min

    @property
    def num_knots(self) -> int:
        """Knots of the canvas."""
        return len(self.knots)

    @property
    def step_shares(self) -> np.ndarray:
        """Share of every fast step that is over at each knot, shape `(steps, knots)`."""
        starts = np.arange(self.num_fast_steps, dtype=np.float32)[:, None]
        return np.clip(self.knots[None] - starts, 0.0, 1.0)

    @property
    def tail_minutes(self) -> np.ndarray:
        """Minutes since the fast charge, 0 before its end, shape `(knots,)`."""
        return np.clip(self.knots - self.num_fast_steps, 0.0, 1.0) * self.tail_min

    @property
    def in_step(self) -> np.ndarray:
        """Which step each knot is in, shape `(steps + 1, knots)`, 1 or 0; the last is the tail.

        A knot between two steps is the end of the earlier one.
        """
        step = np.clip(np.ceil(self.knots) - 1, 0, self.num_fast_steps).astype(int)
        return np.eye(self.num_fast_steps + 1, dtype=np.float32)[:, step]

    def knot_minutes(self, step_minutes: Tensor) -> Tensor:
        """Time of every knot.

        Args:
            step_minutes: Nominal minutes of the fast steps, shape `(batch, num_fast_steps)`.

        Returns:
            Shape `(batch, knots)`, never falling.
        """
        tail = ops.convert_to_tensor(self.tail_minutes)[None]
        if not self.num_fast_steps:
            return ops.zeros_like(step_minutes[:, :1]) + tail
        return ops.matmul(step_minutes, self.step_shares) + tail

    def locate(self, duration_min: Tensor, knot_minutes: Tensor, num_points: int) -> Location:
        """Places equally spaced points between knots; those behind the canvas go to its end.

        Args:
            duration_min: Of each charge, shape `(batch,)`.
            knot_minutes: From `knot_minutes`.
            num_points: Of a sample, the first at 0 and the last at the duration.
        """
        grid = np.linspace(0.0, 1.0, num_points, dtype=np.float32)
        minutes = ops.minimum(duration_min[:, None] * grid[None], knot_minutes[:, -1:])
        knot = tf.searchsorted(knot_minutes, minutes, side="right") - 1
        knot = ops.clip(knot, 0, self.num_knots - 2)
        before = tf.gather(knot_minutes, knot, batch_dims=1)
        behind = tf.gather(knot_minutes, knot + 1, batch_dims=1)
        interval = ops.maximum(behind - before, SHORTEST_INTERVAL_MIN)
        return Location(knot, ops.clip((minutes - before) / interval, 0.0, 1.0))

    def read(self, values: Tensor, location: Location) -> Tensor:
        """Curves on the points, linear between knots.

        Args:
            values: Shape `(batch, channels, knots)`.
            location: From `locate`.

        Returns:
            Shape `(batch, channels, points)`.
        """
        by_knot = ops.transpose(values, (0, 2, 1))
        share = location.share[:, :, None]
        before = tf.gather(by_knot, location.knot, batch_dims=1)
        behind = tf.gather(by_knot, location.knot + 1, batch_dims=1)
        return ops.transpose(before * (1.0 - share) + behind * share, (0, 2, 1))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "knots": self.knots.tolist(),
            "num_fast_steps": self.num_fast_steps,
            "tail_min": self.tail_min,
        }
