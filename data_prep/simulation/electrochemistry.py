"""The cell as a PyBaMM model: one equation system for a whole charge, one for a discharge.

A single particle model with one temperature, and in series a slow resistor-capacitor pair for
what the single particle lacks. The cycler is part of the equations: the current is the smaller of
what the policy wants and what the voltage limit allows, so constant current, constant voltage
and the steps between them need no event and no restart, and many charges solve as one batch.
"""

from typing import Any

import numpy as np

from data_prep.simulation.materials import parameter_values
from data_prep.simulation.optional_pybamm import pybamm
from data_prep.simulation.parameters import (
    CUT_OFF_CURRENT_A,
    DISCHARGE_C_RATE,
    MAX_VOLTAGE_V,
    MIN_VOLTAGE_V,
    REST_BEFORE_DISCHARGE_S,
    Chemistry,
)
from data_prep.simulation.policies import MAX_FAST_STEPS, NOMINAL_CAPACITY_AH

OUTPUTS = {
    "voltage_v": "Terminal voltage with slow part [V]",
    "current_a": "Current [A]",
    "temperature_degc": "Volume-averaged cell temperature [C]",
    "discharge_ah": "Discharge capacity [A.h]",
}
VOLTAGE_STIFFNESS_A_V = 60.0  # the limit is kept to a few mV where current and voltage hand over
STEP_WIDTH_AH = 2e-4  # a step of the policy is spread over 0.7 As: a hard one breaks a batch
SWITCH_WIDTH_S = 0.5
OFF_AFTER_S, OFF_WIDTH_S = 2.0, 0.25
ARMED_AFTER_S = 60.0  # the cut-off waits until the last step has begun
LATEST_CHARGE_S = 1500.0  # a worn cell may never reach 80 % of 1.1 Ah


def build_charge(chemistry: Chemistry) -> Any:
    """A discretised model of the charge; its inputs are those of `charging.charge_inputs`."""
    since_fast_charge_s = pybamm.Variable("Time since the fast charge [s]")
    slow_v = pybamm.Variable("Slow overpotential [V]")

    def limited_current(variables: dict[str, Any]) -> Any:
        charge_ah = -variables["Discharge capacity [A.h]"]
        wanted_a = _policy_current_a(charge_ah, since_fast_charge_s) * _rise(pybamm.t)
        headroom_v = MAX_VOLTAGE_V - variables["Voltage [V]"] - slow_v
        return _smaller(wanted_a + variables["Current [A]"], VOLTAGE_STIFFNESS_A_V * headroom_v)

    model = _cell_model(limited_current, slow_v, chemistry)
    charge_ah = -model.variables["Discharge capacity [A.h]"]
    end_ah = pybamm.InputParameter(f"step_{MAX_FAST_STEPS}_end_ah")
    model.rhs[since_fast_charge_s] = _switch((charge_ah - end_ah) / STEP_WIDTH_AH)
    model.initial_conditions[since_fast_charge_s] = pybamm.Scalar(0)
    armed_after_s = pybamm.InputParameter("rest_s") + ARMED_AFTER_S
    not_armed = _switch((armed_after_s - since_fast_charge_s) / 5) * _switch(
        (LATEST_CHARGE_S - pybamm.t) / 5
    )
    above_a = -model.variables["Current [A]"] - CUT_OFF_CURRENT_A
    model.events = [pybamm.Event("cut-off current", above_a + 10 * not_armed)]
    return _discretised(model, chemistry)


