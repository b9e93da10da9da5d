"""The charge that goes in: as a counter shows it, and as the current adds up."""

import numpy as np

from data_prep.records import Cycle, FloatArray

# A counter of charge that starts again shows less than this share of what it showed before; next
# to nothing, to begin with, is the noise of a counter at rest.
RESTARTED_SHARE = 0.5
NOISE_SHARE = 1e-3


def integrate_capacity(
    time_s: FloatArray, current_c_rate: FloatArray, nominal_capacity_ah: float
) -> FloatArray:
    """Charge in Ah since the first sample, by the trapezoid rule; shape `(points,)`.

    Where the clock steps back, nothing is moved: how long the step took is not known.
    """
    mean_c_rate = (current_c_rate[1:] + current_c_rate[:-1]) / 2
    steps_s = np.maximum(np.diff(time_s), 0.0)
    return np.concatenate([[0.0], np.cumsum(mean_c_rate * nominal_capacity_ah * steps_s / 3600.0)])


def join_counter(capacity_ah: FloatArray) -> FloatArray:
    """A counter of charge that goes on where it started again at a step of the charge.

    What it shows at its first sample behind the start is what it gained since the sample before.
    One sample that drops and comes back is no restart.
    """
    before_ah, here_ah = capacity_ah[:-1], capacity_ah[1:]
    next_ah = np.append(capacity_ah[2:], capacity_ah[-1:])
    restarted = (
        (here_ah < RESTARTED_SHARE * before_ah)
        & (next_ah < before_ah)
        & (before_ah > NOISE_SHARE * capacity_ah.max())
    )
    if not restarted.any():
        return capacity_ah
    gains_ah = np.where(restarted, here_ah, here_ah - before_ah)
    return capacity_ah[0] + np.concatenate([[0.0], np.cumsum(gains_ah)])


def counted_capacity(cycle: Cycle, segment: slice) -> tuple[FloatArray | None, bool]:
    """The measured capacity since the start of a segment, and whether it was joined."""
    counter_ah = measured(cycle.charge_capacity_ah)
    if counter_ah is None:
        return None, False
    joined_ah = join_counter(counter_ah[segment])
    joined = not np.array_equal(joined_ah, counter_ah[segment])
    return joined_ah - joined_ah[0], joined


def integral_like(
    counted_ah: FloatArray | None,
    time_s: FloatArray,
    current_c_rate: FloatArray,
    nominal_capacity_ah: float,
) -> FloatArray:
    """The integral of the current, or of the charging current alone, as the counter counts it.

    A counter of charge does not see the pulses that take charge out; one of both directions does.
    """
    net_ah = integrate_capacity(time_s, current_c_rate, nominal_capacity_ah)
    if counted_ah is None or current_c_rate.min() >= 0:
        return net_ah
    gross_ah = integrate_capacity(time_s, np.maximum(current_c_rate, 0.0), nominal_capacity_ah)
    off = [abs(integral_ah[-1] - counted_ah[-1]) for integral_ah in (net_ah, gross_ah)]
    return gross_ah if off[1] < off[0] else net_ah


def measured(values: FloatArray | None) -> FloatArray | None:
    """The values of an optional signal; None where a source writes 0 or NaN for not measured."""
    if values is None or not np.any(np.nan_to_num(values)):
        return None
    return values
