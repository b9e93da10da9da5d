"""How far a charge policy is from those that a run was trained on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from data_prep.errors import UserError
from data_prep.protocol import FAST_CHARGE_END_SOC, policy_numbers
from data_prep.records import FloatArray

EXAMPLE_POLICY = "5.4C(40%)-3.6C"


@dataclass(frozen=True)
class PolicyMatch:
    """A policy beside the nearest one of the training data.

    Args:
        nearest: As the training data spell it.
        c_rate_difference: Root mean square over the fast charge.
        seen: Whether all steps of the two are the same.
    """

    nearest: str
    c_rate_difference: float
    seen: bool


def match_policy(policy: str, training_policies: Iterable[str]) -> PolicyMatch | None:
    """The nearest policy of the training data; None where no policy of them is known.

    Args:
        policy: As `data_prep.protocol.parse_policy` reads it.
        training_policies: Texts; those that are no policy are left out, as in training.

    Raises:
        UserError: `policy` is not a charge policy.
    """
    steps = policy_numbers(policy)
    matches = [
        PolicyMatch(text, c_rate_difference(steps, other), np.array_equal(steps, other))
        for text, other in _readable(training_policies)
    ]
    return min(matches, key=lambda m: (not m.seen, m.c_rate_difference, m.nearest), default=None)


def example_policy(training_policies: Iterable[str]) -> str:
    """How a policy may be written: one of the training data, if they have any."""
    return next((text for text, _ in _readable(training_policies)), EXAMPLE_POLICY)


def c_rate_difference(steps: FloatArray, other: FloatArray) -> float:
    """Root mean square difference of two policies over the state of charge from 0 to 80 %.

    Args:
        steps: Rate and state of charge at the end of each step, shape `(MAX_STEPS, 2)`.
        other: Likewise.

    Returns:
        In C.
    """
    ends = np.concatenate([steps[:, 1], other[:, 1]])
    ends = np.append(np.unique(ends[ends < FAST_CHARGE_END_SOC]), FAST_CHARGE_END_SOC)
    # Between two ends both rates are constant.
    difference = _c_rate_up_to(steps, ends) - _c_rate_up_to(other, ends)
    widths = np.diff(ends, prepend=0.0)
    return float(np.sqrt(np.sum(widths * difference**2) / FAST_CHARGE_END_SOC))


def _c_rate_up_to(steps: FloatArray, end_soc: FloatArray) -> FloatArray:
    """The rate just before each state of charge."""
    return steps[np.searchsorted(steps[:, 1], end_soc), 0]


def _readable(texts: Iterable[str]) -> Iterator[tuple[str, FloatArray]]:
    for text in texts:
        try:
            steps = policy_numbers(text)
        except UserError:
            continue
        if steps.any():
            yield text, steps
