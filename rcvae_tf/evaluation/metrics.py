"""Errors of generated against measured curves, in physical units."""

from typing import Any

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves, total_weights

Errors = dict[str, dict[str, float]]


def mae(x: FloatArray, x_generated: FloatArray) -> float:
    """Mean absolute error over all elements, in the unit of `x`.

    Paper: Eq. 18.
    """
    return float(np.mean(np.abs(np.subtract(x, x_generated, dtype=np.float64))))


def rmse(x: FloatArray, x_generated: FloatArray) -> float:
    """Root of the mean squared error over all elements, in the unit of `x`.

    Paper: Eq. 19.
    """
    return float(np.sqrt(np.mean(np.square(np.subtract(x, x_generated, dtype=np.float64)))))


def r2(x: FloatArray, x_generated: FloatArray) -> float:
    """Share of the variance of `x` over all elements that is explained; 0 for a constant `x`."""
    variance = float(np.var(x, dtype=np.float64))
    return 1.0 - rmse(x, x_generated) ** 2 / variance if variance else 0.0


def signal_errors(measured: Curves, generated: Curves) -> Errors:
    """MAE, RMSE and R2 by signal, and the total of Table 1.

    Args:
        measured: By signal, each of shape `(samples, points)`.
        generated: Same signals or fewer (preset `paper` has no time), same or broadcast shapes.

    Returns:
        By signal, and `total` with the weighted mean of the MAEs and the root of the weighted
        mean of the squared RMSEs, over the paper's signals.
    """
    errors: Errors = {}
    for name, values in generated.items():
        x, other = np.broadcast_arrays(measured[name], values)
        errors[name] = {"mae": mae(x, other), "rmse": rmse(x, other), "r2": r2(x, other)}
    weights = total_weights(tuple(errors))
    errors["total"] = {
        "mae": sum(w * errors[name]["mae"] for name, w in weights.items()),
        "rmse": sum(w * errors[name]["rmse"] ** 2 for name, w in weights.items()) ** 0.5,
    }
    return errors


def skill(errors: Errors, reference: Errors) -> dict[str, float]:
    """1 - MAE / MAE of a reference, by signal and in total; above 0 is better than it."""
    return {
        name: 1.0 - values["mae"] / reference[name]["mae"]
        for name, values in errors.items()
        if reference[name]["mae"] > 0
    }


def latent_summary(kl_per_dim: FloatArray, z_mean: FloatArray) -> dict[str, Any]:
    """How much of the latent space is in use.

    Args:
        kl_per_dim: Mean over the samples, shape `(latent_dim,)`, nats.
        z_mean: Shape `(samples, latent_dim)`.

    Returns:
        The KLD by dimension, and the number of active units: those whose mean varies over the
        samples with a variance above 0.01 (Burda et al. 2016).
    """
    return {
        "kl_per_dim": [float(v) for v in kl_per_dim],
        "active_units": int(np.sum(np.var(z_mean, axis=0) > 0.01)),
    }
