"""The stage at constant voltage, the times of both kinds of stages, and the stage at 1 C."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import (
    HOLD_TOLERANCE_V,
    Charges,
    first_crossing,
    pick,
    value_at,
)

FEWEST_HOLD_POINTS = 4
# A held voltage without a current that falls to less than this share of its start is a rest or a
# plateau.
FALL_OF_CURRENT = 0.8
ONE_C_TOLERANCE = 0.05
FEWEST_STAGE_POINTS = 10


class Stage(NamedTuple):
    """First and last point of a stage of each charge, inclusive, and whether there is one."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    exists: NDArray[np.bool_]


def cc_time_s(charges: Charges) -> FloatArray:
    """Time that a charge spends below the limit of its voltage, in s.

    Source: length of the phase of constant current, Williard et al. 2013 (International Journal of
    Prognostics and Health Management 4(1)). It falls with age: polarisation meets the limit
    earlier, and there is less to fill.
    Valid: as the time at constant voltage. It holds all fast steps and the rests between them, so
    cells of different policies do not compare.
    """
    return charges.time_s[:, -1] - cv_time_s(charges)


def cv_time_s(charges: Charges) -> FloatArray:
    """Time that a charge spends at the limit of its voltage, within `HOLD_TOLERANCE_V`, in s.

    Between two points the voltage is taken as linear; at 1 C the tolerance puts the start of the
    stage some 3 s early. Old cells reach the limit within the fast charge, may leave it at the step
    to 1 C and come back: all of that time counts, so that a dip of a few mV makes no difference.

    Source: length of the phase of constant voltage, Williard et al. 2013. It rises with age.
    Valid: where the charge ends at its limit, over `FEWEST_HOLD_POINTS` or more, and its current
    has fallen there; it depends on the current at which the charge is cut off, and one that is cut
    off by time says little.
    """
    above_v = charges.voltage_v - (charges.limit_v - HOLD_TOLERANCE_V)[:, None]
    low, high = np.sort([above_v[:, :-1], above_v[:, 1:]], axis=0)
    held_share = np.select([low >= 0, high <= 0], [1.0, 0.0], high / (high - low))
    held_s = np.sum(np.diff(charges.time_s, axis=1) * held_share, axis=1)
    return np.where(_ends_at_limit(charges, above_v >= 0), held_s, np.nan)


def _ends_at_limit(charges: Charges, is_held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the voltage is held at the end, with less current than when that began."""
    first_held = pick(charges.current_c_rate, is_held.argmax(axis=1))
    falls = charges.current_c_rate[:, -1] < FALL_OF_CURRENT * first_held
    return is_held[:, -FEWEST_HOLD_POINTS:].all(axis=1) & falls


def cv_to_cc_time_ratio(charges: Charges) -> FloatArray:
    """Time at constant voltage over time at constant current.

    Source: the two lengths of Williard et al. 2013; their ratio rises with age.
    Valid: as these times, and the charge did not begin at its limit.
    """
    return cv_time_s(charges) / cc_time_s(charges)


def time_to_80_soc_s(charges: Charges) -> FloatArray:
    """Time until 80 % of the nominal capacity has gone in, in s.

    Source: what a fast charge is rated by (Attia et al. 2020, doi 10.1038/s41586-020-1994-5: ten
    minutes for all policies).
    Valid: if the cell was empty at the start, the nominal capacity is known, and 80 % of it is
    reached. Policies that count charge set it; only a cell that reaches its limit of voltage
    before, and is charged slower from there, takes longer.
    """
    return value_at(
        charges.time_s, first_crossing(charges.charge_ah, 0.8 * charges.nominal_capacity_ah)
    )


def one_c_stage(charges: Charges) -> Stage:
    """The longest run of points at 1 C within `ONE_C_TOLERANCE`, below the limit of the voltage.

    Valid: from `FEWEST_STAGE_POINTS` points on.
    """
    at_one_c = np.abs(charges.current_c_rate - 1.0) <= ONE_C_TOLERANCE
    is_free = charges.voltage_v < (charges.limit_v - HOLD_TOLERANCE_V)[:, None]
    inside = at_one_c & is_free
    points = np.arange(inside.shape[1])
    last_outside = np.maximum.accumulate(np.where(inside, -1, points), axis=1)
    lengths = np.where(inside, points - last_outside, 0)
    last = lengths.argmax(axis=1)
    length = pick(lengths, last)
    exists = length >= FEWEST_STAGE_POINTS
    return Stage(np.where(exists, last - length + 1, 0), np.where(exists, last, 0), exists)