def build_discharge(chemistry: Chemistry) -> Any:
    """A discretised model of rest and discharge; inputs as from `charging.discharge_inputs`."""
    slow_v = pybamm.Variable("Slow overpotential [V]")
    under_way = _switch((pybamm.t - REST_BEFORE_DISCHARGE_S) / SWITCH_WIDTH_S)

    def limited_current(variables: dict[str, Any]) -> Any:
        wanted_a = DISCHARGE_C_RATE * NOMINAL_CAPACITY_AH * under_way
        headroom_v = variables["Voltage [V]"] + slow_v - MIN_VOLTAGE_V
        return _smaller(wanted_a - variables["Current [A]"], VOLTAGE_STIFFNESS_A_V * headroom_v)

    model = _cell_model(limited_current, slow_v, chemistry)
    not_armed = _switch((ARMED_AFTER_S + REST_BEFORE_DISCHARGE_S - pybamm.t) / 5)
    above_a = model.variables["Current [A]"] - CUT_OFF_CURRENT_A
    left_ah = pybamm.InputParameter("discharge_ah") - model.variables["Discharge capacity [A.h]"]
    model.events = [
        pybamm.Event("cut-off current", above_a + 10 * not_armed),
        pybamm.Event("capacity of the cell", left_ah),
    ]
    return _discretised(model, chemistry)


def _cell_model(limited_current: Any, slow_v: Any, chemistry: Chemistry) -> Any:
    options = {
        "thermal": "lumped",
        "use lumped thermal capacity": "true",
        "contact resistance": "true",
        "operating mode": limited_current,
    }
    model = pybamm.lithium_ion.SPM(options)
    drop_v = -model.variables["Current [A]"] * chemistry.slow_resistance_ohm
    model.rhs[slow_v] = (drop_v - slow_v) / chemistry.slow_time_s
    model.initial_conditions[slow_v] = pybamm.Scalar(0)
    model.variables[OUTPUTS["voltage_v"]] = model.variables["Voltage [V]"] + slow_v
    return model


def _policy_current_a(charge_ah: Any, since_fast_charge_s: Any) -> Any:
    """The steps of the policy, then the rest, then 1 C."""
    rates = [pybamm.InputParameter(f"step_{k}_c_rate") for k in range(1, MAX_FAST_STEPS + 1)]
    ends_ah = [pybamm.InputParameter(f"step_{k}_end_ah") for k in range(1, MAX_FAST_STEPS + 1)]
    fast = rates[0]
    for before, after, end_ah in zip(rates, rates[1:], ends_ah, strict=False):
        fast = fast + (after - before) * _switch((charge_ah - end_ah) / STEP_WIDTH_AH)
    fast = fast * _switch((ends_ah[-1] - charge_ah) / STEP_WIDTH_AH)
    # The charge alone would let the current creep: what is left of it falls with 1 / time.
    fast = fast * _switch((OFF_AFTER_S - since_fast_charge_s) / OFF_WIDTH_S)
    resumed = _switch((since_fast_charge_s - pybamm.InputParameter("rest_s")) / SWITCH_WIDTH_S)
    return NOMINAL_CAPACITY_AH * (fast * (1 - resumed) + resumed)


def _rise(time_s: Any) -> Any:
    """The cycler's first sample falls into the rise of the current: real ones show 0.3-0.5 C."""
    return 0.08 + 0.92 * np.tanh(time_s / SWITCH_WIDTH_S)


def _switch(argument: Any) -> Any:
    """0 far below zero, 1 far above, smooth between."""
    return 0.5 * (1 + np.tanh(argument))


def _smaller(first: Any, second: Any) -> Any:
    """The smaller of two residuals, with a corner of 1 mA that the solver can follow."""
    return 0.5 * (first + second - np.sqrt((first - second) ** 2 + 1e-6))


def _discretised(model: Any, chemistry: Chemistry) -> Any:
    values = parameter_values(chemistry)
    geometry = model.default_geometry
    values.process_geometry(geometry)
    processed = values.process_model(model, inplace=False)
    points = {"x_n": 12, "x_s": 8, "x_p": 12, "r_n": 20, "r_p": 20}
    mesh = pybamm.Mesh(geometry, model.default_submesh_types, points)
    return pybamm.Discretisation(mesh, model.default_spatial_methods).process_model(
        processed, inplace=False
    )
