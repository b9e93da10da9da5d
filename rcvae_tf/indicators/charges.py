"""Charges in physical units as every indicator takes them, and readings between their points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves

SECONDS_PER_HOUR = 3600.0
# Below its limit by no more than this, a voltage is held by the charger.
HOLD_TOLERANCE_V = 0.005
# The voltage that a charge ends with is the median of so many points.
END_POINTS = 8

# Numbers of points, with what lies between two of them; NaN where there is no such place.
Places = NDArray[np.float64]


@dataclass(frozen=True)
class Charges:
    """Some charges in double precision; a signal that is absent, or damaged in a charge, is NaN.

    Args:
        time_s: Since the first point. Signals have shape `(samples, points)`.
        voltage_v: Terminal voltage.
        current_c_rate: Positive while charging.
        temperature_degc: Of the cell's surface.
        charge_ah: Moved since the first point.
        nominal_capacity_ah: 1 C in A, NaN where unknown; shape `(samples,)`.
        limit_v: Upper limit of the voltage, likewise.
    """

    time_s: FloatArray
    voltage_v: FloatArray
    current_c_rate: FloatArray
    temperature_degc: FloatArray
    charge_ah: FloatArray
    nominal_capacity_ah: FloatArray
    limit_v: FloatArray


def charges_of(
    curves: Curves, nominal_capacity_ah: FloatArray, max_voltage_v: FloatArray
) -> Charges:
    """Curves with their facts.

    Args:
        curves: By signal, each of shape `(samples, points)`.
        nominal_capacity_ah: Shape `(samples,)`, NaN where unknown.
        max_voltage_v: Shape `(samples,)`; where it is NaN, the voltage that a charge ends with
            takes its place: a charge that is complete ends at its limit.
    """
    shape = next(iter(curves.values())).shape

    def signal(name: str) -> FloatArray:
        if name not in curves:
            return np.full(shape, np.nan)
        values = np.asarray(curves[name], np.float64)
        return np.where(np.isfinite(values).all(axis=1, keepdims=True), values, np.nan)

    voltage_v, time_s = signal("voltage_v"), signal("elapsed_time_s")
    charge_ah = signal("charge_capacity_ah")
    return Charges(
        time_s=time_s - time_s[:, :1],
        voltage_v=voltage_v,
        current_c_rate=signal("current_c_rate"),
        temperature_degc=signal("temperature_degc"),
        charge_ah=charge_ah - charge_ah[:, :1],
        nominal_capacity_ah=nominal_capacity_ah,
        limit_v=np.where(
            np.isnan(max_voltage_v), np.median(voltage_v[:, -END_POINTS:], axis=1), max_voltage_v
        ),
    )


def first_crossing(values: FloatArray, level: FloatArray) -> Places:
    """Where each row first reaches a level, between two points where it lies there.

    Args:
        values: Shape `(samples, points)`.
        level: Shape `(samples,)`.
    """
    reached = values >= level[:, None]
    above = reached.argmax(axis=1)
    below = np.maximum(above - 1, 0)
    low, high = pick(values, below), pick(values, above)
    share = np.where(above > below, (level - low) / (high - low), 0.0)
    return np.where(reached.any(axis=1), below + share, np.nan)


def value_at(
    values: FloatArray, places: Places, row: NDArray[np.int64] | None = None
) -> FloatArray:
    """What rows are at places, linear between points; NaN at no place.

    Args:
        values: Shape `(samples, points)`.
        places: Shape `(samples,)`, or that of `row`.
        row: Which row each place is in; without it every row has one.
    """
    row = np.arange(len(values)) if row is None else row
    known = np.nan_to_num(places)
    below = known.astype(np.int64)
    above = np.minimum(below + 1, values.shape[1] - 1)
    low = values[row, below]
    return np.where(np.isnan(places), np.nan, low + (known - below) * (values[row, above] - low))


def pick(values: NDArray, points: NDArray[np.int64]) -> NDArray:
    """One value of each row, at the point of that row."""
    return np.take_along_axis(values, points[:, None], axis=1)[:, 0]
