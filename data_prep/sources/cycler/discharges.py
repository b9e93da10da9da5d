"""Discharge capacity of each cycle of a record: measured where it was, else integrated."""

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from data_prep.charges.clock import mended_time
from data_prep.records import FloatArray

# Less of the nominal capacity is a pulse, or leakage that a meter adds up, and no discharge.
LEAST_DISCHARGE_SHARE = 0.02
DISCHARGING_C_RATE = 0.01
# Between the lowest voltages of complete discharges, which end at one cut-off.
CUT_OFF_SCATTER_V = 0.02

NOT_COUNTED = "last discharge not counted: the record ends in it"


def discharge_capacities(
    numbers: NDArray[np.int_],
    time_s: FloatArray,
    current_a: FloatArray,
    voltage_v: FloatArray,
    measured_ah: FloatArray | None,
    nominal_capacity_ah: float,
) -> tuple[dict[int, float], tuple[str, ...]]:
    """Discharge capacity by cycle, without cycles that are not discharged.

    A discharge in which the record ends is left out unless it reaches the cut-off of the others:
    it may go on, and would then look like the end of life.

    Args:
        numbers: The cycle of each row, never falling; 0 belongs to none. All `(rows,)`.
        time_s: In the order of the record.
        current_a: Positive while charging.
        voltage_v: Tells whether the last discharge is complete.
        measured_ah: A meter of the discharged capacity, which may be set back at any row that
            does not discharge; or None.
        nominal_capacity_ah: 1 C in A.

    Returns:
        Capacity in Ah by cycle number, and notes.
    """
    taken_ah = taken_out_ah(time_s, current_a) if measured_ah is None else _metered(measured_ah)
    same_cycle = np.diff(numbers, prepend=numbers[:1]) == 0
    totals_ah = np.bincount(numbers, np.where(same_cycle, taken_ah, 0.0))
    least_ah = LEAST_DISCHARGE_SHARE * nominal_capacity_ah
    capacities_ah = {n: float(q) for n, q in enumerate(totals_ah) if n > 0 and q >= least_ah}
    last = int(numbers[-1])
    notes: tuple[str, ...] = ()
    discharging = current_a < -DISCHARGING_C_RATE * nominal_capacity_ah
    if discharging[-1] and last in capacities_ah:
        lowest_v = _lowest_by_cycle(numbers[discharging], voltage_v[discharging])
        others_v = [float(lowest_v[n]) for n in capacities_ah if n != last]
        if not reaches_cut_off(float(lowest_v[last]), others_v):
            del capacities_ah[last]
            notes = (NOT_COUNTED,)
    if capacities_ah and measured_ah is None:
        notes = ("discharge capacity: the integral of the current", *notes)
    return capacities_ah, notes


def reaches_cut_off(lowest_v: float, others_v: Sequence[float]) -> bool:
    """Whether a discharge in which a record ends is complete.

    Args:
        lowest_v: Of this discharge.
        others_v: Of other discharges of the record; the usual one of them is the cut-off.
    """
    usual_v = [value for value in others_v if math.isfinite(value)]
    return bool(usual_v) and lowest_v <= median(usual_v) + CUT_OFF_SCATTER_V


def taken_out_ah(time_s: FloatArray, current_a: FloatArray) -> FloatArray:
    """Charge taken out since the row before, by the trapezoid rule; 0 while charging.

    Args:
        time_s: Shape `(rows,)`, in the order of the record.
        current_a: The same; positive while charging. Rows that are not finite are bridged.
    """
    usable = np.flatnonzero(np.isfinite(time_s) & np.isfinite(current_a))
    in_time, mended_s = mended_time(time_s[usable])
    rows = usable[in_time]
    discharge_a = np.maximum(-current_a[rows], 0.0)
    steps_s = np.maximum(np.diff(mended_s), 0.0)
    taken_ah = np.zeros(time_s.size)
    taken_ah[rows[1:]] = (discharge_a[1:] + discharge_a[:-1]) / 2 * steps_s / 3600.0
    return taken_ah


def _lowest_by_cycle(numbers: NDArray[np.int_], voltage_v: FloatArray) -> FloatArray:
    """The lowest voltage of each cycle from 0 to the last; infinite where there is none."""
    lowest_v = np.full(int(numbers[-1]) + 1, np.inf)
    np.fmin.at(lowest_v, numbers, voltage_v)
    return lowest_v


def _metered(measured_ah: FloatArray) -> FloatArray:
    """What a meter gained since the row before; where it falls, it was set back to 0."""
    measured_ah = np.where(np.isfinite(measured_ah), measured_ah, np.nan)
    gained_ah = np.diff(measured_ah, prepend=measured_ah[:1])
    return np.where(gained_ah > 0, gained_ah, 0.0)
