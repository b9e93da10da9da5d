"""All that is done with one cell alone, in whatever process: read, cut, clean, resample."""

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from data_prep.charges.clock import mend_clock
from data_prep.charges.segmentation import charge_segments, cut_charge, moved_share
from data_prep.cleaning.checks import (
    cell_faults,
    charge_fault,
    check_units,
    sample_fault,
    segment_fault,
    stuck_sensor,
)
from data_prep.config import PrepConfig
from data_prep.end_of_life import LAST_CYCLE, find_end_of_life
from data_prep.errors import SourceError, UnitError, UserError
from data_prep.protocol import policy_numbers
from data_prep.records import Cell, Charge, Cycle, DroppedCell, FloatArray, Rejection
from data_prep.resampling import resample
from data_prep.sources import source
from data_prep.sources.base import UNREADABLE, CellPlace
from data_prep.spool import Spool

NO_LIFE_ON_RECORD = "end of life: none on record, the last cycle is taken for it"


@dataclass(frozen=True)
class KeptCell:
    """What came of a cell; its curves lie in the spool, a row for each kept cycle.

    Args:
        cell: Without a way to its cycles, so that it can be sent between processes.
        eol: Its end of life.
        eol_source: Where it is from, as in `data_prep.end_of_life.EndOfLife`.
        cycles: Numbers of the kept cycles, ascending.
        has_temperature: For each kept cycle.
        rejected: Number and reason of the others.
        repairs: By cycle, what was mended in its samples.
        policy_steps: The charge policy as numbers, shape `(MAX_STEPS, 2)`.
        left_out_ah: By kept cycle, what each of its other charges moved.
    """

    cell: Cell
    eol: int
    eol_source: str
    cycles: tuple[int, ...]
    has_temperature: tuple[bool, ...]
    rejected: tuple[tuple[int, Rejection], ...]
    repairs: dict[int, tuple[str, ...]]
    policy_steps: FloatArray
    left_out_ah: dict[int, tuple[float, ...]] = field(default_factory=dict)


class CleanCharges(NamedTuple):
    """The sound charges of a cell, by ascending cycle number."""

    charges: dict[int, Charge]
    rejected: list[tuple[int, Rejection]]
    notes: tuple[str, ...] = ()


def read_and_spool(
    item: tuple[int, CellPlace | DroppedCell], config: PrepConfig, spool: Spool
) -> KeptCell | DroppedCell:
    """Reads the cell at a place and spools its curves under the number of the item.

    Args:
        item: Number and place of the cell.
        config: Its `source` is a reader's name.
        spool: Where the curves go.

    Returns:
        What came of it; a cell that cannot be read, or whose numbers contradict one another
        throughout, comes as dropped, with what is wrong.
    """
    number, place = item
    if isinstance(place, DroppedCell):
        return place
    try:
        cell = source(config.source).read_cell(place, config.source_options)
        if place.cell_id in config.exclude:
            return _excluded(place, _num_cycles(cell, config.cycles))
        outcome, curves = work_on(cell, config)
    except SourceError as error:
        if place.cell_id in config.exclude:
            return _excluded(place, 0)
        return DroppedCell(place.cell_id, place.path.name, UNREADABLE, str(error))
    if isinstance(outcome, KeptCell):
        spool.write(number, curves)
    return outcome


def work_on(
    cell: Cell | DroppedCell, config: PrepConfig
) -> tuple[KeptCell | DroppedCell, FloatArray]:
    """The sound charges of a cell on the common grid.

    Returns:
        What came of the cell, and its curves of shape `(kept cycles, signals, points)`.

    Raises:
        SourceError: A cycle cannot be read.
    """
    nothing = np.zeros((0, 0, 0), np.float32)
    if isinstance(cell, DroppedCell):
        return dataclasses.replace(cell, num_cycles=_num_cycles(cell, config.cycles)), nothing
    end = find_end_of_life(cell, config.eol_threshold, config.eol_fallback)
    if isinstance(end, DroppedCell):
        return _whole(end, cell, config), nothing
    try:
        charges, rejected, found = charges_of_cell(cell, config.cycles, config.without_rules)
    except UnitError as error:
        dropped = DroppedCell(cell.cell_id, cell.source_file, UNREADABLE, str(error))
        return _whole(dropped, cell, config), nothing
    kept = list(charges.values())
    curves = np.array([resample(charge, config.num_points) for charge in kept], np.float32)
    steps, unread = _policy_steps(cell)
    guessed = (NO_LIFE_ON_RECORD,) if end.source == LAST_CYCLE else ()
    notes = cell.notes + found + unread + guessed
    return KeptCell(
        cell=dataclasses.replace(cell, read_cycles=_no_cycles, notes=notes),
        eol=end.cycles,
        eol_source=end.source,
        cycles=tuple(charges),
        has_temperature=tuple(charge.temperature_degc is not None for charge in kept),
        rejected=tuple(rejected),
        repairs={number: charge.repairs for number, charge in charges.items() if charge.repairs},
        policy_steps=steps,
        left_out_ah={n: charge.left_out_ah for n, charge in charges.items() if charge.left_out_ah},
    ), curves


