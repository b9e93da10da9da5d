"""Charge policies inside the graph: their fast steps, and what a network is told of them."""

import numpy as np
from keras import ops

from data_prep.records import FloatArray
from rcvae_tf.model.losses import Tensor

# States of charge at which the rate of a policy is read, up to the end of every fast charge.
PROFILE_SOC = np.linspace(0.04, 0.76, 10, dtype=np.float32)
NUM_FEATURES = len(PROFILE_SOC) + 5
MINUTES_PER_HOUR = 60.0


def fast_steps(policy_steps: Tensor, num_fast_steps: int) -> tuple[Tensor, Tensor]:
    """The steps of policies before the last one, which ends with the charge itself.

    Args:
        policy_steps: Rates in C and states of charge at the end, shape `(batch, MAX_STEPS, 2)`;
            zero where unknown.
        num_fast_steps: How many are looked at.

    Returns:
        Rates in C and nominal minutes, each of shape `(batch, num_fast_steps)`; 0 where a policy
        has no such step.
    """
    rate, end_soc = policy_steps[:, :, 0], policy_steps[:, :, 1]
    start_soc = ops.concatenate([ops.zeros_like(end_soc[:, :1]), end_soc[:, :-1]], axis=1)
    is_fast = ops.cast((rate > 0) & (end_soc < 1.0), "float32")
    minutes = is_fast * (end_soc - start_soc) * MINUTES_PER_HOUR / ops.maximum(rate, 1e-3)
    return (is_fast * rate)[:, :num_fast_steps], minutes[:, :num_fast_steps]


def last_rate(policy_steps: Tensor) -> Tensor:
    """Rate in C of the last step, shape `(batch, 1)`; the rows behind it repeat it."""
    return policy_steps[:, -1:, 0]


def step_rates(policy_steps: Tensor, num_fast_steps: int) -> Tensor:
    """Rates in C of the fast steps and of the last one, shape `(batch, num_fast_steps + 1)`.

    A step that a policy does not have takes no time; it has the rate of the one before.
    """
    rate = policy_steps[:, :, 0]
    _, minutes = fast_steps(policy_steps, rate.shape[1])
    count = ops.sum(ops.cast(minutes > 0, "int32"), axis=1, keepdims=True)
    step = ops.minimum(ops.arange(num_fast_steps)[None], ops.maximum(count - 1, 0))
    fast = ops.take_along_axis(rate, step, axis=1)
    return ops.concatenate([fast, last_rate(policy_steps)], axis=1)


def policy_features(policy_steps: Tensor) -> Tensor:
    """What a network is told of a policy, before it is standardised.

    Returns:
        Shape `(batch, NUM_FEATURES)`: the rate at ten states of charge; the nominal minutes of the
        fast charge; its heat, a tenth of the sum of rate squared times minutes, and that of its
        last step; the rates of its last and of its first step.
    """
    rate, end_soc = policy_steps[:, :, 0], policy_steps[:, :, 1]
    passed = ops.cast(end_soc[:, None, :] <= PROFILE_SOC[None, :, None], "int32")
    step = ops.minimum(ops.sum(passed, axis=-1), rate.shape[1] - 1)
    profile = ops.take_along_axis(rate, step, axis=1)
    rates, minutes = fast_steps(policy_steps, rate.shape[1])
    heat = ops.square(rates) * minutes / 10.0
    place = ops.cast(ops.arange(rate.shape[1])[None], "float32")
    count = ops.sum(ops.cast(minutes > 0, "float32"), axis=1, keepdims=True)
    is_last = ops.cast(place == count - 1.0, "float32")
    columns = [
        ops.sum(minutes, axis=1, keepdims=True),
        ops.sum(heat, axis=1, keepdims=True),
        ops.sum(heat * is_last, axis=1, keepdims=True),
        ops.sum(rates * is_last, axis=1, keepdims=True),
        rates[:, :1],
    ]
    return ops.concatenate([profile, *columns], axis=1)


def count_fast_steps(policy_steps: FloatArray) -> int:
    """The most fast steps that any of these policies has."""
    _, minutes = fast_steps(ops.convert_to_tensor(policy_steps), policy_steps.shape[1])
    return int((np.asarray(minutes) > 0).sum(axis=1).max(initial=0))
