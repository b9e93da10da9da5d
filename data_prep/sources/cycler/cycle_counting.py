"""Cycles numbered from the current, for records that do not number them."""

import numpy as np
from numpy.typing import NDArray

from data_prep.charges.clock import mended_time
from data_prep.charges.swings import find_swings
from data_prep.records import FloatArray


def count_cycles(time_s: FloatArray, current_c_rate: FloatArray) -> NDArray[np.int_]:
    """The cycle of each sample of a whole record: a charge and the discharge that follows it.

    A cycle begins behind the last sample of a discharge, with the rest before its charge. What
    comes before the first charge, a discharge among it, belongs to cycle 1, and what comes after
    the last discharge to the last cycle. A sample whose time is not its own goes with the sample
    before it, where it does no harm: cyclers write it at the head of a step.

    Args:
        time_s: Shape `(points,)`, finite, in the order of the record.
        current_c_rate: Shape `(points,)`, finite; positive while charging.

    Returns:
        Shape `(points,)`; 1 for the first cycle.
    """
    in_time, mended_s = mended_time(time_s)
    swings = find_swings(mended_s, current_c_rate[in_time])
    begins = np.zeros(mended_s.size, int)
    # Charges and discharges take turns: a discharge that is not at an end lies between charges.
    for swing in swings[1:-1]:
        if not swing.charging:
            begins[swing.stop] = 1
    in_order = np.zeros(time_s.size, int)
    in_order[in_time] = begins
    return 1 + np.cumsum(in_order)
