"""Training, validation and test: by sample, as the paper does, by cell, or by folds of cells."""

from collections.abc import Mapping, Sequence
from typing import Any

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


def split_fold(
    cell_ids: Sequence[str], policy_of_cell: Mapping[str, Any], folds: int, fold: int, seed: int
) -> Split:
    """One of several cell splits that test every cell once, the policies spread over the folds.

    The cells of a policy are dealt to the folds one after another, by name, and those of the next
    policy where the last one ended: so the folds are equal in size, but for one cell.

    Args:
        cell_ids: The cell of every sample.
        policy_of_cell: What tells the charge policy of each cell, in any form that sorts; cells of
            unknown policy have one in common.
        folds: How many, 2 or more.
        fold: Whose cells are tested, from 1 on.
        seed: Of the choice of a fifth of the other cells for validation.

    Returns:
        As `split_samples`; no cell is in two splits.

    Raises:
        SettingsError: More folds than cells, or no two cells are left to learn from.
    """
    dealt = sorted(set(cell_ids), key=lambda name: (policy_of_cell[name], name))
    if folds > len(dealt):
        raise SettingsError(
            f"cannot deal {len(dealt)} cells into {folds} folds: a fold needs a cell. "
            f"Received: folds={folds}. Give more cells, or fewer --folds."
        )
    tested = dealt[fold - 1 :: folds]
    rest = [name for name in dealt if name not in set(tested)]
    if len(rest) < 2:
        raise SettingsError(
            f"fold {fold} of {folds} tests {len(tested)} of {len(dealt)} cells: need 2 or more "
            f"others, for train and validation. Give more cells, or more --folds."
        )
    validated = _spread_fifth(rest, policy_of_cell, np.random.default_rng(seed))
    cells = {"train": set(rest) - validated, "validation": validated, "test": set(tested)}
    return {
        split: np.flatnonzero([cell_id in names for cell_id in cell_ids])
        for split, names in cells.items()
    }


def _spread_fifth(
    cells: Sequence[str], policy_of_cell: Mapping[str, Any], rng: np.random.Generator
) -> set[str]:
    """A fifth of the cells, at least one: evenly spaced in an order of policies."""
    count = len(cells)
    num_chosen = max(count // VALIDATION_OF, 1)
    shuffled = sorted((cells[i] for i in rng.permutation(count)), key=policy_of_cell.__getitem__)
    start = int(rng.integers(count))
    return {shuffled[(start + k * count // num_chosen) % count] for k in range(num_chosen)}


def _divide(count: int, seed: int, what: str) -> Split:
    if count < len(SPLITS):
        raise SettingsError(
            f"cannot split {count} {what} into train, validation and test: need 3 or more. "
            f"Give more {what}{', or --split sample' if what == 'cells' else ''}."
        )
    order = np.random.default_rng(seed).permutation(count)
    sizes = split_sizes(count)
    starts = np.cumsum([sizes["validation"], sizes["train"]])
    validation, train, test = np.split(order, starts)
    return {"train": np.sort(train), "validation": np.sort(validation), "test": np.sort(test)}


def split_sizes(count: int) -> dict[str, int]:
    """How many of three samples or cells, or more, go to each split."""
    num_training = min(max(count * TRAIN_OF // TOTAL_OF, 2), count - 1)
    num_validation = max(num_training // VALIDATION_OF, 1)
    return {
        "train": num_training - num_validation,
        "validation": num_validation,
        "test": count - num_training,
    }
