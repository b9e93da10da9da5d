"""Noise of a charge that hangs together: along it, between signals, and with its duration.

What the condition leaves open is not drawn point by point: a charge whose voltage lies a little
higher does so for minutes, and takes up a little less. Common factors move all of it at once; what
a point has for itself is what they leave over of its learned spread. Most charges deviate little
and a few by far: so each factor has a size that differs from charge to charge.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from rcvae_tf.model.layers import PACKAGE
from rcvae_tf.model.losses import Tensor

LAPLACE_VARIANCE = 2.0  # of a scale of 1
# Of its variance that a point keeps for itself, however much of it is common.
LEAST_OWN_SHARE = 0.02
SMALLEST_VARIANCE = 1e-20


class Joint(NamedTuple):
    """Deviations of charges, or their variances.

    Args:
        points: Of scaled signals, shape `(batch, signals, points)`.
        capacity_ah: Shape `(batch, points)`.
        log_duration: Of the logarithm of the duration, shape `(batch,)`.
    """

    points: Tensor
    capacity_ah: Tensor
    log_duration: Tensor


class CommonNoise(NamedTuple):
    """Common deviations of a batch, and how much of what is drawn for itself they leave.

    Args:
        deviation: Drawn.
        variance: Of the deviations at a scale of 1; a batch of one.
    """

    deviation: Joint
    variance: Joint

    def with_duration(self, own: Tensor, spread: Tensor) -> Tensor:
        """The logarithm of the duration: its own deviation, of this spread, and the common one."""
        share = own_share(self.variance.log_duration, ops.square(spread))
        return share * own + self.deviation.log_duration

    def with_points(self, own: Tensor, spread: Tensor) -> Tensor:
        """Points of scaled signals: their own deviation, Laplace of this scale, and the common."""
        share = own_share(self.variance.points, LAPLACE_VARIANCE * ops.square(spread))
        return share * own + self.deviation.points


@keras.saving.register_keras_serializable(PACKAGE)
class JointNoise(keras.layers.Layer):
    """A factor model: deviations are W f (Tipping and Bishop 1999), f Gaussian of a random size.

    Sizes are log-normal of mean square 1, and no factor goes further than it went in training.
    `training.joint_noise` measures W, by how much the sizes of each factor differ, and how far it
    went, once the rest is trained; until then all are 0.

    Args:
        num_factors: Rows of W.
        num_signals: That have noise of points.
        num_points: Of a sample.
        scale: Factor on all deviations.

    Call arguments:
        factors: Standard normal, shape `(batch, num_factors)`.
        sizes: Standard normal, same shape.
    """

    def __init__(
        self,
        num_factors: int,
        num_signals: int,
        num_points: int,
        scale: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.num_factors = num_factors
        self.num_signals, self.num_points = num_signals, num_points

    def build(self, input_shape: Any = None) -> None:
        """Makes W, a column for each point of signals and of the capacity and for the duration."""
        self.loadings = self.add_weight(
            name="loadings",
            shape=(self.num_factors, (self.num_signals + 1) * self.num_points + 1),
            initializer="zeros",
            trainable=False,
        )
        self.log_size_spread, self.farthest = (
            self.add_weight(
                name=name, shape=(self.num_factors,), initializer="zeros", trainable=False
            )
            for name in ("log_size_spread", "farthest")
        )
        self.built = True

    def call(self, factors: Tensor, sizes: Tensor) -> CommonNoise:
        """Deviations from what is expected."""
        spread = self.log_size_spread
        factors = factors * ops.exp(spread * sizes - ops.square(spread))
        factors = self.scale * ops.clip(factors, -self.farthest, self.farthest)
        return CommonNoise(
            self._parts(ops.matmul(factors, self.loadings)),
            self._parts(ops.sum(ops.square(self.loadings), axis=0, keepdims=True)),
        )

    def _parts(self, columns: Tensor) -> Joint:
        of_signals = self.num_signals * self.num_points
        points = ops.reshape(columns[:, :of_signals], (-1, self.num_signals, self.num_points))
        return Joint(points, columns[:, of_signals:-1], columns[:, -1])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        sizes = {"num_signals": self.num_signals, "num_points": self.num_points}
        others = {"num_factors": self.num_factors, "scale": self.scale}
        return {**super().get_config(), **others, **sizes}


def own_share(common_variance: Tensor, variance: Tensor) -> Tensor:
    """Factor on the noise that a point has for itself, beside what is common to many."""
    left = 1.0 - common_variance / ops.maximum(variance, SMALLEST_VARIANCE)
    return ops.sqrt(ops.clip(left, LEAST_OWN_SHARE, 1.0))
