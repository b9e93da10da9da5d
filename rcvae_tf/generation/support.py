"""Says how far a condition lies beyond the EOL and ECL of the training data."""

import numpy as np

from data_prep.errors import ConditionError
from rcvae_tf.conditions import Condition, Vocabulary


def check_support(vocabulary: Vocabulary, condition: Condition) -> None:
    """Refuses a condition beyond those that a run was trained on.

    Raises:
        ConditionError: Says by how much, and the range.
    """
    beyond = describe_outside(vocabulary, condition)
    if beyond:
        raise ConditionError(f"{'; '.join(beyond)}. Choose within, or add --extrapolate.")


def describe_outside(vocabulary: Vocabulary, condition: Condition) -> list[str]:
    """What is to be said of EOL and of ECL where they lie beyond the training data."""
    values = np.array([[condition.eol, condition.ecl]])
    lines = []
    for name, value, cycles, low, high in zip(
        ("EOL", "ECL"),
        values[0],
        vocabulary.outside(values)[0],
        *vocabulary.label_range,
        strict=True,
    ):
        if cycles:
            side = "above" if cycles > 0 else "below"
            # A single value is a range without a width.
            share = f" ({abs(cycles) / (high - low):.1%} of that range)" if high > low else ""
            lines.append(
                f"{name} {value} lies {abs(cycles)} cycles {side} the {low} to {high} of the "
                f"training data{share}"
            )
    return lines
