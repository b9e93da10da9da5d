"""Says how far conditions lie beyond the EOL and ECL of the training data."""

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import ConditionError
from rcvae_tf.conditions import Vocabulary


def check_support(vocabulary: Vocabulary, labels: NDArray) -> None:
    """Refuses conditions beyond those that a run was trained on.

    Args:
        vocabulary: Of the run.
        labels: EOL and ECL, shape `(conditions, 2)`.

    Raises:
        ConditionError: Says how many, by how much at the most, and the range.
    """
    beyond = describe_outside(vocabulary, labels)
    if beyond:
        raise ConditionError(f"{'; '.join(beyond)}. Choose within, or add --extrapolate.")


def describe_outside(vocabulary: Vocabulary, labels: NDArray) -> list[str]:
    """What is to be said of EOL and of ECL where they lie beyond the training data."""
    labels = np.asarray(labels)
    outside = vocabulary.outside(labels)
    lines = []
    for k, (name, low, high) in enumerate(
        zip(("EOL", "ECL"), *vocabulary.label_range, strict=True)
    ):
        if not np.any(outside[:, k]):
            continue
        farthest = np.argmax(np.abs(outside[:, k]))
        value, cycles = labels[farthest, k], outside[farthest, k]
        side = "above" if cycles > 0 else "below"
        # A single value is a range without a width.
        share = f" ({abs(cycles) / (high - low):.1%} of that range)" if high > low else ""
        count = np.count_nonzero(outside[:, k])
        others = f", the farthest of {count} of {len(labels)} conditions" if len(labels) > 1 else ""
        lines.append(
            f"{name} {value} lies {abs(cycles)} cycles {side} the {low} to {high} of the "
            f"training data{share}{others}"
        )
    return lines
