"""Charges whose indicators are known by hand."""

import numpy as np

from rcvae_tf.indicators import indicators_of

NOMINAL_AH = 1.1
LIMIT_V = 3.6


def charge(duration_s, current_c_rate, voltage_v, num_points=256, **signals):
    """Points equally spaced in time; the current steps between points, the charge is exact.

    Args:
        duration_s: Of the charge.
        current_c_rate: Of the time in s, and constant over each interval that begins at a point.
        voltage_v: Of the time in s, the charge in Ah and the current in C.
        num_points: Of the grid.
        signals: Others, or replacements, of the time in s.
    """
    time_s = np.linspace(0.0, duration_s, num_points)
    current = np.array([current_c_rate(t) for t in time_s], float)
    moved_ah = NOMINAL_AH * current[:-1] * np.diff(time_s) / 3600
    charge_ah = np.concatenate([[0.0], np.cumsum(moved_ah)])
    curves = {
        "voltage_v": np.array(
            [voltage_v(t, q, i) for t, q, i in zip(time_s, charge_ah, current, strict=True)], float
        ),
        "current_c_rate": current,
        "charge_capacity_ah": charge_ah,
        "elapsed_time_s": time_s,
    }
    curves |= {name: np.array([of(t) for t in time_s], float) for name, of in signals.items()}
    return {name: values[None] for name, values in curves.items()}


def one_hour_at_1c(**signals):
    """From 3.0 to 3.6 V in proportion to the time."""
    return charge(3600.0, lambda t: 1.0, lambda t, q, i: 3.0 + 0.6 * t / 3600, **signals)


def indicator(name, curves, nominal_ah=NOMINAL_AH, limit_v=LIMIT_V):
    """Of a single charge."""
    found = indicators_of(curves, nominal_ah, limit_v)[name]
    assert found.shape == (1,)
    return found[0]
