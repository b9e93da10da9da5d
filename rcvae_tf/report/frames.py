"""The frames of samples as pictures show them: curves scaled to 0..1, laid into the quasi-video."""

import numpy as np

from data_prep.quasi_video import pack
from data_prep.records import SIGNALS, FloatArray
from rcvae_tf.physical import Curves
from rcvae_tf.report.labels import SYMBOLS

Ranges = dict[str, tuple[float, float]]

COLOURS_OF = {"voltage_v": "red", "current_c_rate": "green", "temperature_degc": "blue"}


def ranges_of(measured: Curves) -> Ranges:
    """Lowest and highest value of each signal over samples and points."""
    return {name: (float(values.min()), float(values.max())) for name, values in measured.items()}


def grey_frames(curves: Curves, ranges: Ranges, grid: tuple[int, int]) -> FloatArray:
    """The charge capacity of each sample, 0 to 1, shape `(samples, height, width)`.

    Args:
        curves: By signal, each of shape `(samples, points)`.
        ranges: What is 0 and what is 1, by signal; beyond it values are clipped.
        grid: Height and width of a frame.
    """
    return _scaled_quasi_video(curves, ranges, grid)[:, 0, 1]


def colour_frames(curves: Curves, ranges: Ranges, grid: tuple[int, int]) -> FloatArray:
    """Voltage, current and temperature of each sample as red, green and blue, 0 to 1.

    Args:
        curves: As for `grey_frames`; a signal that is absent is a colour of 0.
        ranges: As for `grey_frames`.
        grid: Height and width of a frame.

    Returns:
        Shape `(samples, height, width, 3)`.
    """
    return np.moveaxis(_scaled_quasi_video(curves, ranges, grid)[:, :, 0], 1, -1)


def colour_key(curves: Curves) -> str:
    """Which signals the colours of a frame stand for: "V, I, T", or "V, I"."""
    return ", ".join(SYMBOLS[name] for name in COLOURS_OF if name in curves)


def colour_key_in_words(curves: Curves) -> str:
    """The same with the colours: "red V, green I, blue T"."""
    return ", ".join(f"{c} {SYMBOLS[name]}" for name, c in COLOURS_OF.items() if name in curves)


def _scaled_quasi_video(curves: Curves, ranges: Ranges, grid: tuple[int, int]) -> FloatArray:
    some = next(iter(curves.values()))
    scaled = [
        _scaled(curves[name], ranges[name]) if name in curves else np.zeros_like(some)
        for name in SIGNALS
    ]
    return pack(np.stack(scaled, axis=-2), *grid)


def _scaled(values: FloatArray, limits: tuple[float, float]) -> FloatArray:
    low, high = limits
    return np.clip((values - low) / (high - low if high > low else 1.0), 0.0, 1.0)
