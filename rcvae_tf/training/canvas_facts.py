"""What the canvas of a model must know of its training charges: knots, mean, limits."""

from typing import Any

import numpy as np

from data_prep.errors import DatasetError
from data_prep.records import FloatArray
from rcvae_tf.dataset import SplitData
from rcvae_tf.physical import Curves

SECONDS_PER_MINUTE, SECONDS_PER_HOUR = 60.0, 3600.0
# Knots lie where curves change, and this share of them evenly over time.
EVEN_SHARE = 0.35
TAIL_BINS, STEP_BINS = 1200, 120
# What counts as much change between two points; more than half of it counts as half.
VOLTAGE_CHANGE_V, CURRENT_CHANGE_C = 0.1, 1.0
LARGEST_CHANGE = 0.5
# The canvas is longer than the longest training charge by this factor.
ROOM = 1.05
CAPACITY_QUANTILE = 0.99
# Spreads of points start at this share of what charges deviate from their mean.
FIRST_SPREAD, SMALLEST_SPREAD = 0.1, 1e-5
SMALLEST_DURATION_SPREAD = 1e-3  # of the logarithm
NEEDED = ("voltage_v", "current_c_rate", "charge_capacity_ah", "elapsed_time_s")


def canvas_facts(
    train: SplitData, nominal_capacity_ah: float, num_knots: int, with_policy: bool
) -> dict[str, Any]:
    """JSON-ready facts for `CanvasRCVAE`.

    Args:
        train: The samples that are trained on.
        nominal_capacity_ah: 1 C in A.
        num_knots: Of the canvas.
        with_policy: Whether every fast step of a policy gets its own stretch of knots.

    Raises:
        DatasetError: A signal that the canvas needs was not measured, or a policy is unknown.
    """
    from rcvae_tf.model.canvas import Canvas
    from rcvae_tf.model.charge import SIGNAL_SCALE, SIGNALS_ON_CANVAS
    from rcvae_tf.model.policy import count_fast_steps

    _check(train, with_policy)
    curves = train.curves
    duration_min = curves["elapsed_time_s"][:, -1] / SECONDS_PER_MINUTE
    num_steps = count_fast_steps(train.policy_steps) if with_policy else 0
    rates, step_minutes = _steps(train, num_steps)
    tail_min = duration_min - step_minutes.sum(axis=1)
    if tail_min.min() <= 0:
        raise DatasetError(
            "a charge ends before its policy's fast charge does, by "
            f"{-tail_min.min():.1f} min: the policies are not those of the charges. "
            "Correct charge_policy, or train with --condition eol,ecl."
        )
    longest_min = float(tail_min.max() * ROOM)
    knots = place_knots(curves, duration_min, step_minutes, longest_min, num_knots)
    canvas = Canvas(knots.tolist(), num_steps, longest_min)
    signals = [name for name in SIGNALS_ON_CANVAS if name in train.signals_present]
    # A step that only some policies have is averaged over their charges.
    has_step = np.pad(step_minutes > 0, ((0, 0), (0, 1)), constant_values=True).astype(float)
    weights = has_step / has_step.sum(axis=0)
    drawn, deviation = _mean_on_knots(
        curves, signals, duration_min, canvas, step_minutes, weights @ canvas.in_step
    )
    offset = drawn.mean(axis=1)
    scale = np.array([SIGNAL_SCALE[name] for name in signals])
    log_tail = np.log(tail_min)
    return {
        "signals": signals,
        "knots": [float(v) for v in knots],
        "num_fast_steps": num_steps,
        "tail_min": longest_min,
        "offset": offset.tolist(),
        "mean_canvas": ((drawn - offset[:, None]) / scale[:, None]).tolist(),
        "log_spread": np.log(
            np.maximum(FIRST_SPREAD * deviation / scale[:, None], SMALLEST_SPREAD)
        ).tolist(),
        "mean_rate": ((weights * rates).sum(axis=0) @ canvas.in_step).tolist(),
        "log_duration_mean": float(log_tail.mean()),
        "log_duration_spread": max(float(log_tail.std()), SMALLEST_DURATION_SPREAD),
        "voltage_limits_v": [float(curves["voltage_v"].min()), float(curves["voltage_v"].max())],
        "nominal_capacity_ah": nominal_capacity_ah,
        "capacity_tolerance_ah": capacity_tolerance(curves, nominal_capacity_ah),
        "lives": np.unique(train.labels[:, 0]).astype(float).tolist(),
        **_policy_statistics(train),
        **(_warmth(train, canvas) if num_steps and "temperature_degc" in signals else {}),
    }


