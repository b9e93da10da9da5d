"""Simulates cells one after the other; each of them does not depend on the others."""

import logging
import time
from collections.abc import Iterator, Sequence

from data_prep.simulation.cells import CellSpec, ageing_state
from data_prep.simulation.charging import Cycler
from data_prep.simulation.sensors import SimulatedCell, record

logger = logging.getLogger(__name__)


def simulate(specs: Sequence[CellSpec], cycles: Sequence[int]) -> Iterator[SimulatedCell]:
    """The cells with the cycles asked for, as the sensors record them.

    Args:
        specs: What to simulate.
        cycles: Cycle numbers; `matr_file.write_matr` wants 1, 2, 3 and so on.

    Raises:
        UserError: PyBaMM is not installed, or a policy cannot be simulated.
    """
    cycler = Cycler()
    for spec in specs:
        started = time.perf_counter()
        resistances_ohm = ageing_state(spec, cycles).internal_resistance_ohm
        records = [
            record(spec, cycle, float(ohm))
            for cycle, ohm in zip(cycler.run(spec, cycles), resistances_ohm, strict=True)
        ]
        seconds = time.perf_counter() - started
        logger.info(
            "%s: %s, life %d, %d cycles in %.1f s",
            spec.barcode,
            spec.policy,
            spec.eol,
            len(records),
            seconds,
        )
        yield SimulatedCell(spec, records)
