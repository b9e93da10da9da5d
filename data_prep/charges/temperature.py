"""The temperature of a charge, which a logger may read less often than the voltage."""

import numpy as np

from data_prep.charges.capacity import measured
from data_prep.records import Cycle, FloatArray

TEMPERATURE_INTERPOLATED = "temperature_interpolated"
TEMPERATURE_LEFT_OUT = "temperature_left_out"

# Every tenth row has a reading, or so; a thermometer that was lost for longer tells nothing.
MOST_SAMPLES_TO_A_READING = 20


def read_temperature(cycle: Cycle, segment: slice) -> tuple[FloatArray | None, tuple[str, ...]]:
    """The temperature of a segment, and what was done to it.

    Between two readings that lie near it follows a straight line, before the first and behind the
    last it stays; where they lie too far apart it counts as not measured.
    """
    temperature_degc = measured(cycle.temperature_degc)
    if temperature_degc is None:
        return None, ()
    here_degc, here_s = temperature_degc[segment], cycle.time_s[segment]
    read = np.flatnonzero(np.isfinite(here_degc))
    if read.size == here_degc.size:
        return here_degc, ()
    if np.diff([-1, *read, here_degc.size]).max() > MOST_SAMPLES_TO_A_READING:
        return None, (TEMPERATURE_LEFT_OUT,)
    return np.interp(here_s, here_s[read], here_degc[read]), (TEMPERATURE_INTERPOLATED,)
