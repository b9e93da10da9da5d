"""Extremely randomised trees on the raw points: what a regression of no domain knowledge gives."""

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves, total_weights

NUM_TREES = 100


def extra_trees(
    train: SplitData,
    labels: NDArray[np.int64],
    policy_steps: FloatArray | None,
    seed: int,
    num_trees: int = NUM_TREES,
) -> Curves:
    """Curves by trees of which each has all points of all signals in its leaves.

    They are those of scikit-learn's `ExtraTreesRegressor` under the same seed, but one tree is in
    memory at a time: with 12,000 charges of 1024 points a hundred of them need 20 GB.

    Args:
        train: The samples that are learned from.
        labels: EOL and ECL of the wanted ones, shape `(samples, 2)`.
        policy_steps: Their charge policies, shape `(samples, MAX_STEPS, 2)`; None where the trees
            are told EOL and ECL alone.
        seed: Of the trees.
        num_trees: How many.

    Returns:
        The signals of the total of Table 1, each of shape `(samples, points)`.
    """
    from sklearn.tree import ExtraTreeRegressor

    names = list(total_weights(train.signals_present))
    points = np.concatenate([train.curves[name] for name in names], axis=1, dtype=np.float32)
    with_policy = policy_steps is not None
    known = _inputs(train.labels, train.policy_steps if with_policy else None)
    wanted = _inputs(labels, policy_steps)
    # The forest draws the seeds of its trees so.
    draw = np.random.RandomState(seed)  # noqa: NPY002
    total = np.zeros((len(labels), points.shape[1]))
    for _ in range(num_trees):
        tree_seed = draw.randint(np.iinfo(np.int32).max)
        tree = ExtraTreeRegressor(random_state=tree_seed, max_features=1.0)
        total += tree.fit(known, points).predict(wanted).reshape(total.shape)
    columns = np.split((total / num_trees).astype(np.float32), len(names), axis=1)
    return dict(zip(names, columns, strict=True))


def _inputs(labels: NDArray[np.int64], policy_steps: FloatArray | None) -> FloatArray:
    parts = [labels] if policy_steps is None else [labels, policy_steps.reshape(len(labels), -1)]
    return np.concatenate(parts, axis=1).astype(np.float32)
