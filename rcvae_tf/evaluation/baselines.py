"""What needs no network: means and look-ups of the training curves."""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import SplitData, merge
from rcvae_tf.evaluation.metrics import signal_errors
from rcvae_tf.physical import Curves

K_CHOICES = (1, 2, 3, 4, 6, 8, 12, 16)
WEIGHT_CHOICES = (0.5, 0.7, 0.9, 0.95, 0.99, 0.999)


class Baseline(NamedTuple):
    """Curves that a simple rule gives for the test conditions, and how it was set."""

    curves: Curves
    setting: dict[str, float]


def baselines(
    train: SplitData,
    validation: SplitData,
    labels: NDArray[np.int64],
    condition_weight: float,
    merge_validation: bool = False,
) -> dict[str, Baseline]:
    """All four, for the conditions of a test split.

    Args:
        train: The training split.
        validation: Chooses k and weight of `k_nearest_mean`, looking up in `train` alone.
        labels: EOL and ECL of the test samples, shape `(samples, 2)`.
        condition_weight: Weight of EOL in the look-up of `nearest_label`.
        merge_validation: Whether the model was trained on both splits: then both are looked up.
    """
    k, weight = choose_k_and_weight(train, validation)
    known = merge(train, validation) if merge_validation else train
    return {
        "global_mean": Baseline(global_mean(known), {}),
        "ecl_mean": Baseline(ecl_mean(known, labels), {}),
        "nearest_label": Baseline(
            nearest_label(known, labels, condition_weight), {"condition_weight": condition_weight}
        ),
        "k_nearest_mean": Baseline(
            k_nearest_mean(known, labels, k, weight), {"k": k, "condition_weight": weight}
        ),
    }


def global_mean(train: SplitData) -> Curves:
    """The mean of all training curves, shape `(1, points)`, whatever the condition."""
    return {name: values.mean(axis=0, keepdims=True) for name, values in train.curves.items()}


def ecl_mean(train: SplitData, labels: NDArray[np.int64]) -> Curves:
    """The mean of all training cells at the nearest training ECL; ties go to the younger."""
    ages, member = np.unique(train.labels[:, 1], return_inverse=True)
    nearest = np.abs(labels[:, 1, None] - ages).argmin(axis=1)
    counts = np.bincount(member)[:, None]
    curves = {}
    for name, values in train.curves.items():
        sums = np.zeros((len(ages), values.shape[1]))
        np.add.at(sums, member, values)
        curves[name] = (sums / counts)[nearest]
    return curves


def nearest_label(train: SplitData, labels: NDArray[np.int64], condition_weight: float) -> Curves:
    """A copy of the training curve of the nearest condition under Eq. 14.

    Where several training samples bear that condition, the first is copied.
    """
    vocabulary = Vocabulary(train.conditions, condition_weight)
    first = {condition: i for i, condition in reversed(list(enumerate(train.conditions)))}
    index, _ = vocabulary.nearest(labels)
    rows = np.array([first[vocabulary.conditions[i]] for i in index])
    return {name: values[rows] for name, values in train.curves.items()}


def k_nearest_mean(
    train: SplitData, labels: NDArray[np.int64], k: int, condition_weight: float
) -> Curves:
    """The mean of the training curves of the k nearest samples under Eq. 14."""
    axis_weights = np.array([condition_weight, 1 - condition_weight])
    k = min(k, len(train))
    _, rows = KDTree(train.labels * axis_weights).query(
        labels * axis_weights, k=[*range(1, k + 1)], p=1
    )
    return {
        name: np.mean([values[column] for column in rows.T], axis=0)
        for name, values in train.curves.items()
    }


def choose_k_and_weight(train: SplitData, validation: SplitData) -> tuple[int, float]:
    """The k and weight with the lowest total MAE on the validation split."""

    def total_mae(choice: tuple[int, float]) -> float:
        generated = k_nearest_mean(train, validation.labels, *choice)
        return signal_errors(validation.curves, generated)["total"]["mae"]

    choices = [c for c in product(K_CHOICES, WEIGHT_CHOICES) if c[0] <= len(train)]
    return min(choices, key=total_mae)
