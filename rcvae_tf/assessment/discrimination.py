"""Whether a classifier can tell a set from measured charges."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.assessment.regressors import folds_of_cells

NUM_TREES = 100


def discriminative_score(
    reference: FloatArray, others: FloatArray, cell_ids: NDArray, other_cells: NDArray, seed: int
) -> dict[str, Any]:
    """Accuracy of trees that tell a set from the reference, on cells that they have not seen.

    Yoon et al. 2019 (TimeGAN) take |accuracy - 0.5|; here it is the accuracy itself.
    It is taken twice, with what the eye sees of a curve (its points) and with what it does not (the
    second differences, in which noise and rounding show).
    In theory: 0.5 for a second half of the real data, by chance 0.5 +- `chance` (one standard
    deviation of a coin thrown for each charge); 1 where the two can always be told apart.

    Args:
        reference: Measured, shape `(samples, inputs)`.
        others: As many, same inputs.
        cell_ids: Of the reference.
        other_cells: Of the others.
        seed: Of the trees.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    inputs = np.concatenate([reference, others])
    is_other = np.repeat([0, 1], [len(reference), len(others)])
    found = np.zeros(len(inputs), np.int64)
    for known, asked in folds_of_cells(np.concatenate([cell_ids, other_cells])):
        trees = ExtraTreesClassifier(NUM_TREES, random_state=seed, min_samples_leaf=2)
        found[asked] = trees.fit(inputs[known], is_other[known]).predict(inputs[asked])
    return {
        "accuracy": float(np.mean(found == is_other)),
        "chance": float(0.5 / np.sqrt(len(inputs))),
    }
