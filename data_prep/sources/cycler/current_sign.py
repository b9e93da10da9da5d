"""The sign of a charging current, told from the voltage, which a charge raises."""

import numpy as np

from data_prep.records import FloatArray

# Of the largest current but outliers: far above the offset of a resting channel.
CURRENT_SHARE = 0.01
# Of all that the voltage moves in runs of one current direction; 1 where every run agrees.
CLEAR_EVIDENCE = 0.5


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


def _rises_along_current(
    voltage_v: FloatArray, current_a: FloatArray, cycle: FloatArray | None
) -> FloatArray:
    """For each run of one current direction, the rise of the voltage times that direction.

    From the first to the last sample of a run, so that noise within it does not add up.
    """
    if not voltage_v.size:
        return np.zeros(0)
    threshold_a = CURRENT_SHARE * np.quantile(np.abs(current_a), 0.99)
    direction = np.where(np.abs(current_a) > threshold_a, np.sign(current_a), 0.0)
    changes = np.diff(direction) != 0
    if cycle is not None:
        changes |= np.diff(cycle) != 0
    edges = np.concatenate([[0], np.flatnonzero(changes) + 1, [direction.size]])
    starts, stops = edges[:-1], edges[1:]
    return direction[starts] * (voltage_v[stops - 1] - voltage_v[starts])
