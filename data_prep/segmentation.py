"""The charge in a cycle: from its first charging sample to its last, rests inside it included."""

import numpy as np

from data_prep.records import Charge, Cycle, FloatArray

# Above the offset of a resting channel (NASA: up to 5 mA of 2 Ah), below every cut-off current
# of a constant-voltage stage (MATR: 0.02 C).
CHARGING_C_RATE = 0.005
# A discharge that moves less than this share of the nominal capacity is a pulse or the leftover
# sample of an earlier discharge, and does not end a charge.
PULSE_SHARE = 0.02


def charge_segment(cycle: Cycle) -> slice | None:
    """Where the charge of a cycle lies in its samples.

    A discharge that moves at least `PULSE_SHARE` of the nominal capacity separates two charges;
    the one that moves more counts. Samples before the first two charging ones in a row, and
    after the last two, are rest or the leftover of a discharge.

    Returns:
        The samples of the charge, or None where there is none.
    """
    block = max(
        _blocks_between_discharges(cycle),
        key=lambda span: _moved_share(cycle, span),
        default=slice(0, 0),
    )
    current_c_rate = cycle.current_c_rate[block]
    charging = current_c_rate > CHARGING_C_RATE
    in_a_row = np.flatnonzero(charging[1:] & charging[:-1])
    if in_a_row.size:
        in_a_row = in_a_row[in_a_row >= _after_leftover_discharge(current_c_rate, in_a_row[0])]
    if not in_a_row.size:
        return None
    start, stop = int(in_a_row[0]), int(in_a_row[-1]) + 2
    return slice(block.start + start, block.start + stop)


def cut_charge(cycle: Cycle, segment: slice, nominal_capacity_ah: float) -> Charge:
    """The samples of a segment as a charge that starts at time 0 and capacity 0.

    Args:
        cycle: Where the segment lies.
        segment: From `charge_segment`.
        nominal_capacity_ah: 1 C in A.
    """
    time_s = cycle.time_s[segment] - cycle.time_s[segment.start]
    current_c_rate = cycle.current_c_rate[segment]
    integrated_ah = integrate_capacity(time_s, current_c_rate, nominal_capacity_ah)
    measured_ah = cycle.charge_capacity_ah
    temperature_degc = cycle.temperature_degc
    return Charge(
        time_s=time_s,
        voltage_v=cycle.voltage_v[segment],
        current_c_rate=current_c_rate,
        temperature_degc=None if temperature_degc is None else temperature_degc[segment],
        charge_capacity_ah=(
            integrated_ah
            if measured_ah is None
            else measured_ah[segment] - measured_ah[segment.start]
        ),
        integrated_capacity_ah=integrated_ah,
    )


def integrate_capacity(
    time_s: FloatArray, current_c_rate: FloatArray, nominal_capacity_ah: float
) -> FloatArray:
    """Charge in Ah since the first sample, by the trapezoid rule; shape `(points,)`."""
    mean_c_rate = (current_c_rate[1:] + current_c_rate[:-1]) / 2
    steps_ah = mean_c_rate * nominal_capacity_ah * np.diff(time_s) / 3600.0
    return np.concatenate([[0.0], np.cumsum(steps_ah)])


def _blocks_between_discharges(cycle: Cycle) -> list[slice]:
    """The spans of samples that no real discharge interrupts."""
    discharging = np.concatenate([[0], cycle.current_c_rate < -CHARGING_C_RATE, [0]]).astype(int)
    edges = np.flatnonzero(np.diff(discharging))
    blocks, start = [], 0
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        if -_moved_share(cycle, slice(first, after)) >= PULSE_SHARE:
            blocks.append(slice(start, int(first)))
            start = int(after)
    blocks.append(slice(start, cycle.current_c_rate.size))
    return blocks


def _moved_share(cycle: Cycle, span: slice) -> float:
    """Charge moved within a span as a share of the nominal capacity."""
    hours = np.diff(cycle.time_s[span], append=cycle.time_s[span][-1:]) / 3600.0
    return float(np.sum(cycle.current_c_rate[span] * hours))


def _after_leftover_discharge(current_c_rate: FloatArray, start: int) -> int:
    """Moves a start behind a discharge sample that follows it within the first few samples.

    NASA records begin with rest, one sample of the discharge before (to -4.5 A), then the charge.
    """
    leftover = np.flatnonzero(current_c_rate[start : start + 4] < -CHARGING_C_RATE)
    return start + int(leftover[-1]) + 1 if leftover.size else start
