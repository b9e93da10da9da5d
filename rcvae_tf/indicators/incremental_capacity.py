"""The peak of dQ/dV in the stage at 1 C."""

from typing import NamedTuple

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import Charges, pick
from rcvae_tf.indicators.stages import one_c_stage

WINDOW_V = 0.010
ROUNDING = 1e-6
# Rows are told apart by this in one search; what spans more than half of it is cut off.
ROW_SPAN_V = 1000.0


class Peak(NamedTuple):
    """Of each charge, shape `(samples,)`."""

    height_ah_per_v: FloatArray
    voltage_v: FloatArray


def incremental_capacity_peak(charges: Charges) -> Peak:
    """The highest dQ/dV while the cell is charged with 1 C, in Ah/V, and its voltage, in V.

    dQ/dV is the charge that goes in while the voltage rises by `WINDOW_V`, over that window; the
    peak lies in the middle of the window that takes most. A derivative between points would be
    noise, and infinite where the voltage turns; a fixed window of voltage is bounded, and is what
    smoothing does elsewhere.

    Source: incremental capacity analysis (Dubarry and Anseán 2022, doi 10.3389/fenrg.2022.1023555);
    the charge by windows of voltage, Feng et al. 2013 (doi 10.1016/j.jpowsour.2013.01.018). With
    age peaks get lower (active material) and move up on charge (resistance).
    Valid: at 1 C over ten points or more, and a rise of more than the window. Behind a fast charge
    the voltage falls at first: what counts is the part from its lowest point on. The peak then
    lies at that turn, no peak of a phase: its height says how flat the end of the plateau is, its
    voltage the lowest one at 1 C plus half a window. In a charge at 1 C throughout it is that of
    the plateau. Peaks at 1 C are wider and higher in voltage than those of C/20.
    """
    stage = one_c_stage(charges)
    points = np.arange(charges.voltage_v.shape[1])
    inside = (points >= stage.first[:, None]) & (points <= stage.last[:, None])
    inside &= stage.exists[:, None]
    turn = np.where(inside, charges.voltage_v, np.inf).argmin(axis=1)
    rising = inside & (points >= turn[:, None])
    lowest_v = pick(charges.voltage_v, turn)[:, None]
    # Before the turn all is as at the turn; behind the stage as at its end.
    risen_v = np.where(rising, charges.voltage_v - lowest_v, 0.0)
    risen_v = np.maximum.accumulate(np.minimum(risen_v, ROW_SPAN_V / 2), axis=1)
    end_v = risen_v[:, -1:]
    taken_ah = _at_voltages(risen_v, charges.charge_ah, risen_v + WINDOW_V) - charges.charge_ah
    fits = rising & (risen_v + WINDOW_V <= end_v)
    height = np.where(fits, taken_ah / WINDOW_V, -np.inf)
    highest = height.max(axis=1, keepdims=True)
    # On a straight line all windows take the same but for rounding: the first one counts.
    peak = (height >= highest * (1 - ROUNDING)).argmax(axis=1)
    exists = fits.any(axis=1)
    voltage_v = lowest_v[:, 0] + pick(risen_v, peak) + WINDOW_V / 2
    return Peak(np.where(exists, pick(height, peak), np.nan), np.where(exists, voltage_v, np.nan))


def _at_voltages(risen_v: FloatArray, charge_ah: FloatArray, wanted_v: FloatArray) -> FloatArray:
    """Charge of each row at voltages, of which those of the row do not fall."""
    rows = ROW_SPAN_V * np.arange(len(risen_v))[:, None]
    shape = risen_v.shape
    found = np.interp((wanted_v + rows).ravel(), (risen_v + rows).ravel(), charge_ah.ravel())
    return found.reshape(shape)
