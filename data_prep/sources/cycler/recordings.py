"""The record of a cycler, a table with a row for each sample of a whole test, as a cell.

Where the table leaves a choice, the cell's notes say what was taken for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SourceError
from data_prep.records import (
    GENERATED,
    MOST_CYCLES,
    RECORDED,
    Cell,
    Cycle,
    FloatArray,
)
from data_prep.sources.base import numbers_on_record
from data_prep.sources.cycler.cell_facts import CELLS, CellFacts, read_capacities_ah
from data_prep.sources.cycler.current_sign import charging_sign, has_no_sign
from data_prep.sources.cycler.cycle_counting import count_cycles
from data_prep.sources.cycler.discharges import discharge_capacities, taken_out_ah
from data_prep.sources.cycler.tables import Table
from data_prep.sources.cycler.units import Column

OPTIONAL_CURVES = ("temperature_degc", "charge_capacity_ah")
CURVES = ("time_s", "voltage_v", "current_a", *OPTIONAL_CURVES)
# A thousand times the milliseconds of Unix time.
LARGEST = 1e15
# Hundreds of cycles: more would add nothing but time.
SIGN_ROWS = 500_000
CYCLE_0_LEFT_OUT = "cycle 0 left out: what comes before the first numbered cycle"
NUMBERED_FROM_0 = "cycles: numbered from 0 in the file, 1 is added"
# A cycle 0 that charges so much of the nominal capacity is the first one; formation and rests
# before a test charge less.
CHARGED_IN_CYCLE_0 = 0.2

IntArray = NDArray[np.int_]


@dataclass(frozen=True)
class Recording:
    """A table of samples and what its columns mean.

    Args:
        cell_id: The cell that it is of.
        table: Rows in the order in which they were recorded.
        columns: By our name: `time_s`, `voltage_v`, `current_a`; and where the table has them
            `cycle`, `temperature_degc`, `charge_capacity_ah`, `discharge_capacity_ah`.
        nominal_capacity_ah: 1 C in A.
    """

    cell_id: str
    table: Table
    columns: Mapping[str, Column]
    nominal_capacity_ah: float

    def read(self, *quantities: str, num_rows: int | None = None) -> dict[str, FloatArray]:
        """Those of the quantities that the table has, in our units, `(rows,)` each.

        A number that no instrument shows counts as infinite, so that nothing overflows behind it.
        """
        columns = {name: self.columns[name] for name in quantities if name in self.columns}
        if not columns:
            return {}
        values = self.table.read([column.name for column in columns.values()], num_rows)
        return {
            name: column.in_our_unit(_measurable(values[column.name]))
            for name, column in columns.items()
        }


def _measurable(values: FloatArray) -> FloatArray:
    absurd = np.abs(values) > LARGEST
    return np.where(absurd, np.inf, values) if absurd.any() else values


class _Decisions(NamedTuple):
    """What the whole record says: a cycle number for each row, the sign of the current."""

    numbers: IntArray
    current_sign: int
    discharge_capacity_ah: dict[int, float]
    notes: tuple[str, ...]


def recorded_cell(recording: Recording, facts: CellFacts, notes: tuple[str, ...] = ()) -> Cell:
    """The cell of a recording; its curves are read when its cycles are asked for.

    Args:
        recording: Its samples.
        facts: What is known from elsewhere; beside the table, `<cell_id>.capacity.csv` goes
            before the discharges in it.
        notes: What was decided before.

    Raises:
        SourceError: The table is damaged, its cycle numbers are none, its current has no sign,
            or it holds no cycle.
    """
    path = recording.table.path
    capacities_ah = read_capacities_ah(path.parent, recording.cell_id)
    if facts.generated:
        decisions = _as_generated(recording)
    else:
        decisions = _decide(recording, with_discharges=not capacities_ah)
    numbers = np.unique(decisions.numbers[decisions.numbers > 0]).tolist()
    last_cycle = int(decisions.numbers[-1])
    return Cell(
        cell_id=recording.cell_id,
        source_file=path.name,
        nominal_capacity_ah=recording.nominal_capacity_ah,
        last_cycle=last_cycle,
        read_cycles=partial(_read_cycles, recording, decisions),
        max_voltage_v=facts.max_voltage_v,
        charge_policy=facts.charge_policy,
        eol_cycles=facts.eol_cycles,
        discharge_capacity_ah=capacities_ah or decisions.discharge_capacity_ah,
        notes=notes + decisions.notes,
        cycle_numbers=numbers_on_record(numbers, last_cycle),
        origin=GENERATED if facts.generated else RECORDED,
    )


def _as_generated(recording: Recording) -> _Decisions:
    """Charges alone do not tell a sign, and have no discharges: the format's own sign holds."""
    cycle = _cycle_column(recording)
    if cycle is None:
        raise SourceError(
            f"{recording.table.path}: has no numbers of cycles, which generated charges need: "
            f"`{CELLS}` says that these are. Write the file again."
        )
    return _Decisions(cycle.astype(int), 1, {}, ())


