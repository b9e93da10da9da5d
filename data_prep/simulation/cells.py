"""Which cells to simulate, and how each of them ages.

The ageing is not simulated but prescribed: the capacity follows a law fitted to 37 cells of the
second MATR batch and passes 0.88 Ah, 80 % of nominal, at the cell's end of life. From it follow
the lithium that is left, the graphite that is left, its kinetics and the resistance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.records import FloatArray
from data_prep.simulation.policies import NOMINAL_CAPACITY_AH

END_OF_LIFE_CAPACITY_AH = 0.8 * NOMINAL_CAPACITY_AH
# Policy and cycle life of cells that exist: Severson et al. 2019, supplementary table 9. Four
# policies come twice, with different lives, as they do in the data set.
DEMO_POLICIES_AND_LIVES = (
    ("5.4C(40%)-3.6C", 788),
    ("7C(40%)-3C", 1051),
    ("4.8C(80%)-4.8C", 471),
    ("5C(67%)-4C", 1284),
    ("6C(52%)-3.5C", 429),
    ("5.4C(40%)-3.6C", 1054),
    ("8C(15%)-3.6C", 599),
    ("5C(67%)-4C", 1935),
    ("2C(7%)-5.5C", 335),
    ("7C(40%)-3C", 702),
    ("5.4C(60%)-3.6C", 559),
    ("4.8C(80%)-4.8C", 870),
)
FRESH_RESISTANCE_OHM = 0.0174  # median of the first cycles of MATR batch 2


@dataclass(frozen=True)
class CellSpec:
    """A cell to simulate.

    Args:
        barcode: Its name in the file.
        policy: Charge policy as text, see `protocol.parse_policy`.
        eol: Cycle at which its capacity falls below 80 % of nominal.
        seed: Of its spread in manufacture, its ageing and its sensors' noise.
    """

    barcode: str
    policy: str
    eol: int
    seed: int


@dataclass(frozen=True)
class AgeingState:
    """What a cell is like at given cycles; all arrays have shape `(num_cycles,)`.

    Args:
        cycles: Cycle numbers, from 1.
        capacity_ah: Discharge capacity at 4 C.
        graphite_share: Active graphite against that of the cell fitted.
        graphite_rate_share: Exchange current of graphite against that of the cell fitted.
        internal_resistance_ohm: As the pulses of the cycler would measure it.
    """

    cycles: FloatArray
    capacity_ah: FloatArray
    graphite_share: FloatArray
    graphite_rate_share: FloatArray
    internal_resistance_ohm: FloatArray


def demo_cells(num_cells: int, seed: int) -> list[CellSpec]:
    """The first of the demo's cells; a cell is the same however many there are."""
    seeds = np.random.SeedSequence(seed).generate_state(len(DEMO_POLICIES_AND_LIVES))
    return [
        CellSpec(f"sim-b1-{index:02d}", policy, eol, int(seeds[index]))
        for index, (policy, eol) in enumerate(DEMO_POLICIES_AND_LIVES[:num_cells])
    ]


def generator(cell: CellSpec, purpose: int) -> np.random.Generator:
    """Random numbers of a cell, apart for each purpose, so that one more draw moves no other."""
    return np.random.default_rng([cell.seed, purpose])


def ageing_state(cell: CellSpec, cycles: Sequence[int]) -> AgeingState:
    """The state of a cell at the cycles asked for.

    With `x = cycle / eol` the capacity is `fresh + rise - loss * (a x + (1 - a) x^p)`: a linear
    part, a knee of exponent p, and a small rise over the first tens of cycles. `loss` is such
    that 0.88 Ah are left at `x = 1`. Spread and noise come from the cell's seed; a cycle's noise
    does not depend on which other cycles are asked for.
    """
    numbers = np.asarray(cycles, dtype=float)
    draw = generator(cell, purpose=0)
    x = numbers / cell.eol
    graphite_fresh = 1 + draw.normal(0, 0.014)
    rate_fresh = np.exp(draw.normal(0, 0.1))
    return AgeingState(
        cycles=numbers,
        capacity_ah=_capacity_ah(cell, numbers, draw) + 2.5e-4 * _cycle_noise(cell, cycles, 1),
        graphite_share=graphite_fresh * (1 - 0.03 * x - 0.03 * x**5),
        graphite_rate_share=rate_fresh * (1 - 0.25 * x - 0.2 * x**5),
        internal_resistance_ohm=_resistance_ohm(numbers, x, draw)
        + 8e-5 * _cycle_noise(cell, cycles, 2),
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


def _cycle_noise(cell: CellSpec, cycles: Sequence[int], purpose: int) -> FloatArray:
    """A standard normal number per cycle, shape `(num_cycles,)`."""
    row = generator(cell, purpose).standard_normal(int(max(cycles)) + 1)
    return row[np.asarray(cycles)]
