"""All indicators of many charges."""

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.indicators.charges import Charges, charges_of
from rcvae_tf.indicators.fixed_soc import SOC_PERCENTS, voltage_at_soc_v
from rcvae_tf.indicators.incremental_capacity import incremental_capacity_peak
from rcvae_tf.indicators.resistance import (
    current_steps,
    fast_step_resistance_ohm,
    last_step_resistance_ohm,
)
from rcvae_tf.indicators.stages import (
    cc_time_s,
    cv_time_s,
    cv_to_cc_time_ratio,
    time_to_80_soc_s,
)
from rcvae_tf.indicators.table import INDICATORS
from rcvae_tf.indicators.whole_charge import (
    capacity_soh,
    charge_energy_wh,
    charge_throughput_ah,
    max_temperature_degc,
    mean_charge_voltage_v,
    mean_temperature_degc,
    temperature_rise_degc,
)
from rcvae_tf.physical import Curves

Indicators = dict[str, FloatArray]

# At once, so that the arrays in between stay in the cache of a processor or near it.
SAMPLES_AT_ONCE = 1024
# With fewer there is no room for a stage, or for a step between two of them.
FEWEST_POINTS = 10

# Each stands under its own name.
PLAIN = (
    charge_throughput_ah,
    capacity_soh,
    charge_energy_wh,
    mean_charge_voltage_v,
    cc_time_s,
    cv_time_s,
    cv_to_cc_time_ratio,
    time_to_80_soc_s,
    mean_temperature_degc,
    max_temperature_degc,
    temperature_rise_degc,
)
OF_STEPS = (last_step_resistance_ohm, fast_step_resistance_ohm)


def indicators_of(
    curves: Curves,
    nominal_capacity_ah: FloatArray | float | None,
    max_voltage_v: FloatArray | float | None = None,
) -> Indicators:
    """Every indicator of `INDICATORS` for every charge; NaN where it is not valid.

    No curve raises an error. A signal that is absent, or that holds something else than finite
    numbers in a charge, leaves what is read from it NaN.

    Args:
        curves: By signal, in physical units, each of shape `(samples, points)`; the points equally
            spaced in time over one charge.
        nominal_capacity_ah: 1 C in A: one for all, or one for each, shape `(samples,)`. Without it
            (None or NaN) there is no SOH, no state of charge and no resistance.
        max_voltage_v: Upper limit of the charge, likewise. Without it the voltage that a charge
            ends with stands for it.

    Returns:
        By name, in the order of `INDICATORS`, each of shape `(samples,)`.
    """
    num_samples, num_points = next(iter(curves.values())).shape
    found = {row.name: np.full(num_samples, np.nan) for row in INDICATORS}
    if num_points < FEWEST_POINTS:
        return found
    capacity_ah, limit_v = (
        np.broadcast_to(np.asarray(np.nan if fact is None else fact, np.float64), num_samples)
        for fact in (nominal_capacity_ah, max_voltage_v)
    )
    for start in range(0, num_samples, SAMPLES_AT_ONCE):
        rows = slice(start, start + SAMPLES_AT_ONCE)
        block = {name: values[rows] for name, values in curves.items()}
        # NaN and a division by zero are answers here: the charge has no such value.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            charges = charges_of(block, capacity_ah[rows], limit_v[rows])
            for name, values in _of_block(charges).items():
                found[name][rows] = np.where(np.isfinite(values), values, np.nan)
    return found


def _of_block(charges: Charges) -> Indicators:
    peak, steps = incremental_capacity_peak(charges), current_steps(charges)
    num_samples = len(charges.limit_v)
    return {
        **{indicator.__name__: indicator(charges) for indicator in PLAIN},
        "ic_peak_height_ah_per_v": peak.height_ah_per_v,
        "ic_peak_voltage_v": peak.voltage_v,
        **{indicator.__name__: indicator(steps, num_samples) for indicator in OF_STEPS},
        **{
            f"voltage_at_{percent}_soc_v": voltage_at_soc_v(charges, percent)
            for percent in SOC_PERCENTS
        },
    }
