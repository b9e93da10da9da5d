"""Encoder and decoder, both told the condition."""

from typing import Any

import keras
from keras import ops

from rcvae_tf.model.layers import PACKAGE, PlainStack, ResidualStack
from rcvae_tf.model.losses import Tensor

# Beyond these a variance of a latent dimension has no meaning and its exponential no precision.
LOG_VARIANCE_RANGE = (-20.0, 10.0)


def encoder_input(condition_embedding: Tensor, x: Tensor) -> Tensor:
    """Condition and scaled sample side by side, shape `(batch, d_V + d_X)`.

    Paper: Eq. 6.
    """
    return ops.concatenate([condition_embedding, x], axis=-1)


def decoder_input(z: Tensor, condition_embedding: Tensor) -> Tensor:
    """Latent draw and condition side by side, shape `(batch, latent_dim + d_V)`.

    Paper: Eq. 12.
    """
    return ops.concatenate([z, condition_embedding], axis=-1)


def _stack(
    block: str, num_hidden_layers: int, hidden_dim: int, detached_layer: int | None
) -> keras.layers.Layer:
    stacks = {"plain": PlainStack, "residual": ResidualStack}
    return stacks[block](num_hidden_layers, hidden_dim, detached_layer, name="stack")


@keras.saving.register_keras_serializable(PACKAGE)
class Encoder(keras.layers.Layer):
    """Mean and log variance of z, given a sample and its condition.

    Args:
        num_hidden_layers: L, or blocks.
        hidden_dim: Width of a layer.
        latent_dim: J, size of z.
        block: `plain` or `residual`.
        detached_layer: The hidden layer left out, counted from 1.

    Call arguments:
        x: Scaled sample, shape `(batch, sample_size)`.
        condition_embedding: Shape `(batch, d_V)`.
    """

    def __init__(
        self,
        num_hidden_layers: int,
        hidden_dim: int,
        latent_dim: int,
        block: str,
        detached_layer: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers = num_hidden_layers
        self.hidden_dim = hidden_dim
        self.latent_dim = latent_dim
        self.block = block
        self.detached_layer = detached_layer
        self.stack = _stack(block, num_hidden_layers, hidden_dim, detached_layer)
        self.mean_head = keras.layers.Dense(latent_dim, name="mean_head")
        self.log_variance_head = keras.layers.Dense(latent_dim, name="log_variance_head")

    def build(self, x_shape: Any, condition_embedding_shape: Any) -> None:
        """Builds the stack for both inputs side by side, the heads for its output."""
        self.stack.build((None, x_shape[-1] + condition_embedding_shape[-1]))
        for head in (self.mean_head, self.log_variance_head):
            head.build((None, self.hidden_dim))
        self.built = True

    def call(self, x: Tensor, condition_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """`z_mean` and `z_log_var`, each of shape `(batch, latent_dim)`."""
        a = self.stack(encoder_input(condition_embedding, x))
        return self.latent_mean(a), self.latent_log_variance(a)

    def latent_mean(self, a: Tensor) -> Tensor:
        """Mean of z from the last hidden layer, shape `(batch, latent_dim)`.

        Paper: Eq. 7.
        """
        return self.mean_head(a)

    def latent_log_variance(self, a: Tensor) -> Tensor:
        """Log variance of z from the last hidden layer, shape `(batch, latent_dim)`.

        Paper: Eq. 8.
        """
        return ops.clip(self.log_variance_head(a), *LOG_VARIANCE_RANGE)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_hidden_layers": self.num_hidden_layers,
            "hidden_dim": self.hidden_dim,
            "latent_dim": self.latent_dim,
            "block": self.block,
            "detached_layer": self.detached_layer,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class Decoder(keras.layers.Layer):
    """A scaled sample, given z and a condition.

    Args:
        num_hidden_layers: L, or blocks.
        hidden_dim: Width of a layer.
        sample_size: Elements of a flattened sample.
        block: `plain` or `residual`; a residual decoder starts at the training mean.
        detached_layer: The hidden layer left out, counted from 1.

    Call arguments:
        z: Shape `(batch, latent_dim)`.
        condition_embedding: Shape `(batch, d_V)`.
    """

    def __init__(
        self,
        num_hidden_layers: int,
        hidden_dim: int,
        sample_size: int,
        block: str,
        detached_layer: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_hidden_layers = num_hidden_layers
        self.hidden_dim = hidden_dim
        self.sample_size = sample_size
        self.block = block
        self.detached_layer = detached_layer
        self.stack = _stack(block, num_hidden_layers, hidden_dim, detached_layer)
        first = "zeros" if block == "residual" else "glorot_uniform"
        self.head = keras.layers.Dense(sample_size, kernel_initializer=first, name="head")

    def build(self, z_shape: Any, condition_embedding_shape: Any) -> None:
        """Builds the stack for both inputs side by side, the head for its output."""
        self.stack.build((None, z_shape[-1] + condition_embedding_shape[-1]))
        self.head.build((None, self.hidden_dim))
        self.built = True

    def call(self, z: Tensor, condition_embedding: Tensor) -> Tensor:
        """The reconstructed or generated sample, scaled, shape `(batch, sample_size)`.

        Paper: Eq. 13.
        """
        return self.head(self.stack(decoder_input(z, condition_embedding)))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_hidden_layers": self.num_hidden_layers,
            "hidden_dim": self.hidden_dim,
            "sample_size": self.sample_size,
            "block": self.block,
            "detached_layer": self.detached_layer,
        }
