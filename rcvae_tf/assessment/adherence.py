"""Whether generated charges look like the condition that they were asked for."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.assessment.regressors import TREES, fitted
from rcvae_tf.evaluation.metrics import mae

NAMES = ("eol", "ecl")


def adherence(
    known: FloatArray,
    labels: NDArray,
    cell_ids: NDArray,
    asked: dict[str, FloatArray],
    asked_labels: NDArray,
    seed: int,
) -> dict[str, Any]:
    """Error, in cycles, of EOL and ECL as trees read them from a charge.

    The trees learn from measured charges and read charges that they have not seen, of the same
    cells: of a cell unknown to them they could not tell the EOL, measured or generated.
    In theory: a second half of the real data has the error that reading has by itself; generated
    charges have the same where they adhere, more where they do not. Less means that they are more
    typical of their condition than measured ones are. A copy is a charge that the trees have
    learned from, for a condition next to its own: it reads better than real charges can.

    Args:
        known: What the trees learn from, shape `(samples, inputs)`.
        labels: Their EOL and ECL, shape `(samples, 2)`.
        cell_ids: Their cells.
        asked: By set, what they read, each for the same conditions.
        asked_labels: These, shape `(samples, 2)`.
        seed: Of the trees.

    Returns:
        `mae` of each set by name, and `guess`, that of the mean of `labels`.
    """
    errors: dict[str, Any] = {}
    for column, name in enumerate(NAMES):
        model = fitted(TREES, known, labels[:, column].astype(np.float64), cell_ids, seed)
        target = asked_labels[:, column].astype(np.float64)
        errors[name] = {
            "mae": {key: mae(target, model.predict(values)) for key, values in asked.items()},
            "guess": mae(target, np.full(len(target), labels[:, column].mean())),
        }
    return errors
