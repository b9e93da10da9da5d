"""The test samples one by one: errors of all, curves of a few that stand for them."""

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves, total_weights
from rcvae_tf.test_samples import TestSamples

MOST_PICTURED = 24


def describe_samples(
    test: SplitData, generated: dict[str, Curves], grid: tuple[int, int], seed: int
) -> TestSamples:
    """What `test_samples.npz` holds.

    Args:
        test: The test split.
        generated: By mode, curves of all its samples.
        grid: Height and width of a frame.
        seed: Of the choice of samples that are pictured.
    """
    pictured = choose_pictured(test.cell_ids, test.labels[:, 1], seed)
    return TestSamples(
        cell_ids=test.cell_ids,
        labels=test.labels,
        mae={mode: sample_errors(test.curves, curves, 1) for mode, curves in generated.items()},
        mse={mode: sample_errors(test.curves, curves, 2) for mode, curves in generated.items()},
        pictured=pictured,
        measured=_rows(test.curves, pictured),
        generated={mode: _rows(curves, pictured) for mode, curves in generated.items()},
        grid=grid,
    )


def sample_errors(measured: Curves, generated: Curves, power: int) -> dict[str, FloatArray]:
    """Mean power of the absolute error of each sample, by signal, and the total of Table 1.

    Args:
        measured: By signal, each of shape `(samples, points)`.
        generated: Same signals or fewer, same shapes.
        power: 1 gives the MAE, 2 the MSE.

    Returns:
        Each of shape `(samples,)`. Their means over the samples are the MAE and the squared RMSE
        of all elements, for every sample has the same number of points.
    """
    errors: dict[str, FloatArray] = {}
    for name, values in generated.items():
        deviation = np.abs(np.subtract(measured[name], values, dtype=np.float64))
        errors[name] = np.mean(deviation**power, axis=-1)
    weights = total_weights(tuple(errors))
    errors["total"] = np.sum([w * errors[name] for name, w in weights.items()], axis=0)
    return errors


def choose_pictured(cell_ids: NDArray, ecl: NDArray, seed: int) -> NDArray[np.int64]:
    """Rows of up to `MOST_PICTURED` samples, ascending, spread over cells and ages.

    Each in turn is of the next cell, and of those of the cell the nearest to an age that was dealt
    to it; the ages are quantiles of those of all samples.

    Args:
        cell_ids: Shape `(samples,)`.
        ecl: Age in cycles, shape `(samples,)`.
        seed: Of the order of the cells and of the dealing.
    """
    rng = np.random.default_rng(seed)
    count = min(MOST_PICTURED, len(ecl))
    cells = rng.permutation(np.unique(cell_ids))
    ages = rng.permutation(np.quantile(ecl, (np.arange(count) + 0.5) / count))
    free = np.ones(len(ecl), np.bool_)
    for turn, age in enumerate(ages):
        own = free & (cell_ids == cells[turn % len(cells)])
        rows = np.flatnonzero(own if own.any() else free)
        free[rows[np.abs(ecl[rows] - age).argmin()]] = False
    return np.flatnonzero(~free)


def _rows(curves: Curves, rows: NDArray) -> Curves:
    return {name: values[rows] for name, values in curves.items()}
