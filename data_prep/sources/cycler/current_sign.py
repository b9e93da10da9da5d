"""The sign of a charging current, if it has one, told from the voltage, which a charge raises."""

import numpy as np

from data_prep.records import FloatArray

# Of the largest current but outliers: far above the offset of a resting channel.
CURRENT_SHARE = 0.01
# Of all that the voltage moves in runs of one current direction; 1 where every run agrees.
CLEAR_EVIDENCE = 0.5
# Of the voltage's range: a rise or fall that is a part of a charge or discharge, not noise.
LONG_STRETCH = 0.25
ROWS_TO_FOLLOW = 50_000


def charging_sign(
    voltage_v: FloatArray, current_a: FloatArray, cycle: FloatArray | None = None
) -> tuple[int, tuple[str, ...]]:
    """The sign that a charging current has in a record.

    Args:
        voltage_v: Shape `(rows,)`; rows that are not finite are left aside.
        current_a: The same.
        cycle: The same, or None; where it changes, the voltage may jump.

    Returns:
        1 or -1, and a note unless it is 1 by clear evidence.
    """
    finite = np.isfinite(voltage_v) & np.isfinite(current_a)
    rises_v = _rises_along_current(
        voltage_v[finite], current_a[finite], None if cycle is None else cycle[finite]
    )
    evidence_v = float(rises_v.sum())
    if evidence_v == 0.0 or abs(evidence_v) < CLEAR_EVIDENCE * np.abs(rises_v).sum():
        return 1, ("current: taken as positive on charge, which the voltage does not tell",)
    if evidence_v < 0:
        return -1, ("current: negative on charge in the file (the voltage tells), turned round",)
    return 1, ()


def has_no_sign(voltage_v: FloatArray, current_a: FloatArray) -> bool:
    """Whether a discharge has the sign of a charge, as where a column of its own tells them apart.

    The current is never negative, and under it the voltage falls over long stretches as much as
    it rises. Charges alone, or discharges alone, do not do that.

    Args:
        voltage_v: As for `charging_sign`.
        current_a: The same.
    """
    finite = np.isfinite(voltage_v) & np.isfinite(current_a)
    voltage_v, current_a = voltage_v[finite], current_a[finite]
    direction = _direction(current_a)
    if not direction.any() or (direction < 0).any() or np.ptp(voltage_v) == 0:
        return False
    flowing = (direction[1:] > 0) & (direction[:-1] > 0)
    moves_v = np.diff(voltage_v)[flowing][:ROWS_TO_FOLLOW].tolist()
    least_v = LONG_STRETCH * float(np.ptp(voltage_v))
    rises_v, falls_v = _long_stretches(moves_v, least_v)
    return min(rises_v, falls_v) > CLEAR_EVIDENCE * max(rises_v, falls_v)


def _long_stretches(moves_v: list[float], least_v: float) -> tuple[float, float]:
    """The sums of all rises and of all falls of at least so much, smaller ones between passed over.

    A move that is as large by itself is a leap, from one charge to the next or where the current
    steps, and part of no stretch.
    """
    now = lowest = highest = 0.0
    sums = {1: 0.0, -1: 0.0}
    heading = 0  # 1 within a rise, -1 within a fall
    for move_v in moves_v:
        now += move_v if abs(move_v) < least_v else 0.0
        lowest, highest = min(lowest, now), max(highest, now)
        if heading <= 0 and now - lowest >= least_v:
            sums[-1] += highest - lowest if heading else 0.0
            heading, highest = 1, now
        elif heading >= 0 and highest - now >= least_v:
            sums[1] += highest - lowest if heading else 0.0
            heading, lowest = -1, now
    sums[heading or 1] += highest - lowest
    return sums[1], sums[-1]


def _direction(current_a: FloatArray) -> FloatArray:
    """1, -1, or 0 at rest, for each row of a finite current."""
    if not current_a.size:
        return np.zeros(0)
    threshold_a = CURRENT_SHARE * np.quantile(np.abs(current_a), 0.99)
    return np.where(np.abs(current_a) > threshold_a, np.sign(current_a), 0.0)


def _rises_along_current(
    voltage_v: FloatArray, current_a: FloatArray, cycle: FloatArray | None
) -> FloatArray:
    """For each run of one current direction, the rise of the voltage times that direction.

    From the first to the last sample of a run, so that noise within it does not add up.
    """
    if not voltage_v.size:
        return np.zeros(0)
    direction = _direction(current_a)
    changes = np.diff(direction) != 0
    if cycle is not None:
        changes |= np.diff(cycle) != 0
    edges = np.concatenate([[0], np.flatnonzero(changes) + 1, [direction.size]])
    starts, stops = edges[:-1], edges[1:]
    return direction[starts] * (voltage_v[stops - 1] - voltage_v[starts])
