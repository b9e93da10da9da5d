"""The vocabulary of conditions, and the nearest known condition to any other."""

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from data_prep.errors import ConditionError
from data_prep.records import Condition

__all__ = ["Condition", "Vocabulary", "condition_distance"]

IntArray = NDArray[np.int64]

# Distances are multiples of the two weights; below this share a difference is rounding.
TIE_TOLERANCE = 1e-9


def condition_distance(
    eol_1: NDArray | float,
    ecl_1: NDArray | float,
    eol_2: NDArray | float,
    ecl_2: NDArray | float,
    weight: float,
) -> NDArray:
    """How far two conditions are apart, in weighted cycles; broadcasts.

    Args:
        eol_1: End of life of the first, cycles.
        ecl_1: Age of the first, cycles.
        eol_2: End of life of the second.
        ecl_2: Age of the second.
        weight: Of EOL, 0 to 1; the rest is that of ECL. The paper gives no value.

    Paper: Eq. 14.
    """
    return np.asarray(
        weight * np.abs(np.subtract(eol_1, eol_2))
        + (1 - weight) * np.abs(np.subtract(ecl_1, ecl_2))
    )


class Vocabulary:
    """The conditions of the training split, sorted, numbered 0 to N - 1.

    Args:
        conditions: In any order, repeated or not; at least one.
        weight: Of EOL in the distance of two conditions.
    """

    def __init__(self, conditions: Iterable[Condition], weight: float) -> None:
        self.conditions = tuple(sorted(set(conditions)))
        self.weight = weight
        if not self.conditions:
            raise ConditionError("a vocabulary needs at least one condition. Received: none.")
        self._index = {condition: i for i, condition in enumerate(self.conditions)}

    def __len__(self) -> int:
        return len(self.conditions)

    @cached_property
    def labels(self) -> IntArray:
        """EOL and ECL of every condition, shape `(N, 2)`."""
        return np.array([(c.eol, c.ecl) for c in self.conditions], np.int64)

    def index(self, condition: Condition) -> int:
        """The number of a known condition, i = f(c).

        Raises:
            ConditionError: It is not in the vocabulary; `nearest` finds one that is.

        Paper: Eq. 2.
        """
        try:
            return self._index[condition]
        except KeyError:
            raise ConditionError(
                f"condition {condition.label} is not among the {len(self)} of the training data."
            ) from None

    def indices(self, conditions: Iterable[Condition]) -> IntArray:
        """The numbers of a sequence of known conditions, shape `(len(conditions),)`.

        Paper: Eq. 3.
        """
        return np.array([self.index(condition) for condition in conditions], np.int64)

    def nearest(self, labels: NDArray) -> tuple[IntArray, NDArray]:
        """The known condition nearest to each of many others; ties go to the smaller index.

        Args:
            labels: EOL and ECL, shape `(queries, 2)`.

        Returns:
            Index and distance, each of shape `(queries,)`.
        """
        queries = np.asarray(labels, np.float64) * self._axis_weights
        distance, _ = self._tree.query(queries, p=1)
        reach = distance * (1 + TIE_TOLERANCE) + TIE_TOLERANCE
        tied = self._tree.query_ball_point(queries, reach, p=1)
        index = np.array([min(group) for group in tied], np.int64)
        (eol, ecl), (matched_eol, matched_ecl) = np.asarray(labels).T, self.labels[index].T
        return index, condition_distance(eol, ecl, matched_eol, matched_ecl, self.weight)

    def neighbours(self, count: int) -> IntArray:
        """The nearest other conditions of every condition, shape `(N, min(count, N - 1))`."""
        count = min(count, len(self) - 1)
        if not count:
            return np.zeros((len(self), 0), np.int64)
        _, found = self._tree.query(self.labels * self._axis_weights, k=count + 1, p=1)
        others = [[j for j in row if j != i][:count] for i, row in enumerate(found)]
        return np.array(others, np.int64)

    @cached_property
    def label_range(self) -> tuple[IntArray, IntArray]:
        """The least and the greatest EOL and ECL, each of shape `(2,)`."""
        return self.labels.min(axis=0), self.labels.max(axis=0)

    def outside(self, labels: NDArray) -> NDArray:
        """Cycles by which EOL and ECL lie beyond those of the vocabulary, shape `(queries, 2)`.

        Below the least they are negative, above the greatest positive, between them 0.
        """
        return np.asarray(labels) - np.clip(labels, *self.label_range)

    def in_support(self, labels: NDArray) -> NDArray[np.bool_]:
        """Whether EOL and ECL lie within those of the vocabulary, shape `(queries,)`."""
        return np.all(self.outside(labels) == 0, axis=1)

    @property
    def _axis_weights(self) -> NDArray:
        return np.array([self.weight, 1 - self.weight])

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.labels * self._axis_weights)
