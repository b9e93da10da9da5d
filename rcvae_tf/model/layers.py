"""Layers: embedding and continuous encoding of a condition, hidden stacks, Gaussian sampling."""

from typing import Any

import keras
from keras import ops

from rcvae_tf.model.losses import Tensor

PACKAGE = "rcvae_tf"


@keras.saving.register_keras_serializable(PACKAGE)
class ConditionEmbedding(keras.layers.Layer):
    """A learned row for every condition of the vocabulary; no row for unknown ones.

    Args:
        num_conditions: N, rows of the matrix `embeddings`.
        embedding_dim: D, size of a row.

    Call arguments:
        condition_index: Integers 0 to N - 1, shape `(batch,)`.
    """

    def __init__(self, num_conditions: int, embedding_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_conditions = num_conditions
        self.embedding_dim = embedding_dim

    def build(self, input_shape: Any) -> None:
        """Makes the matrix `embeddings`, shape `(N, D)`."""
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.num_conditions, self.embedding_dim),
            initializer=keras.initializers.RandomNormal(stddev=self.embedding_dim**-0.5),
        )
        self.built = True

    def call(self, condition_index: Tensor) -> Tensor:
        """Rows of the matrix, v = E[i], one for every index; shape `(batch, embedding_dim)`.

        Paper: Eqs. 4, 5.
        """
        return ops.take(self.embeddings, condition_index, axis=0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_conditions": self.num_conditions,
            "embedding_dim": self.embedding_dim,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ContinuousCondition(keras.layers.Layer):
    """EOL and ECL as numbers, so that the network can interpolate between labels.

    EOL is standardised. ECL is also given as a logarithm and as decaying exponentials, for the
    first cycles differ most from each other, and as sines of rising frequency. Sines of EOL are
    left out: they let the network tell cells apart by name, which fails for a new cell.

    Args:
        eol_mean: Mean EOL of the training conditions.
        eol_spread: Their standard deviation.
        ecl_range: The largest ECL among them.
        num_frequencies: Sine and cosine pairs of ECL.

    Call arguments:
        condition: EOL and ECL in cycles, shape `(batch, 2)`.
    """

    def __init__(
        self,
        eol_mean: float,
        eol_spread: float,
        ecl_range: float,
        num_frequencies: int = 6,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.eol_mean = eol_mean
        self.eol_spread = eol_spread
        self.ecl_range = ecl_range
        self.num_frequencies = num_frequencies

    @property
    def size(self) -> int:
        """Numbers that a condition becomes."""
        return 5 + 2 * self.num_frequencies

    def call(self, condition: Tensor) -> Tensor:
        """Shape `(batch, size)`."""
        eol, ecl = condition[:, :1], condition[:, 1:]
        age = ecl / self.ecl_range
        features = [
            (eol - self.eol_mean) / self.eol_spread,
            age,
            ops.log(ecl) / 2.0 - 1.0,
            ops.exp(-(ecl - 1.0) / 1.5),
            ops.exp(-(ecl - 1.0) / 6.0),
        ]
        for k in range(self.num_frequencies):
            features += [ops.sin(age * 2.0**k), ops.cos(age * 2.0**k)]
        return ops.concatenate(features, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "eol_mean": self.eol_mean,
            "eol_spread": self.eol_spread,
            "ecl_range": self.ecl_range,
            "num_frequencies": self.num_frequencies,
        }


def _without(layers: list[Any], number: int | None) -> list[Any]:
    """All layers but one, counted from 1.

    It is made like the others and dropped: a layer draws the seed of its weights when it is made,
    so those that stay start from the same weights as in the whole stack.
    """
    return [layer for k, layer in enumerate(layers) if k + 1 != number]


@keras.saving.register_keras_serializable(PACKAGE)
class PlainStack(keras.layers.Layer):
    """The paper's multi-layer perceptron: L layers, each linear and then ReLU.

    He initialisation: with Glorot's the signal of a stack this deep fades, and training stays
    longer on its first plateau.

    Args:
        num_hidden_layers: L.
        hidden_dim: Width of every layer.
        detached_layer: The layer left out, counted from 1.

    Call arguments:
        a: Shape `(batch, features)`.
    """

    def __init__(
        self,
        num_hidden_layers: int,
        hidden_dim: int,
        detached_layer: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers = num_hidden_layers
        self.hidden_dim = hidden_dim
        self.detached_layer = detached_layer
        layers = [
            keras.layers.Dense(hidden_dim, kernel_initializer="he_normal", name=f"hidden_{k + 1}")
            for k in range(num_hidden_layers)
        ]
        self.hidden = _without(layers, detached_layer)

    def build(self, input_shape: Any) -> None:
        """Builds the layers one after the other."""
        shape = tuple(input_shape)
        for layer in self.hidden:
            layer.build(shape)
            shape = (*shape[:-1], self.hidden_dim)
        self.built = True

    def call(self, a: Tensor) -> Tensor:
        """H = W a + b, then a = f(h) with f = ReLU, layer after layer; `(batch, hidden_dim)`.

        Paper: Eqs. 9, 10.
        """
        for layer in self.hidden:
            h = layer(a)
            a = ops.relu(h)
        return a

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_hidden_layers": self.num_hidden_layers,
            "hidden_dim": self.hidden_dim,
            "detached_layer": self.detached_layer,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualStack(keras.layers.Layer):
    """Pre-norm residual blocks: a + W2 gelu(W1 norm(a)), W2 starting at zero.

    Each block begins as the identity, so depth costs nothing at the start.

    Args:
        num_hidden_layers: Blocks.
        hidden_dim: Width of the stream and of the blocks.
        detached_layer: The block left out, counted from 1.

    Call arguments:
        a: Shape `(batch, features)`.
    """

    def __init__(
        self,
        num_hidden_layers: int,
        hidden_dim: int,
        detached_layer: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers = num_hidden_layers
        self.hidden_dim = hidden_dim
        self.detached_layer = detached_layer
        layers = keras.layers
        self.inlet = layers.Dense(hidden_dim, name="inlet")
        norms = [layers.LayerNormalization(name=f"norm_{k + 1}") for k in range(num_hidden_layers)]
        hidden = [
            layers.Dense(hidden_dim, activation="gelu", name=f"hidden_{k + 1}")
            for k in range(num_hidden_layers)
        ]
        returns = [
            layers.Dense(hidden_dim, kernel_initializer="zeros", name=f"return_{k + 1}")
            for k in range(num_hidden_layers)
        ]
        self.norms = _without(norms, detached_layer)
        self.hidden = _without(hidden, detached_layer)
        self.returns = _without(returns, detached_layer)
        self.outlet = layers.LayerNormalization(name="outlet")

    def build(self, input_shape: Any) -> None:
        """Builds the inlet for the features given, all else for `hidden_dim`."""
        self.inlet.build(tuple(input_shape))
        shape = (*tuple(input_shape)[:-1], self.hidden_dim)
        for layer in (*self.norms, *self.hidden, *self.returns, self.outlet):
            layer.build(shape)
        self.built = True

    def call(self, a: Tensor) -> Tensor:
        """Shape `(batch, hidden_dim)`."""
        a = self.inlet(a)
        for norm, hidden, back in zip(self.norms, self.hidden, self.returns, strict=True):
            a = a + back(hidden(norm(a)))
        return self.outlet(a)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_hidden_layers": self.num_hidden_layers,
            "hidden_dim": self.hidden_dim,
            "detached_layer": self.detached_layer,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class GaussianSampling(keras.layers.Layer):
    """Draws z from the encoder's Gaussian so that gradients reach its mean and variance.

    Args:
        seed: Of the noise.

    Call arguments:
        z_mean: Shape `(batch, latent_dim)`.
        z_log_var: Same shape.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, z_mean_shape: Any, z_log_var_shape: Any = None) -> None:
        """Nothing to make but the noise."""
        self.built = True

    def call(self, z_mean: Tensor, z_log_var: Tensor) -> Tensor:
        """A draw, z = mean + sigma * epsilon, shape `(batch, latent_dim)`."""
        epsilon = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        return reparameterise(z_mean, z_log_var, epsilon)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "seed": self.seed}


def reparameterise(z_mean: Tensor, z_log_var: Tensor, epsilon: Tensor) -> Tensor:
    """Z = mean + epsilon * sqrt(exp(log variance)); all of shape `(batch, latent_dim)`.

    Paper: Eq. 11.
    """
    return z_mean + epsilon * ops.exp(0.5 * z_log_var)
