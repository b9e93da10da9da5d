"""The charge in a cycle: from its first charging sample to its last, rests inside it included."""

import numpy as np

from data_prep.charges.swings import CHARGING_C_RATE, find_swings
from data_prep.records import Charge, Cycle, FloatArray

COUNTER_JOINED = "counter_joined"

# A counter of charge that starts again shows less than this share of what it showed before; next
# to nothing, to begin with, is the noise of a counter at rest.
RESTARTED_SHARE = 0.5
NOISE_SHARE = 1e-3


def charge_segment(cycle: Cycle) -> slice | None:
    """Where the charge of a cycle lies in its samples.

    A real discharge (`data_prep.charges.swings`) separates two charges; the one that moves more
    counts. Samples before the first two charging ones in a row, and after the last two, are rest
    or the leftover of a discharge.

    Args:
        cycle: Its clock mended (`data_prep.charges.clock`).

    Returns:
        The samples of the charge, or None where there is none.
    """
    block = max(_blocks_between_discharges(cycle), key=lambda span: _moved_share(cycle, span))
    current_c_rate = cycle.current_c_rate[block]
    charging = current_c_rate > CHARGING_C_RATE
    in_a_row = np.flatnonzero(charging[1:] & charging[:-1])
    if in_a_row.size:
        in_a_row = in_a_row[in_a_row >= _after_leftover_discharge(current_c_rate, in_a_row[0])]
    if not in_a_row.size:
        return None
    start, stop = int(in_a_row[0]), int(in_a_row[-1]) + 2
    return slice(block.start + start, block.start + stop)


def cut_charge(
    cycle: Cycle, segment: slice, nominal_capacity_ah: float, repairs: tuple[str, ...] = ()
) -> Charge:
    """The samples of a segment as a charge that starts at time 0 and capacity 0.

    Args:
        cycle: Where the segment lies.
        segment: From `charge_segment`.
        nominal_capacity_ah: 1 C in A.
        repairs: What was mended in the cycle before.
    """
    time_s = cycle.time_s[segment] - cycle.time_s[segment.start]
    current_c_rate = cycle.current_c_rate[segment]
    integrated_ah = integrate_capacity(time_s, current_c_rate, nominal_capacity_ah)
    counted_ah, joined = _counted_capacity(cycle, segment)
    temperature_degc = measured(cycle.temperature_degc)
    return Charge(
        time_s=time_s,
        voltage_v=cycle.voltage_v[segment],
        current_c_rate=current_c_rate,
        temperature_degc=None if temperature_degc is None else temperature_degc[segment],
        charge_capacity_ah=integrated_ah if counted_ah is None else counted_ah,
        integrated_capacity_ah=integrated_ah,
        repairs=repairs + joined,
    )


def integrate_capacity(
    time_s: FloatArray, current_c_rate: FloatArray, nominal_capacity_ah: float
) -> FloatArray:
    """Charge in Ah since the first sample, by the trapezoid rule; shape `(points,)`."""
    mean_c_rate = (current_c_rate[1:] + current_c_rate[:-1]) / 2
    steps_ah = mean_c_rate * nominal_capacity_ah * np.diff(time_s) / 3600.0
    return np.concatenate([[0.0], np.cumsum(steps_ah)])


def measured(values: FloatArray | None) -> FloatArray | None:
    """The values of an optional signal; None where a source writes 0 or NaN for not measured."""
    if values is None or not np.any(np.nan_to_num(values)):
        return None
    return values


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


def _counted_capacity(cycle: Cycle, segment: slice) -> tuple[FloatArray | None, tuple[str, ...]]:
    """The measured capacity since the start of a segment, and the repair that it needed."""
    counter_ah = measured(cycle.charge_capacity_ah)
    if counter_ah is None:
        return None, ()
    joined_ah = join_counter(counter_ah[segment])
    untouched = np.array_equal(joined_ah, counter_ah[segment])
    return joined_ah - joined_ah[0], () if untouched else (COUNTER_JOINED,)


def _blocks_between_discharges(cycle: Cycle) -> list[slice]:
    """The spans of samples that no real discharge interrupts."""
    swings = find_swings(cycle.time_s, cycle.current_c_rate)
    discharges = [swing for swing in swings if not swing.charging]
    starts = [0, *(discharge.stop for discharge in discharges)]
    stops = [*(discharge.start for discharge in discharges), cycle.current_c_rate.size]
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]


def _moved_share(cycle: Cycle, span: slice) -> float:
    """Charge moved within a span as a share of the nominal capacity."""
    return float(integrate_capacity(cycle.time_s[span], cycle.current_c_rate[span], 1.0)[-1])


def _after_leftover_discharge(current_c_rate: FloatArray, start: int) -> int:
    """Moves a start behind a discharge sample that follows it within the first few samples.

    NASA records begin with rest, one sample of the discharge before (to -4.5 A), then the charge.
    """
    leftover = np.flatnonzero(current_c_rate[start : start + 4] < -CHARGING_C_RATE)
    return start + int(leftover[-1]) + 1 if leftover.size else start
