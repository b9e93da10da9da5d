"""What is odd in the course of a voltage or temperature over a charge: leaps, and standing still.

Functions of rules as those of `data_prep.cleaning.faults`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from data_prep.records import Cell, Charge, FloatArray

# A voltage follows a current that leaps by more than this; a spike is one that does not.
QUIET_C_RATE = 0.1
# Of the current at the start; below it the charger tapers, and a constant voltage is held.
STEADY_SHARE = 0.9
# A charger that holds its highest voltage for long takes this share of its current, or less; the
# last digits of a held voltage move by less than this.
HELD_SHARE = 0.5
HELD_V = 0.005
# A plateau stays at one digit for longer, the coarser the digit; never for longer than this.
MOST_STUCK_SHARE = 0.6
# Samples whose median a voltage is compared with: up to three in a row stick out.
WINDOW = 7
# No temperature of a cell leaps within this time.
CLOSE_S = 60.0


def voltage_spike(cell: Cell, charge: Charge, most_v: float) -> str | None:
    """Samples of voltage off their neighbours, without a pulse of current that explains it.

    One that leaves both its neighbours, or up to three that leave the median around them; a
    voltage that steps where the current steps does neither.
    """
    leaps_v = _leaps(charge.voltage_v)
    lone = _spike(leaps_v * (_leaps(charge.current_c_rate) <= QUIET_C_RATE), most_v, "V")
    return lone or _off_the_median(charge, most_v)


def temperature_spike(cell: Cell, charge: Charge, most_k: float) -> str | None:
    """One sample of temperature off both its neighbours, or a step from one to the next."""
    if charge.temperature_degc is None:
        return None
    if lone := _spike(_leaps(charge.temperature_degc), most_k, "K"):
        return lone
    steps_k = np.diff(charge.temperature_degc) * (np.diff(charge.time_s) <= CLOSE_S)
    worst = int(np.argmax(np.abs(steps_k)))
    if abs(steps_k[worst]) > most_k:
        return f"steps by {steps_k[worst]:.3g} K from sample {worst + 1} to the next"
    return None


def voltage_stuck(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A voltage that stays the same to the last digit, though the charger does not hold it.

    A charger that holds the voltage lets the current fall, until it is a small one. On a plateau
    a coarse voltmeter shows one value for long.
    """
    most_share = min(most_share + _digit_over_plateau(charge.voltage_v), MOST_STUCK_SHARE)
    for run in constant_runs(charge.voltage_v, charge.current_c_rate > 0):
        for start, stop in _steady_parts(charge.current_c_rate, *run):
            share = share_of_time(charge, start, stop)
            if share > most_share and not _is_held(cell, charge, start):
                return stuck(f"{charge.voltage_v[start]:.4g} V", share)
    return None


def constant_runs(values: FloatArray, among: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Starts and stops of the runs of samples that do not change, all of them among the given."""
    same = (np.diff(values) == 0) & among[1:] & among[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same, [0]]).astype(int)))
    return [(int(a), int(b) + 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def share_of_time(charge: Charge, start: int, stop: int) -> float:
    """The time from one sample up to another as a share of the charge."""
    return float((charge.time_s[stop - 1] - charge.time_s[start]) / charge.time_s[-1])


def stuck(value: str, share: float) -> str:
    """What is said of a signal that stays at a value."""
    return f"stays at {value} over {100 * share:.0f} % of the charge"


def _leaps(values: FloatArray) -> FloatArray:
    """By how much each inner sample sticks out from both its neighbours; `(points - 2,)`."""
    from_before, from_behind = values[1:-1] - values[:-2], values[1:-1] - values[2:]
    sticks_out = np.sign(from_before) == np.sign(from_behind)
    return np.minimum(np.abs(from_before), np.abs(from_behind)) * sticks_out


def _spike(leaps: FloatArray, most: float, unit: str) -> str | None:
    worst = int(np.argmax(leaps))
    if leaps[worst] > most:
        return f"sample {worst + 2} leaps {leaps[worst]:.3g} {unit} off both its neighbours"
    return None


def _off_the_median(charge: Charge, most_v: float) -> str | None:
    """A sample off the median of those around it, through which the current stays as it is."""
    if charge.time_s.size < WINDOW:
        return None
    around_v = sliding_window_view(charge.voltage_v, WINDOW)
    off_v = np.abs(around_v[:, WINDOW // 2] - np.median(around_v, axis=1))
    off_v *= np.ptp(sliding_window_view(charge.current_c_rate, WINDOW), axis=1) <= QUIET_C_RATE
    worst = int(np.argmax(off_v))
    if off_v[worst] > most_v:
        sample = worst + WINDOW // 2 + 1
        return f"sample {sample} lies {off_v[worst]:.3g} V off the median of {WINDOW} around it"
    return None


def _steady_parts(current_c_rate: FloatArray, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The parts of a run in which the current does not fall below `STEADY_SHARE` of its start."""
    while start < stop:
        fallen = current_c_rate[start:stop] < STEADY_SHARE * current_c_rate[start]
        part_stop = start + int(np.argmax(fallen)) if fallen.any() else stop
        yield start, part_stop
        start = part_stop


def _digit_over_plateau(voltage_v: FloatArray) -> float:
    """The smallest step of a voltage as a share of what it sweeps but for its steep ends."""
    steps_v = np.diff(np.unique(voltage_v.round(6)))
    low_v, high_v = np.percentile(voltage_v, [10, 90])
    if not steps_v.size:
        return 0.0
    return float(steps_v.min() / max(high_v - low_v, steps_v.min()))


def _is_held(cell: Cell, charge: Charge, start: int) -> bool:
    """Whether the charger holds the voltage of a sample: its limit, or the highest by and by."""
    here_v, before_c_rate = charge.voltage_v[start], charge.current_c_rate[: start + 1].max()
    if cell.max_voltage_v is not None:
        return bool(abs(here_v - cell.max_voltage_v) <= HELD_V)
    highest = here_v >= charge.voltage_v.max() - HELD_V
    return bool(highest and charge.current_c_rate[start] <= HELD_SHARE * before_c_rate)
