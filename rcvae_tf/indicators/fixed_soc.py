"""The voltage when a fixed share of the nominal capacity has gone in."""

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import HOLD_TOLERANCE_V, Charges, first_crossing, value_at

# Two in the fast charge and one in the stage at 1 C, each a little behind the states of charge at
# which most policies change their rate: 20, 40, 60 and 80 % in Attia et al.; 80, 40, 60, 50 and
# 54 % above all in MATR. At 75 % old cells are at the limit of their voltage.
SOC_PERCENTS = (25, 65, 85)


def voltage_at_soc_v(charges: Charges, soc_percent: float) -> FloatArray:
    """Voltage at a state of charge, counted from the start of the charge, in V.

    Source: definition. At one state of charge and rate it shows polarisation, which rises with age.
    Valid: if the cell was empty at the start and the nominal capacity is known; the state of charge
    is a share of the nominal capacity, as in charge policies, not of what the cell still holds.
    NaN where that is not reached, and where the charger holds the voltage. In the fast charge it
    compares cells of one policy only; just behind a step of the policy it holds that as well.

    Args:
        charges: Some charges.
        soc_percent: Of the nominal capacity.
    """
    place = first_crossing(charges.charge_ah, soc_percent / 100 * charges.nominal_capacity_ah)
    voltage_v = value_at(charges.voltage_v, place)
    return np.where(voltage_v < charges.limit_v - HOLD_TOLERANCE_V, voltage_v, np.nan)
