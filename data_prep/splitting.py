"""Training, validation and test: by sample, as the paper does, or by cell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError

SPLITS = ("train", "validation", "test")
# The paper: the first 94n of 124n samples to training, then 4:1 into training and validation.
TRAIN_OF, TOTAL_OF = 94, 124
VALIDATION_OF = 5

Split = dict[str, NDArray[np.int64]]


def split_samples(cell_ids: Sequence[str], split: str, seed: int) -> Split:
    """Which samples go where.

    Args:
        cell_ids: The cell of every sample.
        split: `sample` shuffles all samples; `cell` shuffles cells, and no cell is in two splits.
        seed: Same seed, same split.

    Returns:
        Indices of samples by the names in `SPLITS`, each ascending; disjoint, all of them used.

    Raises:
        SettingsError: Fewer than three samples or cells to divide.
    """
    if split == "sample":
        return _divide(len(cell_ids), seed, "samples")
    names = sorted(set(cell_ids))
    cells = _divide(len(names), seed, "cells")
    member = np.searchsorted(names, np.asarray(cell_ids))
    return {name: np.flatnonzero(np.isin(member, indices)) for name, indices in cells.items()}


def _divide(count: int, seed: int, what: str) -> Split:
    if count < len(SPLITS):
        raise SettingsError(
            f"cannot split {count} {what} into train, validation and test: need 3 or more. "
            f"Give more {what}{', or --split sample' if what == 'cells' else ''}."
        )
    order = np.random.default_rng(seed).permutation(count)
    num_training = min(max(count * TRAIN_OF // TOTAL_OF, 2), count - 1)
    num_validation = max(num_training // VALIDATION_OF, 1)
    return {
        "train": np.sort(order[num_validation:num_training]),
        "validation": np.sort(order[:num_validation]),
        "test": np.sort(order[num_training:]),
    }
