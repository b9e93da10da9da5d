"""The things that travel through the preparation: cells, cycles, charges, samples, conditions."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import ConditionError

FloatArray = NDArray[np.floating]

MOST_CYCLES = 10**6  # a century of an hour a cycle

# What the cycles of a cell are. RECORDED: as an instrument wrote them down, with rests and
# discharges. PREPARED: charges that were cut, cleaned and put on a grid before. GENERATED: charges
# that a model made, likewise on a grid and nothing around them.
RECORDED, PREPARED, GENERATED = "recorded", "prepared", "generated"

# The order of the series in every array of curves, and of the planes of a quasi-video.
SIGNALS = (
    "voltage_v",
    "current_c_rate",
    "temperature_degc",
    "charge_capacity_ah",
    "elapsed_time_s",
)


@dataclass(frozen=True, order=True)
class Condition:
    """What a charge is generated for: a cell of life `eol` at age `ecl`.

    Args:
        eol: End of life, the cycle at which 80 % of the nominal capacity is reached; > 0.
        ecl: Equivalent cycle life, the cycles already made; >= 1.
    """

    eol: int
    ecl: int

    def __post_init__(self) -> None:
        """Refuses what no cell can have.

        Raises:
            ConditionError: EOL <= 0, ECL < 1, or either of them not a whole number.
        """
        for name, value in (("EOL", self.eol), ("ECL", self.ecl)):
            whole = math.isfinite(value) and value == int(value)
            if not whole or not 1 <= value <= MOST_CYCLES:
                limit = f"{MOST_CYCLES} or less" if value > MOST_CYCLES else "1 or more"
                raise ConditionError(
                    f"{name} must be a whole number of cycles, {limit}. Received: {name}={value}."
                )

    @property
    def rul(self) -> int:
        """Remaining useful life in cycles, EOL - ECL; negative past the end of life.

        Paper: Eq. 1.
        """
        return self.eol - self.ecl

    @property
    def label(self) -> str:
        """The paper's category label, "EOL_ECL"."""
        return f"{self.eol}_{self.ecl}"


@dataclass(frozen=True)
class Cycle:
    """One cycle as its source recorded it, in this project's units; charge and all else.

    Args:
        number: 1 for the first cycle; the ECL of its charge.
        time_s: Shape `(points,)`; any origin.
        voltage_v: Shape `(points,)`.
        current_c_rate: Shape `(points,)`; positive while charging.
        temperature_degc: Shape `(points,)`, or None where it was not measured.
        charge_capacity_ah: Shape `(points,)`, or None where it was not measured.
    """

    number: int
    time_s: FloatArray
    voltage_v: FloatArray
    current_c_rate: FloatArray
    temperature_degc: FloatArray | None = None
    charge_capacity_ah: FloatArray | None = None


@dataclass(frozen=True)
class Cell:
    """One cell of a source; its cycles are read when they are asked for.

    Args:
        cell_id: Unique in its data set.
        source_file: Name of the file, without folders.
        nominal_capacity_ah: 1 C is this number in A.
        last_cycle: Number of the last cycle on record.
        read_cycles: Yields the cycles numbered 1 to its argument, in order.
        max_voltage_v: Upper limit of the charge, or None where the source does not say.
        charge_policy: The protocol as text, or None where the source does not say.
        eol_cycles: End of life as the file gives it, or None.
        discharge_capacity_ah: Measured discharge capacity by cycle number.
        notes: What the reader decided where the file leaves a choice ("current: positive on
            charge, told from the voltage"); the report says it once for all cells that share it.
        cycle_numbers: Those on record, ascending; None where they run from 1 to `last_cycle`.
        origin: `RECORDED`, `PREPARED` or `GENERATED`; a cycle of the last two is a whole charge.
    """

    cell_id: str
    source_file: str
    nominal_capacity_ah: float
    last_cycle: int
    read_cycles: Callable[[int], Iterator[Cycle]]
    max_voltage_v: float | None = None
    charge_policy: str | None = None
    eol_cycles: int | None = None
    discharge_capacity_ah: Mapping[int, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cycle_numbers: tuple[int, ...] | None = None
    origin: str = RECORDED

    def num_cycles(self, last: int) -> int:
        """How many cycles numbered 1 to `last` are on record."""
        if self.cycle_numbers is None:
            return min(self.last_cycle, last)
        return sum(number <= last for number in self.cycle_numbers)


@dataclass(frozen=True)
class DroppedCell:
    """A cell that does not go further, and why.

    Args:
        cell_id: Its name.
        source_file: Name of the file, without folders.
        reason: A short name that is counted.
        detail: The numbers behind it.
        num_cycles: Cycles that go with it and were not looked at.
        notes: As those of a `Cell`.
    """

    cell_id: str
    source_file: str
    reason: str
    detail: str
    num_cycles: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """Why a cycle is not used: a short name that is counted, and the numbers behind it."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Charge:
    """The charge of one cycle, from its first charging sample to its last.

    Args:
        time_s: Elapsed time, starts at 0. All arrays have shape `(points,)`.
        voltage_v: Terminal voltage.
        current_c_rate: Positive while charging.
        temperature_degc: None where it was not measured.
        charge_capacity_ah: Charge since the start; measured, or integrated from the current.
        integrated_capacity_ah: The integral of the current over the charge; of the charging
            current alone where a measured capacity counts no discharge.
        repairs: What was mended in its samples, by name ("clock_unwrapped"); the report counts
            the charges of each.
        left_out_ah: What each other charge of the cycle moved, which is not used.
    """

    time_s: FloatArray
    voltage_v: FloatArray
    current_c_rate: FloatArray
    temperature_degc: FloatArray | None
    charge_capacity_ah: FloatArray
    integrated_capacity_ah: FloatArray
    repairs: tuple[str, ...] = ()
    left_out_ah: tuple[float, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One charge on the common grid, ready to be written.

    Args:
        curves: Shape `(len(SIGNALS), points)`, float32, physical units; the row of an
            absent signal is zero.
        condition: Its label.
        cell_id: The cell that it was measured on.
        charge_policy: Empty where unknown.
        policy_steps: The policy as numbers, `data_prep.protocol.policy_numbers`; shape
            `(MAX_STEPS, 2)`, all zero (or None) where unknown.
    """

    curves: FloatArray
    condition: Condition
    cell_id: str
    charge_policy: str = ""
    policy_steps: FloatArray | None = None
