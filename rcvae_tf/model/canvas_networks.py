"""Networks of the canvas generator: the condition as numbers, the duration, the curves."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from rcvae_tf.model.layers import PACKAGE, ResidualStack
from rcvae_tf.model.losses import Tensor
from rcvae_tf.model.policy import policy_features

# The first cycles differ most from each other; ages are told apart down to about ten cycles.
ECL_UNIT = 100.0
ECL_DECAYS = (1.5, 6.0)
SMALLEST_ECL = 0.3
# The spread of the duration starts at a third of that over the training samples.
FIRST_LOG_SPREAD = -1.0
SMALLEST_DURATION_SPREAD = 2e-3  # of the logarithm: two thousandths of the time
LEAST_LOG_SPREAD = -12.0
# The tail's own network takes over around this time behind the fast charge.
TAKEOVER_MIN, TAKEOVER_WIDTH_MIN = 0.8, 0.1


@keras.saving.register_keras_serializable(PACKAGE)
class AgeFeatures(keras.layers.Layer):
    """ECL as numbers: linear, logarithm, two decays, and sines of rising frequency.

    Args:
        num_frequencies: Sine and cosine pairs; the first has a wavelength of 628 cycles, each
            further one half of it.

    Call arguments:
        ecl: Cycles, shape `(batch, 1)`.
    """

    def __init__(self, num_frequencies: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_frequencies = num_frequencies

    @property
    def size(self) -> int:
        """Numbers that an age becomes."""
        return 4 + 2 * self.num_frequencies

    def call(self, ecl: Tensor) -> Tensor:
        """Shape `(batch, size)`."""
        ecl = ops.maximum(ecl, SMALLEST_ECL)
        age = ecl / ECL_UNIT
        features = [age, ops.log(ecl) / 2.0 - 1.5]
        features += [ops.exp(-(ecl - 1.0) / decay) for decay in ECL_DECAYS]
        for k in range(self.num_frequencies):
            features += [ops.sin(age * 2.0**k), ops.cos(age * 2.0**k)]
        return ops.concatenate(features, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "num_frequencies": self.num_frequencies}


@keras.saving.register_keras_serializable(PACKAGE)
class LifeEmbedding(keras.layers.Layer):
    """A learned row for every EOL of the training cells, and lines between neighbouring ones.

    The label of a charge is its EOL and its ECL; the ECL is given to the networks as a number, so
    that all charges of one EOL share a row. An EOL between two known ones gets what lies between
    their rows, one outside them the row of the nearest.

    Args:
        lives: Known EOLs in cycles, ascending.
        embedding_dim: Size of a row.

    Call arguments:
        eol: Cycles, shape `(batch,)`.
    """

    def __init__(self, lives: Sequence[float], embedding_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lives = np.asarray(lives, np.float32)
        self.embedding_dim = embedding_dim

    def build(self, input_shape: Any) -> None:
        """Makes the matrix `embeddings`, shape `(lives, embedding_dim)`."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(len(self.lives), self.embedding_dim),
            initializer=keras.initializers.RandomNormal(stddev=0.3),
        )
        self.built = True

    def call(self, eol: Tensor) -> Tensor:
        """Shape `(batch, embedding_dim)`."""
        if len(self.lives) == 1:
            return ops.take(self.embeddings, ops.zeros_like(ops.cast(eol, "int32")), axis=0)
        above = ops.clip(ops.searchsorted(self.lives, eol), 1, len(self.lives) - 1)
        low, high = ops.take(self.lives, above - 1), ops.take(self.lives, above)
        share = ops.clip((eol - low) / (high - low), 0.0, 1.0)[:, None]
        below, beyond = (ops.take(self.embeddings, row, axis=0) for row in (above - 1, above))
        return below * (1.0 - share) + beyond * share

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "lives": self.lives.tolist(),
            "embedding_dim": self.embedding_dim,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class PolicyFeatures(keras.layers.Layer):
    """A charge policy as standardised numbers.

    Args:
        mean: Of each feature over the training samples.
        spread: Their standard deviations; a feature with none is left out of use.

    Call arguments:
        policy_steps: Shape `(batch, MAX_STEPS, 2)`.
    """

    def __init__(self, mean: Sequence[float], spread: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean, self.spread = np.asarray(mean, np.float32), np.asarray(spread, np.float32)
        varies = self.spread > 1e-3
        self.factor = np.where(varies, 1.0 / np.where(varies, self.spread, 1.0), 0.0)

    @property
    def size(self) -> int:
        """Numbers that a policy becomes."""
        return len(self.mean)

    def call(self, policy_steps: Tensor) -> Tensor:
        """Shape `(batch, size)`."""
        return (policy_features(policy_steps) - self.mean) * self.factor.astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = {"mean": self.mean.tolist(), "spread": self.spread.tolist()}
        return {**super().get_config(), **config}


class Duration(NamedTuple):
    """The logarithm of a duration in minutes, a Gaussian.

    Args:
        mean: Shape `(batch,)`.
        spread: Standard deviation, same shape.
    """

    mean: Tensor
    spread: Tensor


@keras.saving.register_keras_serializable(PACKAGE)
class DurationNetwork(keras.layers.Layer):
    """How long the charge takes behind the fast charge.

    Args:
        hidden_dim: Width.
        mean: Of the logarithm over the training samples; where training begins.
        spread: Its standard deviation.

    Call arguments:
        condition: Shape `(batch, features)`.
    """

    def __init__(self, hidden_dim: int, mean: float, spread: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_dim, self.mean, self.spread = hidden_dim, mean, spread
        self.stack = ResidualStack(1, hidden_dim, name="stack")
        self.head = keras.layers.Dense(2, kernel_initializer="zeros", name="head")

    def build(self, input_shape: Any) -> None:
        """Builds the stack for the features given, the head for its output."""
        self.stack.build(tuple(input_shape))
        self.head.build((None, self.hidden_dim))
        self.built = True

    def call(self, condition: Tensor) -> Duration:
        """Mean and spread of the logarithm of the minutes."""
        out = self.head(self.stack(condition))
        spread = ops.exp(out[:, 1] + FIRST_LOG_SPREAD) * self.spread
        return Duration(
            self.mean + self.spread * out[:, 0], ops.maximum(spread, SMALLEST_DURATION_SPREAD)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = {"hidden_dim": self.hidden_dim, "mean": self.mean, "spread": self.spread}
        return {**super().get_config(), **config}


@keras.saving.register_keras_serializable(PACKAGE)
class CurveHeads(keras.layers.Layer):
    """Residual blocks that end in what is drawn on the canvas; all of it starts at 0.

    Args:
        num_hidden_layers: Blocks.
        hidden_dim: Width.
        num_curves: Numbers drawn: the signals and the correction to the charge, times the knots.
        num_spreads: Log spreads: the signals times the knots.
        detached_layer: The block left out, counted from 1.

    Call arguments:
        a: Shape `(batch, features)`.
    """

    def __init__(
        self,
        num_hidden_layers: int,
        hidden_dim: int,
        num_curves: int,
        num_spreads: int,
        detached_layer: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers, self.hidden_dim = num_hidden_layers, hidden_dim
        self.num_curves, self.num_spreads = num_curves, num_spreads
        self.detached_layer = detached_layer
        self.stack = ResidualStack(num_hidden_layers, hidden_dim, detached_layer, name="stack")
        self.curves = keras.layers.Dense(num_curves, kernel_initializer="zeros", name="curves")
        self.log_spreads = keras.layers.Dense(
            num_spreads, kernel_initializer="zeros", name="log_spreads"
        )

    def build(self, input_shape: Any) -> None:
        """Builds the stack for the features given, the heads for its output."""
        self.stack.build(tuple(input_shape))
        for head in (self.curves, self.log_spreads):
            head.build((None, self.hidden_dim))
        self.built = True

    def call(self, a: Tensor) -> tuple[Tensor, Tensor]:
        """Curves, `(batch, num_curves)`, and log spreads, `(batch, num_spreads)`.

        The spreads are learned from what the curves leave over and do not change the stack.
        """
        a = self.stack(a)
        return self.curves(a), self.log_spreads(ops.stop_gradient(a))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_hidden_layers": self.num_hidden_layers,
            "hidden_dim": self.hidden_dim,
            "num_curves": self.num_curves,
            "num_spreads": self.num_spreads,
            "detached_layer": self.detached_layer,
        }