def charges_of_cell(cell: Cell, last: int, without: Collection[str] = ()) -> CleanCharges:
    """The charges of cycles 1 to `last` that are sound, by cycle number, and the other cycles.

    Args:
        cell: Whose cycles are read.
        last: Number of the last cycle.
        without: Names of rules to leave out.

    Raises:
        UnitError: The cell's current, time and capacity contradict one another throughout.
    """
    charges: dict[int, Charge] = {}
    rejected: list[tuple[int, Rejection]] = []
    for cycle in cell.read_cycles(last):
        charge = _charge(cell, cycle)
        if isinstance(charge, Rejection):
            rejected.append((cycle.number, charge))
        else:
            charges[cycle.number] = charge
    check_units(cell, list(charges.values()))
    faults = {
        number: fault
        for number, charge in charges.items()
        if (fault := charge_fault(cell, charge, without))
    }
    sound = {n: charge for n, charge in charges.items() if n not in faults}
    if note := stuck_sensor(cell, sound, without):
        sound = {n: dataclasses.replace(c, temperature_degc=None) for n, c in sound.items()}
    faults |= cell_faults(cell, sound, without)
    sound = {n: charge for n, charge in sound.items() if n not in faults}
    in_order = sorted([*rejected, *faults.items()], key=lambda item: item[0])
    return CleanCharges(sound, in_order, (note,) if note else ())


def _charge(cell: Cell, cycle: Cycle) -> Charge | Rejection:
    """The charge of a cycle, or why there is none."""
    if fault := sample_fault(cycle):
        return fault
    cycle, repairs = mend_clock(cycle)
    # A current that is no number charges nothing; within the charge it is a fault.
    current_c_rate = np.where(np.isfinite(cycle.current_c_rate), cycle.current_c_rate, 0.0)
    finite = dataclasses.replace(cycle, current_c_rate=current_c_rate)
    segment, others = charge_segments(finite)
    if segment is None:
        return segment_fault(cell, cycle, segment)
    if fault := segment_fault(cell, cycle, segment):
        return fault
    charge = cut_charge(cycle, segment, cell.nominal_capacity_ah, repairs)
    left_out_ah = tuple(moved_share(finite, span) * cell.nominal_capacity_ah for span in others)
    return dataclasses.replace(charge, left_out_ah=left_out_ah)


def _excluded(place: CellPlace, num_cycles: int) -> DroppedCell:
    detail = "left out by --exclude"
    return DroppedCell(place.cell_id, place.path.name, "excluded", detail, num_cycles)


def _whole(dropped: DroppedCell, cell: Cell, config: PrepConfig) -> DroppedCell:
    """A dropped cell with all that goes with it."""
    num_cycles = _num_cycles(cell, config.cycles)
    return dataclasses.replace(dropped, num_cycles=num_cycles, notes=cell.notes)


def _num_cycles(cell: Cell | DroppedCell, last: int) -> int:
    if isinstance(cell, DroppedCell):
        return min(cell.num_cycles, last)
    return cell.num_cycles(last)


def _no_cycles(last: int) -> Iterator[Cycle]:
    """Stands in for the way to a file that is closed by now."""
    del last
    yield from ()


def _policy_steps(cell: Cell) -> tuple[FloatArray, tuple[str, ...]]:
    """The policy as numbers, and a note where its text is no policy."""
    try:
        return policy_numbers(cell.charge_policy or ""), ()
    except UserError:
        note = f"charge policy {cell.charge_policy!r} kept as text: not read as rates"
        return policy_numbers(""), (note,)
