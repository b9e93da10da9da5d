"""How a charge policy warms a cell: what a lumped thermal model gives for the policy's rates.

Heat goes with the square of the current and leaves a cell exponentially, so that the temperature of
a policy never seen is a sum of such warmings with factors that are much the same for all policies
(Bernardi, Pawlikowski and Newman 1985, doi 10.1149/1.2113792, with the ohmic heat alone).
"""

import numpy as np
from keras import ops

from data_prep.records import FloatArray
from rcvae_tf.model.losses import Tensor
from rcvae_tf.model.policy import fast_steps, last_rate

# From the core of a cell that warms within a minute to the whole of it.
TIME_CONSTANTS_MIN = (1.5, 5.0, 15.0)
ENDLESS_MIN = 1e4


def warmth(policy_steps: Tensor, num_fast_steps: int, knot_minutes: Tensor) -> Tensor:
    """Warming by the square of a policy's rates, for each time constant.

    The last step counts as if its rate held on.

    Args:
        policy_steps: Shape `(batch, MAX_STEPS, 2)`.
        num_fast_steps: Steps that are looked at before the last.
        knot_minutes: Times, shape `(batch, knots)`.

    Returns:
        In C squared, shape `(batch, time constants, knots)`: what it tends to under a constant
        rate is the square of the rate.
    """
    rates, minutes = fast_steps(policy_steps, num_fast_steps)
    rates = ops.concatenate([rates, last_rate(policy_steps)], axis=1)
    ends = ops.cumsum(minutes, axis=1)
    first = ops.zeros_like(rates[:, :1])
    starts = ops.concatenate([first, ends], axis=1)[:, :, None]
    ends = ops.concatenate([ends, first + ENDLESS_MIN], axis=1)[:, :, None]
    now = knot_minutes[:, None, :]
    since_start = ops.maximum(now - starts, 0.0)
    since_end = ops.maximum(now - ends, 0.0)
    heat = ops.square(rates)[:, :, None]
    return ops.stack(
        [
            ops.sum(heat * (ops.exp(-since_end / t) - ops.exp(-since_start / t)), axis=1)
            for t in TIME_CONSTANTS_MIN
        ],
        axis=1,
    )


def warmth_statistics(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean by time constant and knot, and spread around it by time constant.

    Args:
        values: Of the training samples, shape `(samples, time constants, knots)`.
    """
    mean = values.mean(axis=0)
    return mean, np.sqrt(np.square(values - mean).mean(axis=(0, 2)))
