"""Open-circuit potentials of graphite and LFP, and the capacity between two states of charge.

The functions take numbers, arrays and PyBaMM symbols alike: numpy's functions dispatch to them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from data_prep.records import FloatArray


@dataclass(frozen=True)
class OpenCircuit:
    """Shape of the two potentials; `x` is the stoichiometry of graphite, `y` that of LFP.

    Args:
        plateau_v: LFP potential at the start of the plateau.
        slope_v: Fall of the plateau over the whole of `y`.
        full_v: Height of the rise towards `y = 0`, a full cell.
        full_rate: Its steepness.
        empty_v: Depth of the fall towards `y = 1`, an empty cell.
        empty_rate: Its steepness.
        graphite_width: Width of graphite's first step.
    """

    plateau_v: float
    slope_v: float
    full_v: float
    full_rate: float
    empty_v: float
    empty_rate: float
    graphite_width: float

    def lfp_v(self, y: Any) -> Any:
        """Potential of LFP against lithium; the form of Afshar et al. 2017."""
        return (
            self.plateau_v
            - self.slope_v * y
            + self.full_v * np.exp(-self.full_rate * y)
            - self.empty_v * np.exp(-self.empty_rate * (1 - y))
        )

    def graphite_v(self, x: Any) -> Any:
        """Potential of graphite against lithium; Safari and Delacourt 2011, first step widened."""
        return (
            0.6379
            + 0.5416 * np.exp(-305.5309 * x)
            + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
            - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
            - 0.6875 * np.tanh((x + 0.0117) / self.graphite_width)
            - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
        )


def empty_stoichiometry(
    capacity_ah: FloatArray,
    graphite_ah: FloatArray,
    *,
    lfp_ah: float,
    empty_x: float,
    full_v: float,
    curves: OpenCircuit,
) -> FloatArray:
    """The `y` of an empty cell that takes up a given charge until its open-circuit voltage is full.

    Less lithium in the cell means a smaller `y` when graphite is empty, and less capacity.

    Args:
        capacity_ah: Charge to be taken up, shape `(n,)`.
        graphite_ah: Capacity of graphite, same shape.
        lfp_ah: Capacity of LFP.
        empty_x: Stoichiometry of graphite in the empty cell.
        full_v: Voltage of the full cell.
        curves: The open-circuit potentials.

    Returns:
        Shape `(n,)`. In closed form up to one bisection: the full cell's `x` is known from the
        charge, the `y` that then gives `full_v` is unique because LFP's potential falls with it.
    """
    full_x = empty_x + np.asarray(capacity_ah) / graphite_ah
    lfp_v = full_v + curves.graphite_v(full_x)
    low, high = np.zeros_like(full_x), np.ones_like(full_x)
    for _ in range(60):
        middle = (low + high) / 2
        too_high = curves.lfp_v(middle) > lfp_v
        low, high = np.where(too_high, middle, low), np.where(too_high, high, middle)
    return low + np.asarray(capacity_ah) / lfp_ah
