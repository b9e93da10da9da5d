"""What regressors, classifiers and distances see of a charge."""

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.physical import Curves

TIME = "elapsed_time_s"
CAPACITY = "charge_capacity_ah"
NUM_BINS = 16
# Of the shortest measured charge: the window ends before any charge does.
WINDOW_SHARE = 0.6


def window_means(curves: Curves, window_s: float) -> FloatArray:
    """Mean voltage, current and temperature in 16 equal stretches of the start of a charge.

    What a battery management system sees before the charge is over. The charge capacity is left
    out, and so is all that comes after the window, so neither the throughput of the whole charge
    nor its duration is among the inputs.

    Args:
        curves: With the elapsed time, each of shape `(samples, points)`.
        window_s: The same for all charges; where one ends earlier, its last value holds on.

    Returns:
        Shape `(samples, 16 * signals)`, in the units of the signals.
    """
    edges_s = np.linspace(0.0, window_s, NUM_BINS + 1)
    time_s = np.asarray(curves[TIME], np.float64)
    means = [
        np.diff(_integral(time_s, np.asarray(values, np.float64), edges_s), axis=1)
        / np.diff(edges_s)
        for name, values in curves.items()
        if name not in (TIME, CAPACITY)
    ]
    return np.concatenate(means, axis=1)


def throughput_at(curves: Curves, time_s: float) -> FloatArray:
    """Charge put in up to a time, by the charge capacity, in Ah; shape `(samples,)`."""
    pairs = zip(curves[TIME], curves[CAPACITY], strict=True)
    return np.array([np.interp(time_s, own_s, own_ah) - own_ah[0] for own_s, own_ah in pairs])


def whole_charge_means(curves: Curves) -> FloatArray:
    """Means of 16 equal parts of every signal, and the duration: shape `(samples, inputs)`."""
    parts = [
        np.stack(
            [b.mean(axis=1) for b in np.array_split(values.astype(np.float64), NUM_BINS, axis=1)], 1
        )
        for name, values in curves.items()
        if name != TIME
    ]
    if TIME in curves:
        parts.append(curves[TIME][:, -1:].astype(np.float64))
    return np.concatenate(parts, axis=1)


def points(curves: Curves) -> FloatArray:
    """All points of every signal, and the duration."""
    parts = [v[:, -1:] if name == TIME else v for name, v in curves.items()]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def bends(curves: Curves) -> FloatArray:
    """Second differences of every signal but time: from point to point, where the noise shows."""
    parts = [np.diff(values, 2, axis=1) for name, values in curves.items() if name != TIME]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def comparable(reference: Curves) -> "Scales":
    """The scales that make signals count alike: the spread of each in the reference."""
    return Scales(
        {name: values.mean(axis=0, dtype=np.float64) for name, values in reference.items()},
        {
            name: float(np.sqrt(np.mean(np.var(values, axis=0, dtype=np.float64)))) or 1.0
            for name, values in reference.items()
        },
    )


class Scales:
    """Centres and spreads by signal.

    Args:
        centres: Mean curve of each, shape `(points,)`.
        spreads: Root of the mean variance over the points of each.
    """

    def __init__(self, centres: Curves, spreads: dict[str, float]) -> None:
        self.centres, self.spreads = centres, spreads

    def vectors(self, curves: Curves) -> FloatArray:
        """Curves as vectors whose distance is the root of the mean squared scaled deviation.

        Every signal has the same weight, whatever its unit; 1 is the spread of the reference.
        """
        parts = [
            (values - self.centres[name]) / self.spreads[name] / np.sqrt(values.shape[1])
            for name, values in curves.items()
        ]
        return np.concatenate(parts, axis=1) / np.sqrt(len(parts))


def _integral(time_s: FloatArray, values: FloatArray, edges_s: FloatArray) -> FloatArray:
    """Of each charge from its start to each edge, by trapezoids; the last value holds on."""
    steps = (values[:, 1:] + values[:, :-1]) / 2 * np.diff(time_s, axis=1)
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(steps, axis=1)], axis=1)
    inside = np.array(
        [np.interp(edges_s, own_s, own) for own_s, own in zip(time_s, sums, strict=True)]
    )
    return inside + np.maximum(edges_s - time_s[:, -1:], 0.0) * values[:, -1:]