def place_knots(
    curves: Curves,
    duration_min: FloatArray,
    step_minutes: FloatArray,
    tail_min: float,
    num_knots: int,
) -> FloatArray:
    """Coordinates of knots: dense where voltage or current changes, the rest even in time.

    Args:
        curves: Of the training samples.
        duration_min: Of each, shape `(samples,)`.
        step_minutes: Nominal minutes of the fast steps, `(samples, steps)`.
        tail_min: Minutes that the tail is long.
        num_knots: How many.

    Returns:
        Ascending, from 0 to the number of steps + 1.
    """
    num_steps = step_minutes.shape[1]
    edges = np.concatenate(
        [
            *(np.linspace(k, k + 1, STEP_BINS, endpoint=False) for k in range(num_steps)),
            np.linspace(num_steps, num_steps + 1, TAIL_BINS + 1),
        ]
    )
    change = np.abs(np.diff(curves["voltage_v"])) / VOLTAGE_CHANGE_V
    change = change + np.abs(np.diff(curves["current_c_rate"])) / CURRENT_CHANGE_C
    grid = np.linspace(0.0, 1.0, change.shape[1] + 1)
    minutes = duration_min[:, None] * (0.5 * (grid[1:] + grid[:-1]))[None]
    place = coordinates(minutes, step_minutes, tail_min)
    found, _ = np.histogram(place, edges, weights=np.minimum(change, LARGEST_CHANGE))
    smooth = 9 if not num_steps else 3
    found = np.convolve(np.pad(found, smooth // 2, mode="edge"), np.ones(smooth) / smooth, "valid")
    even = np.concatenate(
        [
            np.repeat(step_minutes.mean(axis=0) / STEP_BINS, STEP_BINS),
            np.full(TAIL_BINS, tail_min / TAIL_BINS),
        ]
    )
    changing = np.sqrt(found) / max(np.sqrt(found).sum(), 1e-12)
    density = (1 - EVEN_SHARE) * changing + EVEN_SHARE * even / even.sum()
    share = np.concatenate([[0.0], np.cumsum(density)])
    return np.interp(np.linspace(0.0, 1.0, num_knots), share / share[-1], edges)


def coordinates(minutes: FloatArray, step_minutes: FloatArray, tail_min: float) -> FloatArray:
    """Where times lie on the canvas, shape of `minutes`, `(samples, points)`."""
    end = np.cumsum(step_minutes, axis=1)
    place = np.zeros_like(minutes)
    for k in range(step_minutes.shape[1]):
        start, length = end[:, k] - step_minutes[:, k], step_minutes[:, k]
        since = minutes - start[:, None]
        missing = length[:, None] <= 0
        part = np.clip(since / np.maximum(length, 1e-3)[:, None], 0.0, 1.0)
        place += np.where(missing, since >= 0, part)
    fast_min = end[:, -1:] if end.shape[1] else np.zeros((len(minutes), 1))
    return place + np.clip((minutes - fast_min) / tail_min, 0.0, 1.0)


def capacity_tolerance(curves: Curves, nominal_capacity_ah: float) -> float:
    """How far measured capacities lie from the trapezoid sum of their own points, in Ah.

    The 99th percentile over the samples of the largest distance, a thousandth less for rounding.
    """
    current_c_rate, time_s = curves["current_c_rate"], curves["elapsed_time_s"]
    added = 0.5 * (current_c_rate[:, 1:] + current_c_rate[:, :-1]) * np.diff(time_s, axis=1)
    on_grid_ah = np.cumsum(added, axis=1) * nominal_capacity_ah / SECONDS_PER_HOUR
    capacity_ah = curves["charge_capacity_ah"]
    distance = np.abs(capacity_ah[:, 1:] - capacity_ah[:, :1] - on_grid_ah).max(axis=1)
    return float(np.quantile(distance, CAPACITY_QUANTILE)) * 0.999


def _check(train: SplitData, with_policy: bool) -> None:
    missing = [name for name in NEEDED if name not in train.signals_present]
    if missing:
        raise DatasetError(
            f"preset default needs {', '.join(NEEDED)}; the data set has no {', '.join(missing)}. "
            "Use --decoder quasi_video, or --preset paper."
        )
    unknown = sorted(set(train.cell_ids[(train.policy_steps == 0).all(axis=(1, 2))].tolist()))
    if with_policy and unknown:
        raise DatasetError(
            f"the charge policy of {len(unknown)} cells is not known, of {unknown[0]} for one: "
            "--condition eol,ecl,policy needs it of all. Write it into cells.csv and prepare the "
            "data anew, or train with --condition eol,ecl."
        )


def _steps(train: SplitData, num_steps: int) -> tuple[FloatArray, FloatArray]:
    """Rates of fast steps and of the last one, and minutes of the fast steps, of every sample."""
    from keras import ops

    from rcvae_tf.model.policy import fast_steps, step_rates

    policies = ops.convert_to_tensor(train.policy_steps)
    _, minutes = fast_steps(policies, num_steps)
    return np.asarray(step_rates(policies, num_steps)), np.asarray(minutes)


def _mean_on_knots(
    curves: Curves,
    signals: list[str],
    duration_min: FloatArray,
    canvas: Any,
    step_minutes: FloatArray,
    weights: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Mean over the samples at every knot, and mean absolute deviation from it.

    Behind its end a charge counts with its last value.

    Args:
        curves: Of the training samples.
        signals: Those on the canvas.
        duration_min: Of each sample.
        canvas: The canvas.
        step_minutes: Nominal minutes of the fast steps, `(samples, steps)`.
        weights: Of each sample at each knot, `(samples, knots)`; their sum is 1.

    Returns:
        Each of shape `(signals, knots)`.
    """
    knot_minutes = step_minutes @ canvas.step_shares + canvas.tail_minutes
    grid = np.linspace(0.0, 1.0, curves[signals[0]].shape[1])
    mean = np.zeros((len(signals), canvas.num_knots))
    deviation = np.zeros_like(mean)
    for k, name in enumerate(signals):
        drawn = np.stack(
            [
                np.interp(minutes, grid * duration, values)
                for minutes, duration, values in zip(
                    knot_minutes, duration_min, curves[name], strict=True
                )
            ]
        )
        mean[k] = np.sum(weights * drawn, axis=0)
        deviation[k] = np.sum(weights * np.abs(drawn - mean[k]), axis=0)
    return mean, deviation


def _policy_statistics(train: SplitData) -> dict[str, list[float]]:
    from keras import ops

    from rcvae_tf.model.policy import policy_features

    features = np.asarray(policy_features(ops.convert_to_tensor(train.policy_steps)))
    return {
        "policy_mean": features.mean(axis=0).tolist(),
        "policy_spread": features.std(axis=0).tolist(),
    }


def _warmth(train: SplitData, canvas: Any) -> dict[str, Any]:
    """Mean and spread of the policies' warmth at the knots."""
    from keras import ops

    from rcvae_tf.model.policy import fast_steps
    from rcvae_tf.model.warmth import warmth, warmth_statistics

    kinds, times = np.unique(train.policy_steps, axis=0, return_counts=True)
    policies = ops.convert_to_tensor(kinds)
    _, minutes = fast_steps(policies, canvas.num_fast_steps)
    values = np.asarray(warmth(policies, canvas.num_fast_steps, canvas.knot_minutes(minutes)))
    mean, spread = warmth_statistics(np.repeat(values, times, axis=0))
    return {"warmth_mean": mean.tolist(), "warmth_spread": np.maximum(spread, 1e-3).tolist()}
