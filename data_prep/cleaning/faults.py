"""What can be wrong with a cycle, or with the charge in it, looked at alone.

One function for each rule of `data_prep.cleaning.rules`: the last argument is the rule's
threshold, the result what was found, in words, or None where there is no fault.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from data_prep.records import Cell, Charge, Cycle, FloatArray

Range = tuple[float, float]

# A voltage follows a current that leaps by more than this; a spike is one that does not.
QUIET_C_RATE = 0.1
# A cell that takes this current warms by more than a sensor of 0.1 K can miss.
WARMING_C_RATE = 0.5
# Of the current at the start; below it the charger tapers, and a constant voltage is held.
STEADY_SHARE = 0.9
# What a source may leave out; a column of NaN alone is left out too.
OPTIONAL_SIGNALS = ("temperature_degc", "charge_capacity_ah")


def unequal_lengths(cycle: Cycle, threshold: None) -> str | None:
    """Signals that do not belong together sample by sample."""
    lengths = {name: values.size for name, values in _signals(cycle)}
    if len(set(lengths.values())) == 1:
        return None
    listed = ", ".join(f"{name} {size}" for name, size in lengths.items())
    return f"signals of unequal length: {listed}"


def not_finite(cycle: Cycle, most: float) -> str | None:
    """Values that are no numbers; a column without any is absent, which is no fault."""
    for name, values in _signals(cycle):
        bad = int(np.count_nonzero(~np.isfinite(values)))
        absent = name in OPTIONAL_SIGNALS and bool(np.isnan(values).all())
        if bad > most and not absent:
            return f"{bad} values of {name} are not finite"
    return None


def no_charge(segment: slice | None, least_c_rate: float) -> str | None:
    """A cycle without a charging current."""
    return "the current never charges" if segment is None else None


def too_few_points(cell: Cell, charge: Charge, least: float) -> str | None:
    """Fewer samples than can show the shape of a charge."""
    size = charge.time_s.size
    return f"charge has {size} points, need {least:g}" if size < least else None


def time_backwards(cell: Cell, charge: Charge, most_s: float) -> str | None:
    """A clock that steps back and stays back, or stands throughout."""
    if charge.time_s[-1] <= 0:
        return f"charge lasts {charge.time_s[-1]:.3g} s"
    worst_s = float(-np.diff(charge.time_s).min())
    return f"time steps back by {worst_s:.3g} s" if worst_s > most_s else None


def voltage_out_of_range(cell: Cell, charge: Charge, limits: Range) -> str | None:
    """A voltage that no lithium-ion cell in use has."""
    return _outside(charge.voltage_v, limits, "V")


def voltage_above_limit(cell: Cell, charge: Charge, most_v: float) -> str | None:
    """A voltage above the limit of the charge, where the source gives one."""
    if cell.max_voltage_v is None:
        return None
    highest_v = float(charge.voltage_v.max())
    above = highest_v - cell.max_voltage_v > most_v
    return f"{highest_v:.4g} V, the limit is {cell.max_voltage_v:.4g} V" if above else None


def current_out_of_range(cell: Cell, charge: Charge, limits: Range) -> str | None:
    """A current that no charger of such cells gives."""
    return _outside(charge.current_c_rate, limits, "C")


def temperature_out_of_range(cell: Cell, charge: Charge, limits: Range) -> str | None:
    """A temperature at which no cell is charged."""
    if charge.temperature_degc is None:
        return None
    return _outside(charge.temperature_degc, limits, "degC")


def capacity_out_of_range(cell: Cell, charge: Charge, shares: Range) -> str | None:
    """A charge that is next to nothing, or more than the cell can hold."""
    low_ah, high_ah = (share * cell.nominal_capacity_ah for share in shares)
    return _outside(charge.charge_capacity_ah[-1:], (low_ah, high_ah), "Ah charged")


def capacity_falls(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A counter of charge that counts back."""
    worst_ah = float(-np.diff(charge.charge_capacity_ah).min())
    if worst_ah > most_share * cell.nominal_capacity_ah:
        return f"charge capacity falls by {worst_ah:.3g} Ah within the charge"
    return None


