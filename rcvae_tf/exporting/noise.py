"""Noise inside the graph: that of a row follows from the seed of the row alone."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from rcvae_tf.model.losses import Tensor
from rcvae_tf.model.rcvae import NORMAL, NoisePart

# Uniform draws in float32 are multiples of this; half of it keeps them off 0 and 1.
UNIFORM_STEP = 2.0**-23
ROWS_SIDE_BY_SIDE = 32


def noise_of_seeds(parts: Mapping[str, NoisePart], seed: Tensor) -> dict[str, Tensor]:
    """Noise as `RCVAE.generate` takes it.

    Whatever rows stand beside it, a seed gives the same numbers: each row is drawn by itself, with
    one algorithm on every device. They are other numbers than those that `RCVAE.draw_noise` draws.

    Args:
        parts: `RCVAE.noise_parts`.
        seed: Shape `(rows,)`, int64.

    Returns:
        By name, each of shape `(rows, *part.shape)`.
    """
    sizes = [int(np.prod(part.shape, dtype=int)) for part in parts.values()]

    def uniform_row(row_seed: Tensor) -> Tensor:
        key = tf.stack([row_seed, tf.zeros_like(row_seed)])
        return tf.random.stateless_uniform([sum(sizes)], key, alg="philox")

    uniform = tf.map_fn(
        uniform_row,
        seed,
        parallel_iterations=ROWS_SIDE_BY_SIDE,
        fn_output_signature=tf.TensorSpec([sum(sizes)], tf.float32),
    )
    pieces = tf.split(uniform + UNIFORM_STEP / 2, sizes, axis=1)
    return {
        name: _of_uniform(part, tf.reshape(piece, [-1, *part.shape]))
        for (name, part), piece in zip(parts.items(), pieces, strict=True)
    }


def _of_uniform(part: NoisePart, uniform: Tensor) -> Tensor:
    """Draws of a distribution by its inverse."""
    if part.distribution == NORMAL:
        return part.scale * tf.math.ndtri(uniform)
    centred = uniform - 0.5
    return -part.scale * tf.sign(centred) * tf.math.log1p(-2.0 * tf.abs(centred))