def _decide(recording: Recording, with_discharges: bool) -> _Decisions:
    cycle = _cycle_column(recording)
    sign, notes = _charging_sign(recording, cycle)
    # A number above 1 throughout is that of one cycle cut out of a longer record.
    in_file = cycle is not None and (cycle[0] != cycle[-1] or cycle[0] > 1)
    series: dict[str, FloatArray] = {}
    if with_discharges or not in_file:
        series = recording.read("time_s", "current_a", "voltage_v", "discharge_capacity_ah")
        series["current_a"] = sign * series["current_a"]
    if cycle is not None and in_file:
        numbers = cycle.astype(int)
        if numbers[0] == 0:
            numbers, more = _settle_cycle_0(recording, numbers, sign)
            notes += more
    else:
        numbers, more = _count_cycles(recording, cycle, series)
        notes += more
    capacities_ah: dict[int, float] = {}
    if with_discharges:
        capacities_ah, more = discharge_capacities(
            numbers,
            series["time_s"],
            series["current_a"],
            series["voltage_v"],
            series.get("discharge_capacity_ah"),
            recording.nominal_capacity_ah,
        )
        notes += more
    return _Decisions(numbers, sign, capacities_ah, notes)


def _settle_cycle_0(
    recording: Recording, numbers: IntArray, sign: int
) -> tuple[IntArray, tuple[str, ...]]:
    """The cycle of each row where the first is 0: counted from there, or before all cycles."""
    num_rows = int(np.searchsorted(numbers, 1))
    series = recording.read("time_s", "current_a", num_rows=num_rows)
    charged_ah = float(taken_out_ah(series["time_s"], -sign * series["current_a"]).sum())
    if charged_ah >= CHARGED_IN_CYCLE_0 * recording.nominal_capacity_ah:
        return numbers + 1, (NUMBERED_FROM_0,)
    return numbers, (CYCLE_0_LEFT_OUT,)


def _cycle_column(recording: Recording) -> FloatArray | None:
    """The cycle of each row as the table has it; None where it has none."""
    cycle = recording.read("cycle").get("cycle")
    if cycle is None or np.isnan(cycle).all():
        return None
    _check_cycle_numbers(recording, cycle)
    return cycle


def _check_cycle_numbers(recording: Recording, cycle: FloatArray) -> None:
    column = recording.columns["cycle"].name
    possible = (cycle >= 0) & (cycle <= MOST_CYCLES) & (cycle == np.floor(cycle))
    falls = np.concatenate([[False], cycle[1:] < cycle[:-1]])
    whole = f"be a whole number from 0 to {MOST_CYCLES}"
    for bad, rule in ((~possible, whole), (falls, "never fall")):
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            before = f" after {cycle[row - 1]:g}" if rule != whole else ""
            raise SourceError(
                f"{recording.table.path}, data row {row + 1}: `{column}` must {rule}. "
                f"Received: {cycle[row]:g}{before}. Correct the numbers, or take the column out "
                f"to have the cycles counted from the current."
            )


def _charging_sign(recording: Recording, cycle: FloatArray | None) -> tuple[int, tuple[str, ...]]:
    begin = recording.read("voltage_v", "current_a", num_rows=SIGN_ROWS)
    cycle = None if cycle is None else cycle[:SIGN_ROWS]
    if has_no_sign(begin["voltage_v"], begin["current_a"]):
        raise SourceError(
            f"{recording.table.path}: `{recording.columns['current_a'].name}` has no sign: it is "
            f"never negative, and the voltage rises and falls by turns under it. Expected a "
            f"current that is negative on discharge. Export it with its sign, or turn it where "
            f"the state of the cycler is a discharge."
        )
    return charging_sign(begin["voltage_v"], begin["current_a"], cycle)


def _count_cycles(
    recording: Recording, cycle: FloatArray | None, series: dict[str, FloatArray]
) -> tuple[IntArray, tuple[str, ...]]:
    """The cycle of each row of a record that numbers none, or all of them alike."""
    counted = _count(series["time_s"], series["current_a"] / recording.nominal_capacity_ah)
    if cycle is None:
        return counted, ("cycles: counted from the current, not numbered in the file",)
    if cycle[0] == 1 and counted[-1] == 1:
        return counted, ()
    column = recording.columns["cycle"].name
    return counted, (f"cycles: counted from the current, {column} is {cycle[0]:g} throughout",)


def _count(time_s: FloatArray, current_c_rate: FloatArray) -> IntArray:
    """Counted cycles; a row that is not finite goes with the row before it."""
    finite = np.isfinite(time_s) & np.isfinite(current_c_rate)
    begins = np.zeros(time_s.size, int)
    counted = count_cycles(time_s[finite], current_c_rate[finite])
    begins[finite] = np.diff(counted, prepend=1)
    return 1 + np.cumsum(begins)


def _read_cycles(recording: Recording, decisions: _Decisions, last: int) -> Iterator[Cycle]:
    numbers = decisions.numbers
    num_rows = int(np.searchsorted(numbers, last, side="right"))
    if num_rows == 0:
        return
    curves = recording.read(*CURVES, num_rows=num_rows)
    for name in OPTIONAL_CURVES:
        if name in curves and np.isnan(curves[name]).all():
            del curves[name]  # an empty column is not a measurement
    current_a = decisions.current_sign * curves.pop("current_a")
    curves["current_c_rate"] = current_a / recording.nominal_capacity_ah
    starts = np.flatnonzero(np.diff(numbers[:num_rows], prepend=-1))
    for start, stop in zip(starts, [*starts[1:], num_rows], strict=True):
        if numbers[start] > 0:
            samples = {name: values[start:stop] for name, values in curves.items()}
            yield Cycle(number=int(numbers[start]), **samples)
