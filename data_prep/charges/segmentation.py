"""The charge in a cycle: from its first charging sample to its last, rests inside it included."""

import numpy as np

from data_prep.charges.capacity import (
    counted_capacity,
    integral_like,
    integrate_capacity,
    measured,
)
from data_prep.charges.swings import CHARGING_C_RATE, find_swings
from data_prep.charges.temperature import read_temperature
from data_prep.records import Charge, Cycle, FloatArray

COUNTER_JOINED = "counter_joined"

# A charge that is not used counts as one from this share of the nominal capacity on; two samples
# of noise move a tenth of it.
LEAST_OTHER_SHARE = 1e-3
# A rest ends a charge where it is longer than this and than the charge, and what lies beyond it
# moves less than this share of it: a cell that is kept full is topped up now and then.
LONG_REST_S = 3600.0
TOP_UP_SHARE = 0.05


def charge_segments(cycle: Cycle) -> tuple[slice | None, list[slice]]:
    """Where the charge of a cycle lies in its samples, and where its other charges lie.

    A real discharge (`data_prep.charges.swings`) separates two charges, and so does a long rest
    before or behind a top-up; the one that moves more counts. Samples before the first two
    charging ones in a row, and after the last two, are rest or the leftover of a discharge.

    Args:
        cycle: Its clock mended (`data_prep.charges.clock`).

    Returns:
        The samples of the charge, or None where there is none; and those of the other charges, in
        order, that move `LEAST_OTHER_SHARE` or more.
    """
    blocks = _blocks_between_discharges(cycle)
    found = [part for block in blocks for part in _charges_in_block(cycle, block)]
    if not found:
        return None, []
    largest = max(found, key=lambda span: moved_share(cycle, span))
    others = [span for span in found if span != largest]
    return largest, [span for span in others if moved_share(cycle, span) >= LEAST_OTHER_SHARE]


def cut_charge(
    cycle: Cycle, segment: slice, nominal_capacity_ah: float, repairs: tuple[str, ...] = ()
) -> Charge:
    """The samples of a segment as a charge that starts at time 0 and capacity 0.

    Args:
        cycle: Where the segment lies.
        segment: From `charge_segments`.
        nominal_capacity_ah: 1 C in A.
        repairs: What was mended in the cycle before.
    """
    time_s = cycle.time_s[segment] - cycle.time_s[segment.start]
    current_c_rate = cycle.current_c_rate[segment]
    counted_ah, joined = counted_capacity(cycle, segment)
    integrated_ah = integral_like(counted_ah, time_s, current_c_rate, nominal_capacity_ah)
    temperature_degc, filled = read_temperature(cycle, segment)
    return Charge(
        time_s=time_s,
        voltage_v=cycle.voltage_v[segment],
        current_c_rate=current_c_rate,
        temperature_degc=temperature_degc,
        charge_capacity_ah=integrated_ah if counted_ah is None else counted_ah,
        integrated_capacity_ah=integrated_ah,
        repairs=(*repairs, *((COUNTER_JOINED,) if joined else ()), *filled),
    )


def whole_charge(cycle: Cycle, nominal_capacity_ah: float) -> Charge:
    """A cycle that is one charge and nothing else, its values as they are but for the time's start.

    Args:
        cycle: Of a cell that is not `RECORDED`; at least one sample.
        nominal_capacity_ah: 1 C in A.
    """
    time_s = cycle.time_s - cycle.time_s[0]
    counted_ah = measured(cycle.charge_capacity_ah)
    integrated_ah = integral_like(counted_ah, time_s, cycle.current_c_rate, nominal_capacity_ah)
    temperature_degc, filled = read_temperature(cycle, slice(0, time_s.size))
    return Charge(
        time_s=time_s,
        voltage_v=cycle.voltage_v,
        current_c_rate=cycle.current_c_rate,
        temperature_degc=temperature_degc,
        charge_capacity_ah=integrated_ah if counted_ah is None else counted_ah,
        integrated_capacity_ah=integrated_ah,
        repairs=filled,
    )


def moved_share(cycle: Cycle, span: slice) -> float:
    """Charge moved within a span as a share of the nominal capacity."""
    return float(integrate_capacity(cycle.time_s[span], cycle.current_c_rate[span], 1.0)[-1])


def _blocks_between_discharges(cycle: Cycle) -> list[slice]:
    """The spans of samples that no real discharge interrupts."""
    swings = find_swings(cycle.time_s, cycle.current_c_rate)
    discharges = [swing for swing in swings if not swing.charging]
    starts = [0, *(discharge.stop for discharge in discharges)]
    stops = [*(discharge.start for discharge in discharges), cycle.current_c_rate.size]
    return [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]


def _charges_in_block(cycle: Cycle, block: slice) -> list[slice]:
    """The charge in a span without a discharge, and the top-ups that long rests keep from it."""
    current_c_rate = cycle.current_c_rate[block]
    charging = current_c_rate > CHARGING_C_RATE
    in_a_row = np.flatnonzero(charging[1:] & charging[:-1])
    if in_a_row.size:
        in_a_row = in_a_row[in_a_row >= _after_leftover_discharge(current_c_rate, in_a_row[0])]
    if not in_a_row.size:
        return []
    start, stop = block.start + int(in_a_row[0]), block.start + int(in_a_row[-1]) + 2
    pauses = np.flatnonzero(np.diff(in_a_row) > 1)
    rests = [
        (block.start + int(a) + 1, block.start + int(b))
        for a, b in zip(in_a_row[pauses], in_a_row[pauses + 1], strict=True)
    ]
    return _split_at_rests(cycle, slice(start, stop), rests)


def _split_at_rests(cycle: Cycle, span: slice, rests: list[tuple[int, int]]) -> list[slice]:
    """Splits a charge where a long rest lies between it and a top-up.

    Args:
        cycle: Where the span lies.
        span: From a first charging sample to a last.
        rests: Last sample before and first sample behind each pause of the charging.
    """
    for before, behind in rests:
        parts = slice(span.start, before + 1), slice(behind, span.stop)
        if _keeps_top_up_away(cycle, *parts):
            later = [rest for rest in rests if rest[0] > behind]
            return [parts[0], *_split_at_rests(cycle, parts[1], later)]
    return [span]


def _keeps_top_up_away(cycle: Cycle, before: slice, behind: slice) -> bool:
    """Whether the rest between two parts is longer than the larger, and the smaller a top-up."""
    rest_s = cycle.time_s[behind.start] - cycle.time_s[before.stop - 1]
    if rest_s < LONG_REST_S:
        return False
    smaller, larger = sorted((before, behind), key=lambda span: moved_share(cycle, span))
    larger_s = cycle.time_s[larger.stop - 1] - cycle.time_s[larger.start]
    top_up = moved_share(cycle, smaller) < TOP_UP_SHARE * moved_share(cycle, larger)
    return bool(rest_s > larger_s and top_up)


def _after_leftover_discharge(current_c_rate: FloatArray, start: int) -> int:
    """Moves a start behind a discharge sample that follows it within the first few samples.

    NASA records begin with rest, one sample of the discharge before (to -4.5 A), then the charge.
    """
    leftover = np.flatnonzero(current_c_rate[start : start + 4] < -CHARGING_C_RATE)
    return start + int(leftover[-1]) + 1 if leftover.size else start
