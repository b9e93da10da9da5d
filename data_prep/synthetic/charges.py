"""Charges of one generated cell, as they come to be written."""

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import NDArray

from data_prep.records import FloatArray


@dataclass(frozen=True)
class GeneratedCharges:
    """Some or all charges of one generated cell.

    Args:
        cell_id: Unique in its data set.
        eol: The end of life that was asked for.
        charge_policy: Empty where none was asked for.
        ecl: Of each charge, ascending; shape `(charges,)`.
        draw: Which draw of its condition each charge is; the same in all of them.
        in_support: Whether EOL and ECL of each lie within those of the training data.
        projected: Whether each was changed to keep to physics.
        curves: By signal, each of shape `(charges, points)`; points equally spaced in time.
    """

    cell_id: str
    eol: int
    charge_policy: str
    ecl: NDArray
    draw: int
    in_support: NDArray
    projected: NDArray
    curves: Mapping[str, FloatArray]

    def __len__(self) -> int:
        """Number of charges."""
        return len(self.ecl)


@dataclass(frozen=True)
class GeneratedSet:
    """What is known of a whole generated set.

    Args:
        signals: Names from `SIGNALS`, in that order.
        height: Rows of a frame.
        width: Columns of a frame.
        num_charges: In all.
        num_cells: Likewise.
        provenance: JSON-ready; of which model, with which seed.
        nominal_capacity_ah: 1 C in A; None where it is not known.
        max_voltage_v: Upper limit of the charge; None likewise.
    """

    signals: tuple[str, ...]
    height: int
    width: int
    num_charges: int
    num_cells: int
    provenance: Mapping[str, object]
    nominal_capacity_ah: float | None = None
    max_voltage_v: float | None = None
