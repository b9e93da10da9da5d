"""Sets of charges, and the sets that an assessment compares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves


@dataclass(frozen=True)
class ChargeSet:
    """Charges, measured or generated, with the cell and the condition that each stands for.

    Args:
        curves: By signal, each of shape `(samples, points)`.
        labels: EOL and ECL, shape `(samples, 2)`.
        cell_ids: Shape `(samples,)`; of a generated charge, the cell whose condition was asked.
        policy_steps: Shape `(samples, MAX_STEPS, 2)`.
    """

    curves: Curves
    labels: NDArray[np.int64]
    cell_ids: NDArray[np.str_]
    policy_steps: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: NDArray) -> "ChargeSet":
        """Some of the charges, by number or by truth."""
        curves = {name: values[chosen] for name, values in self.curves.items()}
        return ChargeSet(
            curves, self.labels[chosen], self.cell_ids[chosen], self.policy_steps[chosen]
        )

    def with_curves(self, curves: Curves) -> "ChargeSet":
        """Other curves for the same conditions."""
        return ChargeSet(curves, self.labels, self.cell_ids, self.policy_steps)


def measured_set(split: SplitData, signals: tuple[str, ...]) -> ChargeSet:
    """The charges of a split, in the signals that the run generates."""
    curves = {name: split.curves[name] for name in signals}
    return ChargeSet(curves, split.labels, split.cell_ids, split.policy_steps)


def joined(sets: list[ChargeSet]) -> ChargeSet:
    """Sets of the same signals as one."""
    return ChargeSet(
        {name: np.concatenate([s.curves[name] for s in sets]) for name in sets[0].curves},
        np.concatenate([s.labels for s in sets]),
        np.concatenate([s.cell_ids for s in sets]),
        np.concatenate([s.policy_steps for s in sets]),
    )
