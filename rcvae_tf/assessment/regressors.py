"""The regressors, well kept and cheap: a straight line and trees."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray

RIDGE, TREES = "ridge", "trees"
REGRESSORS = (RIDGE, TREES)
REGRESSOR_LABELS = {RIDGE: "ridge regression", TREES: "extra trees"}
# The heaviest leaves little more than the mean.
RIDGE_WEIGHTS = tuple(10.0**power for power in range(-3, 7))
NUM_TREES = 50
MOST_FOLDS = 5


def fitted(kind: str, inputs: FloatArray, target: FloatArray, cell_ids: NDArray, seed: int) -> Any:
    """A regressor that has seen charges.

    Args:
        kind: One of `REGRESSORS`.
        inputs: Shape `(samples, inputs)`.
        target: Shape `(samples,)`.
        cell_ids: The weight of the ridge is chosen on cells that it has not seen. With one cell
            nothing can be chosen: it is then the heaviest, for a slope that was learned within one
            cell leads far astray in another.
        seed: Of the trees.
    """
    inputs = np.asarray(inputs, np.float64)
    model = _ridge(_chosen_weight(inputs, target, cell_ids)) if kind == RIDGE else _trees(seed)
    return model.fit(inputs, target)


def folds_of_cells(
    cell_ids: NDArray, seed: int | None = None
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to train and to test on; no cell is in both. Up to five folds."""
    from sklearn.model_selection import GroupKFold

    folds = min(MOST_FOLDS, len(np.unique(cell_ids)))
    splitter = GroupKFold(folds, shuffle=seed is not None, random_state=seed)
    return list(splitter.split(cell_ids, groups=cell_ids))


def _ridge(weights: float | FloatArray) -> Any:
    """One weight, or one for each column of the target."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(weights, solver="cholesky"))


def _chosen_weight(inputs: FloatArray, target: FloatArray, cell_ids: NDArray) -> float:
    """The weight with the lowest squared error on cells left out."""
    if len(np.unique(cell_ids)) == 1:
        return RIDGE_WEIGHTS[-1]
    weights = np.array(RIDGE_WEIGHTS)
    squares = np.zeros(len(weights))
    for known, asked in folds_of_cells(cell_ids):
        # A column for each weight: all are fitted at once.
        columns = np.repeat(target[known, None], len(weights), axis=1)
        predicted = _ridge(weights).fit(inputs[known], columns).predict(inputs[asked])
        squares += np.square(predicted - target[asked, None]).sum(axis=0)
    return float(weights[squares.argmin()])


def _trees(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(NUM_TREES, min_samples_leaf=3, max_features=0.5, random_state=seed)
