"""Indicators of a charge as a whole: what went in, at which voltage, and how warm the cell got."""

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import Charges


def charge_throughput_ah(charges: Charges) -> FloatArray:
    """Charge moved from the first point to the last, in Ah.

    Source: the charge capacity of the cycler, as the "QCharge" of Severson et al. 2019 (doi
    10.1038/s41560-019-0356-8).
    Valid: whenever the charge capacity is known. It is the cell's capacity only if the cell was
    empty before and the charge was not cut short; it then exceeds the discharge capacity by what
    side reactions take.
    """
    return charges.charge_ah[:, -1]


def capacity_soh(charges: Charges) -> FloatArray:
    """Charge throughput as a share of the nominal capacity.

    Source: SOH as capacity over nominal capacity, whose 0.8 is the end of life (Severson et al.
    2019); there of the discharge.
    Valid: as the throughput, and the nominal capacity is known. A cell whose fresh capacity is not
    the nominal one does not start at 1.
    """
    return charge_throughput_ah(charges) / charges.nominal_capacity_ah


def charge_energy_wh(charges: Charges) -> FloatArray:
    """Energy that went into the cell, the trapezoidal integral of V dQ, in Wh.

    Source: the integral of V I dt of battery-data-toolkit and of beep; the trapezoid because it
    is stable under noise (ROVI-org/battery-data-toolkit, pull request 55).
    Valid: as the throughput. It holds what the resistance turns into heat.
    """
    mean_v = (charges.voltage_v[:, 1:] + charges.voltage_v[:, :-1]) / 2
    return np.sum(mean_v * np.diff(charges.charge_ah, axis=1), axis=1)


def mean_charge_voltage_v(charges: Charges) -> FloatArray:
    """Energy over throughput: the mean of the voltage over the charge moved, in V.

    Source: definition; used as an indicator of rising polarisation.
    Valid: where charge was moved. It depends on the charge policy as much as on the cell.
    """
    throughput_ah = charge_throughput_ah(charges)
    mean_v = charge_energy_wh(charges) / throughput_ah
    return np.where(throughput_ah > 0, mean_v, np.nan)


def mean_temperature_degc(charges: Charges) -> FloatArray:
    """Mean of the surface temperature over the time, in °C; the trapezoid over equal intervals.

    Source: "Tavg" of Severson et al. 2019, here of the charge alone.
    Valid: with a measured temperature. In MATR a thermocouple, which may lose contact.
    """
    values = charges.temperature_degc
    return ((values[:, 1:] + values[:, :-1]) / 2).mean(axis=1)


def max_temperature_degc(charges: Charges) -> FloatArray:
    """Highest surface temperature of a charge, in °C.

    Source: "Tmax" of Severson et al. 2019.
    Valid: as the mean temperature. Of drawn charges the noise of the points raises it.
    """
    return charges.temperature_degc.max(axis=1)


def temperature_rise_degc(charges: Charges) -> FloatArray:
    """Highest surface temperature less that of the first point, in °C.

    Source: definition.
    Valid: as the mean temperature. A cell that is still warm of its discharge starts higher and
    rises less.
    """
    return max_temperature_degc(charges) - charges.temperature_degc[:, 0]
