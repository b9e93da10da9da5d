"""Discharge capacity of each cycle of a pickle, as measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from data_prep.records import FloatArray
from data_prep.sources.cycler.discharges import (
    DISCHARGING_C_RATE,
    NOT_COUNTED,
    reaches_cut_off,
)

# The last ones of a record: enough to tell where its discharges end, and soon read.
DISCHARGES_TO_COMPARE = 20


class Discharge(NamedTuple):
    """Of one cycle.

    Args:
        current_c_rate: Negative while discharging, shape `(points,)`.
        voltage_v: The same shape.
    """

    current_c_rate: FloatArray
    voltage_v: FloatArray

    @property
    def ends_the_cycle(self) -> bool:
        """Whether the cycle ends while it is discharged."""
        current = self.current_c_rate[np.isfinite(self.current_c_rate)]
        return bool(current.size) and bool(current[-1] < -DISCHARGING_C_RATE)

    @property
    def lowest_v(self) -> float:
        """The lowest voltage under the current of a discharge; infinite where there is none."""
        if self.current_c_rate.size != self.voltage_v.size:
            return np.inf
        voltage_v = self.voltage_v[self.current_c_rate < -DISCHARGING_C_RATE]
        return float(np.fmin.reduce(voltage_v, initial=np.inf))


def without_broken_off(
    capacities_ah: dict[int, float],
    last_number: int,
    last: Discharge,
    others: Sequence[Discharge],
    min_voltage_v: float | None,
) -> tuple[dict[int, float], tuple[str, ...]]:
    """The capacities without that of a last discharge which is not complete, and a note.

    It may go on, and would then look like the end of life.

    Args:
        capacities_ah: By cycle number.
        last_number: Of the last cycle.
        last: Its series.
        others: Those of cycles before it.
        min_voltage_v: The cut-off as the file gives it, which counts where no other is at hand.
    """
    if last_number not in capacities_ah or not last.ends_the_cycle:
        return capacities_ah, ()
    cut_offs_v = [other.lowest_v for other in others if np.isfinite(other.lowest_v)]
    if not cut_offs_v and min_voltage_v is not None:
        cut_offs_v = [min_voltage_v]
    if reaches_cut_off(last.lowest_v, cut_offs_v):
        return capacities_ah, ()
    return {n: q for n, q in capacities_ah.items() if n != last_number}, (NOT_COUNTED,)
