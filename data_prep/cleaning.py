"""What makes a cycle unusable: a table of rules, each looking at one cycle alone.

One cycle at a time: cleaning before the split then cannot carry anything from test to training.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from data_prep.errors import UnitError
from data_prep.records import Cell, Charge, Cycle, Rejection

MIN_POINTS = 16  # fewer samples than one row of the default frame cannot show a charge
VOLTAGE_RANGE_V = (0.5, 5.0)  # beyond any lithium-ion cell in use
OVERVOLTAGE_V = 0.15  # above the limit of the charge; a CV stage overshoots by 5 to 20 mV
MAX_C_RATE = 15.0  # the fastest MATR policy charges at 8 C
TEMPERATURE_RANGE_DEGC = (-40.0, 100.0)
CAPACITY_SHARE_RANGE = (0.05, 1.5)  # of the nominal capacity, charged in one charge
CAPACITY_STEP_BACK_SHARE = 1e-3  # of the nominal capacity; far above sensor resolution
# Amperes for C-rate are 10 % off in a 1.1 Ah cell; seconds for minutes are 60 times off.
CAPACITY_MISMATCH = 0.05


class Rule(NamedTuple):
    """One rule: its name in reports, and what it finds (None where the charge is sound)."""

    reason: str
    find: Callable[[Cell, Charge], str | None]


def sample_fault(cycle: Cycle) -> Rejection | None:
    """A fault of the raw samples that forbids looking for a charge at all."""
    signals = {
        name: values
        for name in ("time_s", "voltage_v", "current_c_rate", "temperature_degc")
        + ("charge_capacity_ah",)
        if (values := getattr(cycle, name)) is not None
    }
    lengths = {name: values.size for name, values in signals.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in lengths.items())
        return Rejection("unequal_lengths", f"signals of unequal length: {listed}")
    for name, values in signals.items():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            return Rejection("not_finite", f"{bad} values of {name} are not finite")
    return None


def charge_fault(cell: Cell, charge: Charge) -> Rejection | None:
    """The first rule that a charge breaks, with the numbers behind it; None where it is sound."""
    for rule in RULES:
        detail = rule.find(cell, charge)
        if detail:
            return Rejection(rule.reason, detail)
    return None


def check_units(cell: Cell, charges: list[Charge]) -> None:
    """Compares the integral of the current with the measured capacity, over all of a cell.

    Args:
        cell: Names the file in the error.
        charges: All charges of the cell that were cut.

    Raises:
        UnitError: Their median ratio is off by more than `CAPACITY_MISMATCH`: the current is not
            a C-rate, the time not in the promised unit, or the nominal capacity wrong.
    """
    ratios = [
        charge.integrated_capacity_ah[-1] / charge.charge_capacity_ah[-1]
        for charge in charges
        if charge.time_s.size >= MIN_POINTS and charge.charge_capacity_ah[-1] > 0
    ]
    if not ratios:
        return
    ratio = float(np.median(ratios))
    if not abs(ratio - 1) <= CAPACITY_MISMATCH:
        raise UnitError(
            f"{cell.source_file}: {cell.cell_id}: over time the current adds up to {ratio:.3g} "
            f"times the measured charge capacity, expected 1 within {CAPACITY_MISMATCH:g}: "
            f"current in A where a C-rate of {cell.nominal_capacity_ah:g} Ah is expected, or time "
            f"in another unit. Convert the file, give --nominal-capacity-ah, or leave the cell "
            f"out with --exclude {cell.cell_id}."
        )


def _too_few_points(cell: Cell, charge: Charge) -> str | None:
    size = charge.time_s.size
    return f"charge has {size} points, need {MIN_POINTS}" if size < MIN_POINTS else None


def _time_backwards(cell: Cell, charge: Charge) -> str | None:
    steps_s = np.diff(charge.time_s)
    if charge.time_s[-1] <= 0:
        return f"charge lasts {charge.time_s[-1]:.3g} s"
    worst_s = float(steps_s.min())
    return f"time steps back by {-worst_s:.3g} s" if worst_s < 0 else None


def _voltage_out_of_range(cell: Cell, charge: Charge) -> str | None:
    low, high = VOLTAGE_RANGE_V
    if cell.max_voltage_v is not None:
        high = cell.max_voltage_v + OVERVOLTAGE_V
    return _outside(charge.voltage_v, low, high, "V")


def _current_out_of_range(cell: Cell, charge: Charge) -> str | None:
    return _outside(charge.current_c_rate, -MAX_C_RATE, MAX_C_RATE, "C")


def _temperature_out_of_range(cell: Cell, charge: Charge) -> str | None:
    if charge.temperature_degc is None:
        return None
    return _outside(charge.temperature_degc, *TEMPERATURE_RANGE_DEGC, "degC")


def _capacity_out_of_range(cell: Cell, charge: Charge) -> str | None:
    low, high = (share * cell.nominal_capacity_ah for share in CAPACITY_SHARE_RANGE)
    return _outside(charge.charge_capacity_ah[-1:], low, high, "Ah charged")


def _capacity_falls(cell: Cell, charge: Charge) -> str | None:
    worst_ah = float(np.diff(charge.charge_capacity_ah).min())
    if worst_ah < -CAPACITY_STEP_BACK_SHARE * cell.nominal_capacity_ah:
        return f"charge capacity falls by {-worst_ah:.3g} Ah within the charge"
    return None


def _capacity_mismatch(cell: Cell, charge: Charge) -> str | None:
    ratio = charge.integrated_capacity_ah[-1] / charge.charge_capacity_ah[-1]
    if abs(ratio - 1) > CAPACITY_MISMATCH:
        return f"the integral of the current is {ratio:.3g} times the measured capacity"
    return None


def _outside(values: np.ndarray, low: float, high: float, unit: str) -> str | None:
    worst = float(values[np.argmax(np.abs(values - (low + high) / 2))])
    if worst < low or worst > high:
        return f"{worst:.4g} {unit}, outside {low:.4g} to {high:.4g}"
    return None


RULES = (
    Rule("too_few_points", _too_few_points),
    Rule("time_backwards", _time_backwards),
    Rule("voltage_out_of_range", _voltage_out_of_range),
    Rule("current_out_of_range", _current_out_of_range),
    Rule("temperature_out_of_range", _temperature_out_of_range),
    Rule("capacity_out_of_range", _capacity_out_of_range),
    Rule("capacity_falls", _capacity_falls),
    Rule("capacity_mismatch", _capacity_mismatch),
)
