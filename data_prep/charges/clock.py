"""The clock of a record, mended where it is certain what happened.

Two faults leave the right time known. A lone sample may carry another time than its own, and goes;
a clock that shows the time of day jumps back by a day at midnight, and goes on. A clock that starts
again for another reason hides how long the pause was: its step back stays, for `time_backwards`.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from data_prep.records import Cycle, FloatArray

DAY_S = 86400.0
# Samples of a battery under test are seconds to minutes apart, so that those before and behind
# midnight lie this near to it.
NEAR_MIDNIGHT_S = 3600.0

ROW_OUT_OF_TIME = "row_out_of_time"
CLOCK_UNWRAPPED = "clock_unwrapped"


def mend_clock(cycle: Cycle) -> tuple[Cycle, tuple[str, ...]]:
    """A cycle whose clock is mended, and the names of the repairs; itself where there are none.

    Args:
        cycle: Its signals finite and of equal length.
    """
    in_time, time_s = mended_time(cycle.time_s)
    repairs = (
        *((ROW_OUT_OF_TIME,) if not in_time.all() else ()),
        *((CLOCK_UNWRAPPED,) if not np.array_equal(time_s, cycle.time_s[in_time]) else ()),
    )
    if not repairs:
        return cycle, repairs
    signals = {
        name: values[in_time]
        for name in ("voltage_v", "current_c_rate", "temperature_degc", "charge_capacity_ah")
        if (values := getattr(cycle, name)) is not None
    }
    return dataclasses.replace(cycle, time_s=time_s, **signals), repairs


def mended_time(time_s: FloatArray) -> tuple[NDArray[np.bool_], FloatArray]:
    """Which samples are in time, and the mended time of those.

    Args:
        time_s: Shape `(points,)`, finite.

    Returns:
        A mask of shape `(points,)`, and the time of the samples that it keeps.
    """
    kept = np.flatnonzero(~_lone_inside(time_s))
    # Behind the lone samples, which look like midnight; before the ends, where midnight looks
    # like one of them.
    unwrapped_s = _unwrapped(time_s[kept])
    ends = ~_lone_at_an_end(unwrapped_s)
    in_time = np.zeros(time_s.size, bool)
    in_time[kept[ends]] = True
    return in_time, unwrapped_s[ends]


def _lone_inside(time_s: FloatArray) -> NDArray[np.bool_]:
    """Samples out of order between two neighbours that are in order."""
    lone = np.zeros(time_s.size, bool)
    before, here, behind = time_s[:-2], time_s[1:-1], time_s[2:]
    lone[1:-1] = (before <= behind) & ((here < before) | (here > behind))
    # Of two neighbours that are each out of order beside the other, one has to go.
    lone[1:] &= ~lone[:-1]
    return lone


def _unwrapped(time_s: FloatArray) -> FloatArray:
    """Time that goes on where a clock that shows the time of day passes midnight."""
    if not time_s.size or time_s.min() < 0 or time_s.max() > DAY_S:
        return time_s
    late, early = time_s[:-1] >= DAY_S - NEAR_MIDNIGHT_S, time_s[1:] <= NEAR_MIDNIGHT_S
    days = np.concatenate([[0], np.cumsum(late & early)])
    return time_s + DAY_S * days if days[-1] else time_s


def _lone_at_an_end(time_s: FloatArray) -> NDArray[np.bool_]:
    """A first or last sample out of order with the others, which are in order beside it."""
    lone = np.zeros(time_s.size, bool)
    if time_s.size >= 3:
        lone[0] = time_s[0] > time_s[1] and time_s[1] <= time_s[2]
        lone[-1] = time_s[-1] < time_s[-2] and time_s[-3] <= time_s[-2]
    return lone
