"""What is common to how charges of training deviate from what is expected of them."""

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from data_prep.records import FloatArray

if TYPE_CHECKING:
    from rcvae_tf.model.canvas_rcvae import CanvasRCVAE


SMALLEST_VARIANCE = 1e-12
SAMPLES_A_FACTOR = 4  # at the least, so that a factor is no single charge's
MOST_ROUNDS = 400
KURTOSIS_OF_GAUSSIAN = 3.0


class Factors(NamedTuple):
    """What `JointNoise` holds.

    Args:
        loadings: Shape `(num_factors, deviations)`. The squares of a column add up to the variance
            that the factors explain, which is no more than that of the column.
        log_size_spread: By how much each factor's size differs between charges, `(num_factors,)`.
        farthest: The largest factor of a training charge, same shape.
    """

    loadings: FloatArray
    log_size_spread: FloatArray
    farthest: FloatArray


def measure_joint_noise(model: "CanvasRCVAE", samples: tf.data.Dataset) -> None:
    """Sets the weights of `JointNoise`.

    Args:
        model: Trained.
        samples: Batches of what it was trained on.
    """
    joint = model.joint_noise
    assert joint is not None, "a model with `noise_factors`"
    factors = common_factors(deviations(model, samples), joint.num_factors)
    joint.loadings.assign(factors.loadings)
    joint.log_size_spread.assign(factors.log_size_spread)
    joint.farthest.assign(factors.farthest)


def deviations(model: "CanvasRCVAE", samples: tf.data.Dataset) -> FloatArray:
    """From the expected charge of each sample's condition, in the order of `JointNoise.loadings`.

    Returns:
        Shape `(samples, deviations)`.
    """
    step = tf.function(model.deviations, autograph=False)
    rows = []
    for batch in samples:
        found = step(batch)
        parts = (found.points, found.capacity_ah, found.log_duration)
        rows.append(np.concatenate([np.reshape(p, (len(p), -1)) for p in parts], axis=1))
    return np.concatenate(rows).astype(np.float64)


def common_factors(measured: FloatArray, num_factors: int) -> Factors:
    """Independent components within the principal ones of the standardised deviations.

    Args:
        measured: Shape `(samples, deviations)`.
        num_factors: Wanted; those that the samples do not determine are 0.
    """
    spread = measured.std(axis=0)
    standard = (measured - measured.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    variance, directions = np.linalg.eigh(standard.T @ standard / len(standard))
    varies = np.sum(variance > SMALLEST_VARIANCE * max(variance[-1], SMALLEST_VARIANCE))
    found = min(num_factors, len(standard) // SAMPLES_A_FACTOR, int(varies))
    size, directions = np.sqrt(variance[::-1][:found]), directions[:, ::-1][:, :found]
    scores = standard @ directions / size
    turned = _turned(scores)
    nothing = np.zeros(num_factors)
    factors = Factors(np.zeros((num_factors, len(spread))), nothing, nothing.copy())
    factors.loadings[:found] = turned @ (size[:, None] * directions.T) * spread
    factors.log_size_spread[:found] = _log_size_spread(scores @ turned.T)
    factors.farthest[:found] = np.abs(scores @ turned.T).max(axis=0)
    return factors


def _turned(scores: FloatArray) -> FloatArray:
    """The rotation to components that are as independent as can be, so that rare events part."""
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    num_factors = scores.shape[1]
    if num_factors < 2:
        return np.eye(num_factors)
    search = FastICA(whiten=False, max_iter=MOST_ROUNDS, tol=1e-3, random_state=0)
    with warnings.catch_warnings():
        # Every rotation explains as much: the best of the rounds made is good enough.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return search.fit(scores).components_


def _log_size_spread(scores: FloatArray) -> FloatArray:
    """That of a Gaussian of log-normal size with the kurtosis of the scores: 3 exp(4 spread^2)."""
    squares = scores**2
    kurtosis = np.mean(squares**2, axis=0) / np.mean(squares, axis=0) ** 2
    return np.sqrt(np.log(np.maximum(kurtosis / KURTOSIS_OF_GAUSSIAN, 1.0)) / 4.0)