def capacity_mismatch(cell: Cell, charge: Charge, most: float) -> str | None:
    """Current, time and measured capacity that contradict one another."""
    ratio = charge.integrated_capacity_ah[-1] / charge.charge_capacity_ah[-1]
    if abs(ratio - 1) > most:
        return f"the integral of the current is {ratio:.3g} times the measured capacity"
    return None


def gap(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A hole between two samples in which much of the charge happens."""
    measured_ah = np.diff(charge.charge_capacity_ah)
    moved_ah = np.maximum(np.abs(measured_ah), np.abs(np.diff(charge.integrated_capacity_ah)))
    worst = int(np.argmax(moved_ah))
    if moved_ah[worst] <= most_share * cell.nominal_capacity_ah:
        return None
    length_s = charge.time_s[worst + 1] - charge.time_s[worst]
    return f"{moved_ah[worst]:.3g} Ah in a gap of {length_s:.4g} s between two samples"


def voltage_spike(cell: Cell, charge: Charge, most_v: float) -> str | None:
    """One sample of voltage off both its neighbours, without a pulse of current that explains it.

    A voltage that steps where the current steps leaves only one of its neighbours.
    """
    leaps_v = _leaps(charge.voltage_v)
    return _spike(leaps_v * (_leaps(charge.current_c_rate) <= QUIET_C_RATE), most_v, "V")


def temperature_spike(cell: Cell, charge: Charge, most_k: float) -> str | None:
    """One sample of temperature off both its neighbours."""
    if charge.temperature_degc is None:
        return None
    return _spike(_leaps(charge.temperature_degc), most_k, "K")


def voltage_stuck(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A voltage that stays the same to the last digit, though the charger does not hold it.

    A charger that holds the voltage lets the current fall all the time.
    """
    for run in _constant_runs(charge.voltage_v, charge.current_c_rate > 0):
        for start, stop in _steady_parts(charge.current_c_rate, *run):
            share = _share_of_time(charge, start, stop)
            if share > most_share:
                return _stuck(f"{charge.voltage_v[start]:.4g} V", share)
    return None


def temperature_stuck(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A temperature that stays the same to the last digit while the cell must warm."""
    if charge.temperature_degc is None:
        return None
    warming = charge.current_c_rate > WARMING_C_RATE
    for start, stop in _constant_runs(charge.temperature_degc, warming):
        share = _share_of_time(charge, start, stop)
        if share > most_share:
            return _stuck(f"{charge.temperature_degc[start]:.4g} degC", share)
    return None


def _signals(cycle: Cycle) -> Iterator[tuple[str, FloatArray]]:
    for name in ("time_s", "voltage_v", "current_c_rate", *OPTIONAL_SIGNALS):
        if (values := getattr(cycle, name)) is not None:
            yield name, values


def _outside(values: FloatArray, limits: Range, unit: str) -> str | None:
    low, high = limits
    worst = float(values[np.argmax(np.abs(values - (low + high) / 2))])
    if worst < low or worst > high:
        return f"{worst:.4g} {unit}, outside {low:.4g} to {high:.4g}"
    return None


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


def _constant_runs(values: FloatArray, among: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Starts and stops of the runs of samples that do not change, all of them among the given."""
    same = (np.diff(values) == 0) & among[1:] & among[:-1]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same, [0]]).astype(int)))
    return [(int(a), int(b) + 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _steady_parts(current_c_rate: FloatArray, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The parts of a run in which the current does not fall below `STEADY_SHARE` of its start."""
    while start < stop:
        fallen = current_c_rate[start:stop] < STEADY_SHARE * current_c_rate[start]
        part_stop = start + int(np.argmax(fallen)) if fallen.any() else stop
        yield start, part_stop
        start = part_stop


def _share_of_time(charge: Charge, start: int, stop: int) -> float:
    return float((charge.time_s[stop - 1] - charge.time_s[start]) / charge.time_s[-1])


def _stuck(value: str, share: float) -> str:
    return f"stays at {value} over {100 * share:.0f} % of the charge"
