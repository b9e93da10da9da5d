"""Apparent resistance: what the voltage does when the policy changes the current."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import HOLD_TOLERANCE_V, Charges, first_crossing, value_at

# Between two points a current that changes by less than this is constant.
STEADY_C_RATE = 0.05
SMALLEST_STEP_C_RATE = 0.5
# A rest of some seconds between two rates is a part of the step, not where it leads to.
REST_C_RATE = 0.1
# Before a step the current was constant for so many intervals: the rise of the voltage with the
# charge is read from them.
INTERVALS_BEFORE = 4
# The voltage is read so long behind the middle of a step, as in the procedure of the USABC; where
# points lie more than half of that apart, it would be read from nothing.
DELAY_S = 30.0
LARGEST_INTERVAL_S = DELAY_S / 2
# A change that takes longer than this is a ramp, and no step.
MOST_STEP_INTERVALS = 10


Points = NDArray[np.int64]


class Steps(NamedTuple):
    """Steps of the current of some charges, those of a charge in order of time.

    Args:
        row: Which charge each step is of, ascending; shape `(steps,)`, as the others.
        voltage_v: Change of the voltage, less what it would have risen with the charge.
        current_a: Change of the current; NaN where the nominal capacity is unknown.
        is_last: Whether no step of the same charge follows.
    """

    row: Points
    voltage_v: FloatArray
    current_a: FloatArray
    is_last: NDArray[np.bool_]


def last_step_resistance_ohm(steps: Steps, num_samples: int) -> FloatArray:
    """dV/dI at the last step of the current before the voltage is held, in ohm.

    For fast charges that is the step down to 1 C at 80 % of the nominal capacity: the largest one,
    at the same state of charge in every cell and cycle.

    Source: the apparent resistance (E2 - E1) / (I2 - I1) a fixed time after a step of the current,
    30 s as in the USABC's procedure (BioLogic, Application Note 38). How large it is depends on
    that time (Barai et al. 2018, doi 10.1038/s41598-017-18424-5).
    Valid: where the current is constant before a step of 0.5 C or more and `DELAY_S` behind it, the
    voltage is below its limit, points lie at most `LARGEST_INTERVAL_S` apart, and the nominal
    capacity is known. It holds electrolyte, charge transfer and part of the diffusion: twice what
    pulses of 30 ms give (15 to 18 mOhm in MATR). A rest of some seconds at the step, as in MATR, is
    part of those 30 s. Charges of one policy compare.

    Args:
        steps: Of some charges.
        num_samples: How many charges they are.
    """
    resistance = np.full(num_samples, np.nan)
    row = steps.row[steps.is_last]
    resistance[row] = steps.voltage_v[steps.is_last] / steps.current_a[steps.is_last]
    return resistance


def fast_step_resistance_ohm(steps: Steps, num_samples: int) -> FloatArray:
    """dV/dI at all steps of the current before the last one, least squares through 0, in ohm.

    Source: as the last step; the squares of dI weigh the steps, as noise of the voltage asks for.
    Valid: as the last step, for policies that change their rate within the fast charge. Which steps
    these are is the policy's, so cells of different policies do not compare.

    Args:
        steps: Of some charges.
        num_samples: How many charges they are.
    """
    earlier = ~steps.is_last & np.isfinite(steps.voltage_v / steps.current_a)
    row, voltage_v, current_a, _ = (values[earlier] for values in steps)
    products = np.bincount(row, voltage_v * current_a, num_samples)
    return products / np.bincount(row, current_a**2, num_samples)


def current_steps(charges: Charges) -> Steps:
    """All steps of the current: constant before, constant behind, the voltage not held."""
    current = charges.current_c_rate
    steady = np.abs(np.diff(current, axis=1)) < STEADY_C_RATE
    windows = np.lib.stride_tricks.sliding_window_view(steady, INTERVALS_BEFORE, axis=1)
    row, before = np.nonzero(windows[:, :-1].all(axis=-1) & ~steady[:, INTERVALS_BEFORE:])
    before += INTERVALS_BEFORE
    behind = _next_point(steady & (current[:, :-1] > REST_C_RATE))[row, before]
    is_short = behind - before <= MOST_STEP_INTERVALS
    row, before, behind = row[is_short], before[is_short], behind[is_short]
    # Where the voltage is held behind it, the limit changed the current and not the policy.
    is_step = np.abs(current[row, behind] - current[row, before]) >= SMALLEST_STEP_C_RATE
    is_step &= charges.voltage_v[row, behind] < charges.limit_v[row] - HOLD_TOLERANCE_V
    return _read_steps(charges, row[is_step], before[is_step], behind[is_step])


def _next_point(mask: NDArray[np.bool_]) -> Points:
    """Of each point, the first one from there on where a mask is true; else one far behind all."""
    num_points = mask.shape[1]
    beyond = num_points + MOST_STEP_INTERVALS + 1
    found = np.where(mask, np.arange(num_points), beyond)
    return np.minimum.accumulate(found[:, ::-1], axis=1)[:, ::-1]


def _read_steps(charges: Charges, row: Points, before: Points, behind: Points) -> Steps:
    """Steps from the last point before and the first behind each; NaN where one is unreadable."""
    current, voltage, charge = charges.current_c_rate, charges.voltage_v, charges.charge_ah
    last_point = current.shape[1] - 1
    interval_s = charges.time_s[row, -1] / last_point
    late = _middle(current, row, before, behind) + DELAY_S / interval_s
    fits = (late <= last_point) & (interval_s <= LARGEST_INTERVAL_S)
    late = np.where(fits, late, np.nan)
    change_c_rate = value_at(current, late, row) - current[row, before]
    late_v = value_at(voltage, late, row)
    # Until then the voltage would have risen with the charge, as fast as before the step.
    ahead = before - INTERVALS_BEFORE
    moved_ah = charge[row, before] - charge[row, ahead]
    slope = np.where(moved_ah > 0, (voltage[row, before] - voltage[row, ahead]) / moved_ah, 0.0)
    rise_v = slope * (value_at(charge, late, row) - charge[row, before])
    is_constant = _is_same(value_at(current, late, row), current[row, behind])
    is_free = np.maximum(late_v, voltage[row, before]) < charges.limit_v[row] - HOLD_TOLERANCE_V
    change_v = np.where(is_constant & is_free, late_v - voltage[row, before] - rise_v, np.nan)
    return Steps(
        row=row,
        voltage_v=change_v,
        current_a=change_c_rate * charges.nominal_capacity_ah[row],
        is_last=(np.diff(row, append=-1) != 0) & _ends_at(charges, row, current[row, behind]),
    )


def _ends_at(charges: Charges, row: Points, current_c_rate: FloatArray) -> NDArray[np.bool_]:
    """Whether a current is also the one with which the voltage comes to its limit.

    The last step of an old cell, at its limit since the fast charge, cannot be seen; the one before
    it is not to stand in its place.
    """
    is_free = charges.voltage_v < (charges.limit_v - HOLD_TOLERANCE_V)[:, None]
    last_free = is_free.shape[1] - 1 - is_free[:, ::-1].argmax(axis=1)
    end_c_rate = charges.current_c_rate[row, last_free[row]]
    return _is_same(end_c_rate, current_c_rate)


def _middle(current: FloatArray, row: Points, before: Points, behind: Points) -> FloatArray:
    """The place at which half of each step is made."""
    points = np.minimum(before[:, None] + np.arange(MOST_STEP_INTERVALS + 1), behind[:, None])
    start, end = current[row, before], current[row, behind]
    share = (current[row[:, None], points] - start[:, None]) / (end - start)[:, None]
    return before + first_crossing(share, np.full(len(row), 0.5))


def _is_same(first_c_rate: FloatArray, second_c_rate: FloatArray) -> NDArray[np.bool_]:
    """Whether there is no step between two currents."""
    return np.abs(first_c_rate - second_c_rate) < SMALLEST_STEP_C_RATE / 2
