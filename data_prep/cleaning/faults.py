"""What can be wrong with a cycle, or with the charge in it, looked at alone.

One function for each rule of `data_prep.cleaning.rules`: the last argument is the rule's
threshold, the result what was found, in words, or None where there is no fault. Those that look
at the course of a signal are in `data_prep.cleaning.odd_signals`.
"""

from collections.abc import Iterator

import numpy as np

from data_prep.records import Cell, Charge, Cycle, FloatArray

Range = tuple[float, float]

# What a source may leave out; a column of NaN alone is left out too.
OPTIONAL_SIGNALS = ("temperature_degc", "charge_capacity_ah")
# No cell has more than this in Ah that was not meant to be in mAh.
LARGEST_CELL_AH = 500.0


def unequal_lengths(cycle: Cycle, threshold: None) -> str | None:
    """Signals that do not belong together sample by sample."""
    lengths = {name: values.size for name, values in _signals(cycle)}
    if len(set(lengths.values())) == 1:
        return None
    listed = ", ".join(f"{name} {size}" for name, size in lengths.items())
    return f"signals of unequal length: {listed}"


def time_not_finite(cycle: Cycle, most: float) -> str | None:
    """Times that are no numbers, wherever in a cycle: where its charge lies cannot be told."""
    return _not_finite("time_s", cycle.time_s, most)


def not_finite(cycle: Cycle, segment: slice, most: float) -> str | None:
    """Values in the charge that are no numbers, or beside it, where they may hide some of it.

    A column without any number is absent, which is no fault; the temperature is read by
    `data_prep.charges.temperature`.
    """
    here = slice(max(segment.start - 1, 0), segment.stop + 1)
    for name, values in _signals(cycle):
        absent = name in OPTIONAL_SIGNALS and bool(np.isnan(values).all())
        if name == "temperature_degc" or absent:
            continue
        # At rest the counter may have nothing to show.
        within = segment if name in OPTIONAL_SIGNALS else here
        if detail := _not_finite(name, values[within], most):
            return detail
    return None


def no_charge(cell: Cell, cycle: Cycle, segment: slice | None, least_c_rate: float) -> str | None:
    """A cycle without a charging current."""
    if segment is not None:
        return None
    highest_c_rate = np.max(cycle.current_c_rate, initial=0.0, where=cycle.current_c_rate > 0)
    detail = f"the current never charges: {highest_c_rate:.2g} C at most"
    if cell.nominal_capacity_ah > LARGEST_CELL_AH and highest_c_rate > 0:
        detail += f", where 1 C is {cell.nominal_capacity_ah:g} A; is the nominal capacity in mAh?"
    return detail


def too_few_points(cell: Cell, charge: Charge, least: float) -> str | None:
    """Fewer samples than can show the shape of a charge."""
    size = charge.time_s.size
    return f"charge has {size} points, need {least:g}" if size < least else None


def time_backwards(cell: Cell, charge: Charge, most_s: float) -> str | None:
    """A clock that steps back and stays back, or stands throughout."""
    worst_s = float(-np.diff(charge.time_s).min())
    if worst_s > most_s:
        return f"time steps back by {worst_s:.3g} s"
    return "charge lasts 0 s" if charge.time_s[-1] == 0 else None


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
    """A counter of charge that counts back by more than a pulse takes out."""
    discharged_c_rate = np.maximum(-charge.current_c_rate, 0.0)
    most_c_rate = np.maximum(discharged_c_rate[1:], discharged_c_rate[:-1])
    pulses_ah = most_c_rate * cell.nominal_capacity_ah * np.diff(charge.time_s) / 3600.0
    worst_ah = float((-np.diff(charge.charge_capacity_ah) - pulses_ah).max())
    if worst_ah > most_share * cell.nominal_capacity_ah:
        return f"charge capacity falls by {worst_ah:.3g} Ah within the charge"
    return None


def capacity_mismatch(cell: Cell, charge: Charge, most: float) -> str | None:
    """Current, time and measured capacity that contradict one another."""
    counted_ah, integrated_ah = charge.charge_capacity_ah[-1], charge.integrated_capacity_ah[-1]
    if abs(integrated_ah - counted_ah) <= most * counted_ah:
        return None
    return f"the current adds up to {integrated_ah:.4g} Ah, the counter shows {counted_ah:.4g} Ah"


def gap(cell: Cell, charge: Charge, most_share: float) -> str | None:
    """A hole between two samples in which much of the charge happens."""
    measured_ah = np.diff(charge.charge_capacity_ah)
    moved_ah = np.maximum(np.abs(measured_ah), np.abs(np.diff(charge.integrated_capacity_ah)))
    worst = int(np.argmax(moved_ah))
    if moved_ah[worst] <= most_share * cell.nominal_capacity_ah:
        return None
    length_s = charge.time_s[worst + 1] - charge.time_s[worst]
    return f"{moved_ah[worst]:.3g} Ah in a gap of {length_s:.4g} s between two samples"


def _not_finite(name: str, values: FloatArray, most: float) -> str | None:
    bad = int(np.count_nonzero(~np.isfinite(values)))
    return f"{bad} values of {name} are not finite" if bad > most else None


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
