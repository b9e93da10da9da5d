"""What the cycler of the MATR experiments would have written down of a solved cycle."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_prep.records import FloatArray
from data_prep.simulation.cells import END_OF_LIFE_CAPACITY_AH, CellSpec, generator
from data_prep.simulation.charging import CHARGE_OUTPUT_S, DISCHARGE_OUTPUT_S, Curves, SolvedCycle
from data_prep.simulation.policies import NOMINAL_CAPACITY_AH

CHARGE_SAMPLING_S = CHARGE_OUTPUT_S
DISCHARGE_SAMPLING_S = 5 * DISCHARGE_OUTPUT_S  # coarser: what is trained on is the charge
PAUSE_S = 1.0  # from the last sample of the charge to the first of the rest
VOLTAGE_NOISE_V = 2e-4
CURRENT_NOISE_C_RATE = 5e-4
RESTING_C_RATE = 1e-3  # the cycler writes an exact zero when it is off
TEMPERATURE_NOISE_K = 0.03
NOISY_CHANNEL_FACTOR = 50.0  # 10 mV, 0.025 C and 1.5 K: seen at a glance
CHAMBER_DEGC = 30.0
# The grid on which MATR gives every discharge: `Vdlin`.
DISCHARGE_GRID_V = np.linspace(3.5, 2.0, 1000)


@dataclass(frozen=True)
class CycleRecord:
    """One cycle in the units of the MATR files: charge, rest, discharge.

    Args:
        number: 1 for the first cycle.
        time_min: From 0. This and the next five have shape `(points,)`.
        voltage_v: Terminal voltage.
        current_c_rate: Negative while discharging.
        temperature_degc: At the can.
        charge_capacity_ah: Stays at its end value in the discharge.
        discharge_capacity_ah: Zero in the charge.
        grid_discharge_ah: Discharge capacity over `DISCHARGE_GRID_V`, shape `(1000,)`.
        grid_temperature_degc: Temperature in the discharge on the same grid.
        grid_dqdv_ah_v: Slope of the capacity on the same grid.
        internal_resistance_ohm: Of the cycle.
        fast_charge_min: Time to 80 % of the nominal capacity, or to the end if it comes first.
    """

    number: int
    time_min: FloatArray
    voltage_v: FloatArray
    current_c_rate: FloatArray
    temperature_degc: FloatArray
    charge_capacity_ah: FloatArray
    discharge_capacity_ah: FloatArray
    grid_discharge_ah: FloatArray
    grid_temperature_degc: FloatArray
    grid_dqdv_ah_v: FloatArray
    internal_resistance_ohm: float
    fast_charge_min: float


@dataclass(frozen=True)
class SimulatedCell:
    """A cell and its cycles as recorded."""

    spec: CellSpec
    records: Sequence[CycleRecord]


@dataclass(frozen=True)
class Thermocouple:
    """How a cell's thermocouple sits: part of the rise is lost, and it reads a little off.

    Args:
        gain: Share of the rise above the chamber that it sees.
        offset_k: Added to every reading.
    """

    gain: float
    offset_k: float

    def read(self, temperature_degc: FloatArray) -> FloatArray:
        """Readings without noise, same shape."""
        return CHAMBER_DEGC + self.gain * (temperature_degc - CHAMBER_DEGC) + self.offset_k


def thermocouple(cell: CellSpec) -> Thermocouple:
    """The one glued to a cell; contacts vary from cell to cell, as in the real experiments."""
    draw = generator(cell, purpose=5)
    # A bad contact reads too little; none reads much too high.
    return Thermocouple(float(np.clip(draw.normal(0.96, 0.07), 0.7, 1.05)), draw.normal(0, 0.3))


def record(cell: CellSpec, cycle: SolvedCycle, internal_resistance_ohm: float) -> CycleRecord:
    """Samples a solved cycle and adds the sensors' noise.

    Noise belongs to cell and cycle number alone: the same cycle in a longer run is the same.
    """
    charge = _sampled(cycle.charge, CHARGE_SAMPLING_S)
    discharge = _sampled(cycle.discharge, DISCHARGE_SAMPLING_S)
    sensor = thermocouple(cell)
    number = cycle.number + cell.cycles_before
    noise = np.random.default_rng([cell.seed, 6, number]).standard_normal(
        (3, charge.time_s.size + discharge.time_s.size)
    ) * (NOISY_CHANNEL_FACTOR if cell.noisy else 1.0)
    current_c_rate = _joined(charge.current_a, discharge.current_a) / NOMINAL_CAPACITY_AH
    flowing = np.abs(current_c_rate) > RESTING_C_RATE
    time_min = _joined(charge.time_s, charge.time_s[-1] + PAUSE_S + discharge.time_s) / 60
    charged_ah = _joined(charge.moved_ah, np.full(discharge.time_s.size, charge.moved_ah[-1]))
    reached = np.flatnonzero(charge.moved_ah >= END_OF_LIFE_CAPACITY_AH)
    grid_discharge_ah, grid_temperature_degc = _on_grid(cycle.discharge)
    return CycleRecord(
        number=cycle.number,
        time_min=time_min,
        voltage_v=_joined(charge.voltage_v, discharge.voltage_v) + VOLTAGE_NOISE_V * noise[0],
        current_c_rate=np.where(flowing, current_c_rate + CURRENT_NOISE_C_RATE * noise[1], 0.0),
        temperature_degc=sensor.read(_joined(charge.temperature_degc, discharge.temperature_degc))
        + TEMPERATURE_NOISE_K * noise[2],
        charge_capacity_ah=charged_ah,
        discharge_capacity_ah=_joined(np.zeros(charge.time_s.size), discharge.moved_ah),
        grid_discharge_ah=grid_discharge_ah,
        grid_temperature_degc=sensor.read(grid_temperature_degc),
        grid_dqdv_ah_v=np.gradient(grid_discharge_ah, DISCHARGE_GRID_V),
        internal_resistance_ohm=internal_resistance_ohm,
        fast_charge_min=float(time_min[reached[0] if reached.size else charge.time_s.size - 1]),
    )


def _joined(charge: FloatArray, discharge: FloatArray) -> FloatArray:
    return np.concatenate([charge, discharge])


def _sampled(curves: Curves, interval_s: float) -> Curves:
    """At regular times, and at the very end."""
    end_s = curves.time_s[-1]
    time_s = np.append(np.arange(0.0, end_s - interval_s / 2, interval_s), end_s)
    return Curves(
        time_s=time_s,
        voltage_v=np.interp(time_s, curves.time_s, curves.voltage_v),
        current_a=np.interp(time_s, curves.time_s, curves.current_a),
        temperature_degc=np.interp(time_s, curves.time_s, curves.temperature_degc),
        # The solver's tolerance leaves steps of -1e-11 Ah in a rest; a counter never falls.
        moved_ah=np.maximum.accumulate(np.interp(time_s, curves.time_s, curves.moved_ah)),
    )


def _on_grid(discharge: Curves) -> tuple[FloatArray, FloatArray]:
    """Capacity and temperature over falling voltage, while the current is constant."""
    lowest = int(np.argmin(discharge.voltage_v > DISCHARGE_GRID_V[-1] + 1e-3)) or None
    flowing = np.flatnonzero(discharge.current_a < -NOMINAL_CAPACITY_AH)
    part = slice(int(flowing[0]), lowest)
    rising_v = discharge.voltage_v[part][::-1]
    return (
        np.interp(DISCHARGE_GRID_V, rising_v, discharge.moved_ah[part][::-1]),
        np.interp(DISCHARGE_GRID_V, rising_v, discharge.temperature_degc[part][::-1]),
    )
