"""What travels from the drawing of charges to the files that they go into."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from rcvae_tf.physical import Curves


@dataclass(frozen=True)
class ChargeBlock:
    """Charges that follow each other in a generated data set.

    Those of a synthetic cell are contiguous, their ECL ascending; they may go over the border
    between two blocks.

    Args:
        labels: EOL and ECL as asked, shape `(charges, 2)`.
        draws: Which draw of its condition each charge is, from 1; shape `(charges,)`.
        cell_ids: The synthetic cell of each: one EOL, one policy, one draw.
        policies: Charge policy of each; empty for a run that is not conditioned on it.
        in_support: Whether EOL and ECL lie within those of the training data, shape `(charges,)`.
        projected: Whether a charge was changed to keep to physics, shape `(charges,)`.
        curves: By signal, in physical units, each of shape `(charges, points)`.
    """

    labels: NDArray
    draws: NDArray
    cell_ids: list[str]
    policies: list[str]
    in_support: NDArray
    projected: NDArray
    curves: Curves

    def __len__(self) -> int:
        """Charges in the block."""
        return len(self.draws)


@dataclass(frozen=True)
class SetFacts:
    """What is known of a generated data set before its first charge is drawn.

    Args:
        signals: Those of `SIGNALS` that are generated, in that order.
        height: Of the grid; a charge has `height * width` points.
        width: Likewise.
        nominal_capacity_ah: 1 C in A; None where the run does not know it.
        max_voltage_v: Upper limit of the charge; None likewise.
        num_charges: In all.
        num_cells: Synthetic cells in all.
        provenance: JSON-ready; what the sidecar says.
    """

    signals: tuple[str, ...]
    height: int
    width: int
    nominal_capacity_ah: float | None
    max_voltage_v: float | None
    num_charges: int
    num_cells: int
    provenance: dict[str, Any]
