"""Which cycles are unusable, by the rules of `data_prep.cleaning.rules`.

The rules look at one cycle at a time, so that cleaning before the split carries nothing from test
to training; those at the end of the table look at the other cycles of the same cell.
"""

from collections.abc import Collection, Mapping
from typing import overload

import numpy as np

from data_prep.cleaning.faults_in_cell import sensor_is_stuck
from data_prep.cleaning.rules import (
    CAPACITY_MISMATCH,
    CELL_RULES,
    CHARGE_RULES,
    MIN_POINTS,
    NO_CHARGE,
    NOT_FINITE,
    SAMPLE_RULES,
    TEMPERATURE_STUCK,
)
from data_prep.errors import UnitError
from data_prep.records import PREPARED, Cell, Charge, Cycle, Rejection


def sample_fault(cycle: Cycle) -> Rejection | None:
    """A fault of the raw samples that forbids looking for a charge at all."""
    for rule in SAMPLE_RULES:
        if detail := rule.find(cycle, rule.threshold):
            return Rejection(rule.name, detail)
    return None


@overload
def segment_fault(cell: Cell, cycle: Cycle, segment: None) -> Rejection: ...
@overload
def segment_fault(cell: Cell, cycle: Cycle, segment: slice) -> Rejection | None: ...
def segment_fault(cell: Cell, cycle: Cycle, segment: slice | None) -> Rejection | None:
    """The fault of a cycle in which no charge was found, or one with values that are none."""
    if detail := NO_CHARGE.find(cell, cycle, segment, NO_CHARGE.threshold):
        return Rejection(NO_CHARGE.name, detail)
    if detail := NOT_FINITE.find(cycle, segment, NOT_FINITE.threshold):
        return Rejection(NOT_FINITE.name, detail)
    return None


def charge_fault(cell: Cell, charge: Charge, without: Collection[str] = ()) -> Rejection | None:
    """The first rule that a charge breaks, with the numbers behind it; None where it is sound.

    Args:
        cell: Whose charge it is.
        charge: Cut from its cycle.
        without: Names of rules to leave out.
    """
    for rule in CHARGE_RULES:
        if rule.name in without:
            continue
        if detail := rule.find(cell, charge, rule.threshold):
            return Rejection(rule.name, detail)
    return None


def stuck_sensor(
    cell: Cell, charges: Mapping[int, Charge], without: Collection[str] = ()
) -> str | None:
    """Why the temperature of a cell is no measurement, or None where it is one."""
    if TEMPERATURE_STUCK.name in without:
        return None
    found = TEMPERATURE_STUCK.find(cell, charges, TEMPERATURE_STUCK.threshold)
    if not found or not sensor_is_stuck(found, charges):
        return None
    number, detail = next(iter(found.items()))
    return (
        f"temperature left out, {detail.split(' over ')[0]} in {len(found)} of {len(charges)} "
        f"charges, such as that of cycle {number}"
    )


def cell_faults(
    cell: Cell, charges: Mapping[int, Charge], without: Collection[str] = ()
) -> dict[int, Rejection]:
    """By cycle number, the first rule that a charge breaks beside the others of its cell.

    Args:
        cell: Whose charges they are.
        charges: Those without a fault of their own, by ascending cycle number.
        without: Names of rules to leave out.
    """
    found: dict[int, Rejection] = {}
    for rule in CELL_RULES:
        if rule.name in without:
            continue
        left = {number: charge for number, charge in charges.items() if number not in found}
        details = rule.find(cell, left, rule.threshold)
        found |= {number: Rejection(rule.name, detail) for number, detail in details.items()}
    return found


def check_units(cell: Cell, charges: list[Charge]) -> None:
    """Compares the integral of the current with the measured capacity, over all of a cell.

    Args:
        cell: Names the file in the error.
        charges: All charges of the cell that were cut.

    Raises:
        UnitError: Their median ratio is off by more than `CAPACITY_MISMATCH`: the current is not
            a C-rate, the time not in the promised unit, or the nominal capacity wrong.
    """
    if cell.origin == PREPARED:
        return  # Between the points of a coarse grid the integral of a stepped current is off.
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
