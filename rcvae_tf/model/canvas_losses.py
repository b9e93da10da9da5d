"""Terms of the loss of the canvas generator beside reconstruction and KLD."""

import numpy as np
from keras import ops

from rcvae_tf.model.canvas_networks import Duration
from rcvae_tf.model.losses import Tensor

# A Laplace distribution of scale 1 has this share of its draws within this distance.
INTERVAL = 0.9
LOG_REACH = float(np.log(-np.log(1.0 - INTERVAL)))
SMALLEST_ERROR = 1e-6


def duration_loss(log_tail: Tensor, duration: Duration, mean_weight: float) -> Tensor:
    """Gaussian likelihood of the duration, and the absolute error of its mean.

    Args:
        log_tail: Logarithm of the minutes behind the fast charge, shape `(batch,)`.
        duration: What is said of it.
        mean_weight: Of the absolute error.
    """
    deviation = log_tail - duration.mean
    nll = 0.5 * ops.square(deviation / duration.spread) + ops.log(duration.spread)
    return ops.mean(nll) + mean_weight * ops.mean(ops.abs(deviation))


def spread_loss(error: Tensor, log_spread: Tensor) -> Tensor:
    """Least where nine tenths of the errors lie within the central nine tenths of a Laplace draw.

    The pinball loss of the logarithm, which a few large errors do not move as they move a
    likelihood.

    Args:
        error: Of each point; no gradient passes to it.
        log_spread: Logarithm of the scale of the Laplace distribution, same shape.
    """
    log_error = ops.log(ops.abs(ops.stop_gradient(error)) + SMALLEST_ERROR)
    beyond = log_error - (log_spread + LOG_REACH)
    return ops.mean(ops.maximum(INTERVAL * beyond, (INTERVAL - 1.0) * beyond))
