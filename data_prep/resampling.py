"""An unevenly sampled charge onto the common grid: points equally spaced in time."""

import numpy as np

from data_prep.records import SIGNALS, Charge, FloatArray


def resample(charge: Charge, num_points: int) -> FloatArray:
    """The series of a charge at equally spaced times from its first sample to its last.

    Args:
        charge: Time must not fall.
        num_points: Points of a series, first and last included.

    Returns:
        Shape `(len(SIGNALS), num_points)`, float32, rows in the order of `SIGNALS`; the row of
        the temperature is zero where it was not measured. Linear between samples.
    """
    grid_s = np.linspace(0.0, charge.time_s[-1], num_points)
    series = {
        "voltage_v": charge.voltage_v,
        "current_c_rate": charge.current_c_rate,
        "temperature_degc": charge.temperature_degc,
        "charge_capacity_ah": charge.charge_capacity_ah,
        "elapsed_time_s": charge.time_s,
    }
    curves = np.zeros((len(SIGNALS), num_points), np.float32)
    for row, name in enumerate(SIGNALS):
        values = series[name]
        if values is not None:
            curves[row] = np.interp(grid_s, charge.time_s, values)
    return curves
