"""Simulates cells in several processes; each of them does not depend on the others."""

import logging
from collections.abc import Generator, Sequence
from functools import cache

from data_prep.parallel import in_order
from data_prep.simulation.cells import CellSpec, ageing_state
from data_prep.simulation.charging import Cycler
from data_prep.simulation.sensors import SimulatedCell, record

logger = logging.getLogger(__name__)


def simulate(
    specs: Sequence[CellSpec], cycles: Sequence[int], jobs: int = 1
) -> Generator[SimulatedCell, None, None]:
    """The cells with the cycles asked for, as the sensors record them, in order.

    Args:
        specs: What to simulate.
        cycles: Numbers as in the record of a cell, which ends soon after its end of life.
            `matr_file.write_matr` wants 1, 2, 3 and so on.
        jobs: Processes; the cells are the same for any number.

    Raises:
        UserError: PyBaMM is not installed, or a policy cannot be simulated.
    """
    for cell in in_order(simulate_cell, specs, jobs, cycles):
        spec = cell.spec
        logger.info(
            "%s: %s, life %d, %d cycles", spec.barcode, spec.policy, spec.eol, len(cell.records)
        )
        yield cell


def simulate_cell(spec: CellSpec, cycles: Sequence[int]) -> SimulatedCell:
    """One cell; the first in a process waits until the models are built."""
    within = [number for number in cycles if number <= spec.last_cycle]
    resistances_ohm = ageing_state(spec, within).internal_resistance_ohm
    solved = _cycler().run(spec, within)
    records = [
        record(spec, cycle, float(ohm)) for cycle, ohm in zip(solved, resistances_ohm, strict=True)
    ]
    return SimulatedCell(spec, records)


@cache
def _cycler() -> Cycler:
    return Cycler()
