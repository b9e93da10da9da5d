"""What a simulated cell is, and how it ages.

The ageing is not simulated but prescribed: the capacity follows a law fitted to 37 cells of the
second MATR batch and passes 0.88 Ah, 80 % of nominal, at the cell's end of life. From it follow
the lithium that is left, the graphite that is left, its kinetics and the resistance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from data_prep.simulation.policies import NOMINAL_CAPACITY_AH

END_OF_LIFE_CAPACITY_AH = 0.8 * NOMINAL_CAPACITY_AH
CYCLES_PAST_LIFE = 3  # the experiments end when the capacity has fallen below 80 %
# Known is that the capacity rises after the pause between batches 1 and 2, not by how much.
PAUSE_RISE_AH, PAUSE_RISE_CYCLES = 0.006, 30.0
FRESH_RESISTANCE_OHM = 0.0174  # median of the first cycles of MATR batch 2


@dataclass(frozen=True)
class CellSpec:
    """A cell to simulate.

    Args:
        barcode: Its name in the file.
        policy: Charge policy as text, see `protocol.parse_policy`.
        eol: Cycle at which its capacity falls below 80 % of nominal.
        seed: Of its spread in manufacture, its ageing and its sensors' noise.
        rest_s: Between the fast charge and the last step.
        cycles_before: Of an earlier record; this one numbers its cycles from 1 again.
        record_cycles: Cycles in the record; None ends it soon after the end of life.
        stated_life: What the file gives as `cycle_life`; None is the end of life.
        policy_suffix: What the file writes behind the policy.
        noisy: Whether its channel is out of order.
    """

    barcode: str
    policy: str
    eol: int
    seed: int
    rest_s: float = 5.0
    cycles_before: int = 0
    record_cycles: int | None = None
    stated_life: float | None = None
    policy_suffix: str = ""
    noisy: bool = False

    @property
    def last_cycle(self) -> int:
        """Number of the last cycle of the record."""
        return self.record_cycles or self.eol + CYCLES_PAST_LIFE - self.cycles_before


@dataclass(frozen=True)
class AgeingState:
    """What a cell is like at given cycles; all arrays have shape `(num_cycles,)`.

    Args:
        cycles: Cycle numbers, from 1.
        capacity_ah: Discharge capacity at 4 C.
        graphite_share: Active graphite against that of the cell fitted.
        graphite_rate_share: Exchange current of graphite against that of the cell fitted.
        internal_resistance_ohm: As the pulses of the cycler would measure it.
        settling_ohm: What a new cell has on top of it in its first tens of charges.
        rested: Whether the cell was left alone before the charge, not just discharged.
    """

    cycles: FloatArray
    capacity_ah: FloatArray
    graphite_share: FloatArray
    graphite_rate_share: FloatArray
    internal_resistance_ohm: FloatArray
    settling_ohm: FloatArray
    rested: NDArray[np.bool_]


def generator(cell: CellSpec, purpose: int) -> np.random.Generator:
    """Random numbers of a cell, apart for each purpose, so that one more draw moves no other."""
    return np.random.default_rng([cell.seed, purpose])


def ageing_state(cell: CellSpec, cycles: Sequence[int]) -> AgeingState:
    """The state of a cell at the cycles asked for, as its record numbers them.

    With `x = cycle / eol` the capacity is `fresh + rise - loss * (a x + (1 - a) x^p)`: a linear
    part, a knee of exponent p, and a small rise over the first tens of cycles. `loss` is such
    that 0.88 Ah are left at `x = 1`. Spread and noise come from the cell's seed; a cycle's noise
    does not depend on which other cycles are asked for.
    """
    recorded = np.asarray(cycles, dtype=float)
    numbers = recorded + cell.cycles_before
    draw = generator(cell, purpose=0)
    x = numbers / cell.eol
    graphite_fresh = 1 + draw.normal(0, 0.014)
    rate_fresh = np.exp(draw.normal(0, 0.1))
    return AgeingState(
        cycles=numbers,
        capacity_ah=_capacity_ah(cell, numbers, draw)
        + _rise_after_pause_ah(cell, recorded)
        + 2.5e-4 * cycle_noise(cell, numbers, 1),
        graphite_share=graphite_fresh * (1 - 0.03 * x - 0.03 * x**5),
        graphite_rate_share=rate_fresh * (1 - 0.25 * x - 0.2 * x**5),
        internal_resistance_ohm=_resistance_ohm(numbers, x, draw)
        + 8e-5 * cycle_noise(cell, numbers, 2),
        # Fitted to the first twenty charges of six cells (Attia et al. 2020).
        settling_ohm=0.003 * np.exp(-(numbers - 1)) + 0.0015 * np.exp(-(numbers - 1) / 20),
        rested=recorded == 1,
    )


def _capacity_ah(cell: CellSpec, numbers: FloatArray, draw: np.random.Generator) -> FloatArray:
    fresh_ah = draw.normal(1.073, 0.006)
    rise_ah = 0.004 * draw.uniform(0.5, 1.5)
    rise_cycles = draw.uniform(8, 25)
    knee_exponent = draw.uniform(4.5, 6.5)
    linear_share = np.clip(draw.normal(0.2, 0.05), 0.05, 0.4)
    # Cells of short life fade from the first cycle on: the knee takes a smaller part.
    linear_share += 0.4 * np.clip((400 - cell.eol) / 400, 0, 1)
    x = numbers / cell.eol
    loss_ah = fresh_ah + rise_ah - END_OF_LIFE_CAPACITY_AH
    fade = linear_share * x + (1 - linear_share) * x**knee_exponent
    return fresh_ah + rise_ah * (1 - np.exp(-(numbers - 1) / rise_cycles)) - loss_ah * fade


def _resistance_ohm(numbers: FloatArray, x: FloatArray, draw: np.random.Generator) -> FloatArray:
    fresh_ohm = FRESH_RESISTANCE_OHM * np.exp(draw.normal(0, 0.02))
    return fresh_ohm * (1 - 0.012 * (1 - np.exp(-numbers / 30)) + 0.03 * x + 0.18 * x**6)


def _rise_after_pause_ah(cell: CellSpec, recorded: FloatArray) -> FloatArray:
    """A cell that rested between two records has more capacity for some cycles."""
    if not cell.cycles_before:
        return np.zeros_like(recorded)
    return PAUSE_RISE_AH * np.exp(-(recorded - 1) / PAUSE_RISE_CYCLES)


def cycle_noise(cell: CellSpec, numbers: FloatArray, purpose: int) -> FloatArray:
    """A standard normal number per cycle, shape `(num_cycles,)`, whichever others are asked for."""
    row = generator(cell, purpose).standard_normal(int(numbers.max()) + 1)
    return row[numbers.astype(int)]
