"""Cells and cycle numbers in, solved charges and discharges out, in batches.

What the simulation leaves out, and where it is weak (numbers: docs/simulation.md):

- Every charge and every discharge begins with even concentrations: no relaxation carries over. A
  record's first charge starts from a rested cell, whatever was done to the cell before.
- The pulses that measure the internal resistance at 80 % are not in the charge.
- The last of the constant-voltage tail is too short: 1/20 C comes one to three minutes early.
- Past the end of life the fast charge cannot end: the cut-off then counts from 25 minutes on.
- The temperature reaches what real cells reach, and cools as fast; it rises too fast in the first
  minute, where a real thermocouple lags.
- The discharge is right to 25 mAh over its voltage: filler, not for studies of dQ/dV. It ends
  where the ageing law says, or at 1/50 C.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_prep.errors import UserError
from data_prep.records import FloatArray
from data_prep.simulation.cells import (
    FRESH_RESISTANCE_OHM,
    AgeingState,
    CellSpec,
    ageing_state,
    cycle_noise,
    generator,
)
from data_prep.simulation.electrochemistry import OUTPUTS, build_charge, build_discharge
from data_prep.simulation.open_circuit import empty_stoichiometry
from data_prep.simulation.optional_pybamm import pybamm
from data_prep.simulation.parameters import (
    CHARGE,
    DISCHARGE,
    DISCHARGE_COOLING_SHARE,
    HEAT_TRANSFER_W_M2_K,
    MAX_VOLTAGE_V,
    REFERENCE_TEMPERATURE_K,
    Chemistry,
)
from data_prep.simulation.policies import MAX_FAST_STEPS, NOMINAL_CAPACITY_AH, fast_charge_steps

LONGEST_S = 7200.0
# Times at which the solver interpolates with its own polynomial; between its steps, which are up
# to a minute long, a straight line would be off by millivolts.
CHARGE_OUTPUT_S = 4.0
DISCHARGE_OUTPUT_S = 2.0
BATCH_SIZE = 128  # bounds the memory; larger ones are not faster
NUM_THREADS = 1  # cells go to processes
RELATIVE_TOLERANCE = 1e-5
ABSOLUTE_TOLERANCE = 1e-7
# The cut-off comes before the open-circuit voltage is 3.6 V: so much less is charged.
CHARGE_SHORTFALL_AH = 0.0071
# Charges from storage begin near 2.6 V, those after a discharge near 2.1 V (Attia et al. 2020).
RESTED_X = 0.01
WARMTH_LEFT_K = 0.3  # above the chamber when a charge begins


@dataclass(frozen=True)
class Curves:
    """A solved charge or discharge; arrays of shape `(points,)`.

    Args:
        time_s: From 0, regular but for the last, the end.
        voltage_v: Terminal voltage.
        current_a: Positive while charging.
        temperature_degc: One for the whole cell.
        moved_ah: Charge moved since the start, positive in both directions.
    """

    time_s: FloatArray
    voltage_v: FloatArray
    current_a: FloatArray
    temperature_degc: FloatArray
    moved_ah: FloatArray


@dataclass(frozen=True)
class SolvedCycle:
    """A cycle without sensors: its charge and its discharge."""

    number: int
    charge: Curves
    discharge: Curves


class Cycler:
    """Solves cycles of cells; holds the two models, which take seconds to build."""

    def __init__(self) -> None:
        self._charge = _Stage(build_charge(CHARGE), CHARGE_OUTPUT_S)
        self._discharge = _Stage(build_discharge(DISCHARGE), DISCHARGE_OUTPUT_S)

    def run(self, cell: CellSpec, cycles: Sequence[int]) -> Iterator[SolvedCycle]:
        """The cycles asked for, in the order asked for.

        Raises:
            UserError: A policy that cannot be read, or that the model cannot follow.
        """
        for start in range(0, len(cycles), BATCH_SIZE):
            part = cycles[start : start + BATCH_SIZE]
            state = ageing_state(cell, part)
            charges = self.charges(cell, state)
            inputs = discharge_inputs(charge_inputs(cell, state), charges, state)
            discharges = self._discharge.solve(inputs, cell)
            yield from map(SolvedCycle, part, charges, discharges)

    def charges(self, cell: CellSpec, state: AgeingState) -> list[Curves]:
        """The charges of a cell in the given states.

        Raises:
            UserError: As `run`.
        """
        return self._charge.solve(charge_inputs(cell, state), cell)


def charge_inputs(cell: CellSpec, state: AgeingState) -> list[dict[str, float]]:
    """One dictionary of model inputs for every cycle of a state."""
    draw = generator(cell, purpose=3)
    heat_transfer = HEAT_TRANSFER_W_M2_K * np.exp(draw.normal(0, 0.15))
    chamber_k = REFERENCE_TEMPERATURE_K + 0.25 * cycle_noise(cell, state.cycles, 4)
    graphite_ah = CHARGE.graphite_ah * state.graphite_share
    empty_y = _empty_stoichiometry(state.capacity_ah + CHARGE_SHORTFALL_AH, graphite_ah, CHARGE)
    added_ohm = state.internal_resistance_ohm - FRESH_RESISTANCE_OHM + state.settling_ohm
    initial_x = CHARGE.empty_x + RESTED_X * state.rested
    steps = _step_inputs(cell.policy)
    return [
        {
            **steps,
            "rest_s": cell.rest_s,
            "initial_x": float(initial_x[k]),
            "initial_y": float(empty_y[k]),
            "graphite_ah": float(graphite_ah[k]),
            "graphite_rate_share": float(state.graphite_rate_share[k]),
            "contact_resistance_ohm": float(CHARGE.contact_resistance_ohm + added_ohm[k]),
            "heat_transfer_w_m2_k": float(heat_transfer),
            "chamber_temperature_k": float(chamber_k[k]),
            "initial_temperature_k": float(chamber_k[k] + WARMTH_LEFT_K),
        }
        for k in range(state.cycles.size)
    ]


def discharge_inputs(
    inputs: Sequence[dict[str, float]], charges: Sequence[Curves], state: AgeingState
) -> list[dict[str, float]]:
    """The inputs of the discharges that follow: they take out what the charges put in."""
    charged_ah = np.array([charge.moved_ah[-1] for charge in charges])
    graphite_ah = DISCHARGE.graphite_ah * state.graphite_share
    empty_y = _empty_stoichiometry(charged_ah, graphite_ah, DISCHARGE)
    more_resistive = DISCHARGE.contact_resistance_ohm / CHARGE.contact_resistance_ohm
    return [
        {
            **given,
            "initial_x": float(DISCHARGE.empty_x + charged_ah[k] / graphite_ah[k]),
            "initial_y": float(empty_y[k] - charged_ah[k] / DISCHARGE.lfp_ah),
            "graphite_ah": float(graphite_ah[k]),
            "contact_resistance_ohm": given["contact_resistance_ohm"] * more_resistive,
            "heat_transfer_w_m2_k": given["heat_transfer_w_m2_k"] * DISCHARGE_COOLING_SHARE,
            "initial_temperature_k": float(charges[k].temperature_degc[-1] + 273.15),
            "discharge_ah": float(state.capacity_ah[k]),
        }
        for k, given in enumerate(inputs)
    ]


def _empty_stoichiometry(
    capacity_ah: FloatArray, graphite_ah: FloatArray, chemistry: Chemistry
) -> FloatArray:
    return empty_stoichiometry(
        capacity_ah,
        graphite_ah,
        lfp_ah=chemistry.lfp_ah,
        empty_x=chemistry.empty_x,
        full_v=MAX_VOLTAGE_V,
        curves=chemistry.curves,
    )


def _step_inputs(policy: str) -> dict[str, float]:
    """Every model has `MAX_FAST_STEPS` steps; a shorter policy repeats its last."""
    steps = list(fast_charge_steps(policy))
    steps += [steps[-1]] * (MAX_FAST_STEPS - len(steps))
    inputs = {}
    for number, step in enumerate(steps, start=1):
        inputs[f"step_{number}_c_rate"] = step.current_c_rate
        inputs[f"step_{number}_end_ah"] = step.end_soc * NOMINAL_CAPACITY_AH
    return inputs


class _Stage:
    """A model, the solver that is bound to it, and the times of its output."""

    def __init__(self, model: Any, output_s: float) -> None:
        self._model = model
        self._times_s = np.arange(0.0, LONGEST_S, output_s)
        # Compiled equations take half the time; PyBaMM compiles with gcc and nothing else.
        options = {"num_threads": NUM_THREADS, "compile": shutil.which("gcc") is not None}
        self._solver = pybamm.IDAKLUSolver(
            rtol=RELATIVE_TOLERANCE,
            atol=ABSOLUTE_TOLERANCE,
            output_variables=list(OUTPUTS.values()),
            options=options,
        )

    def solve(self, inputs: list[dict[str, float]], cell: CellSpec) -> list[Curves]:
        """One solution for every dictionary of inputs, to its cut-off."""
        try:
            solutions = self._solver.solve(
                self._model, [0, LONGEST_S], t_interp=self._times_s, inputs=inputs
            )
        except pybamm.SolverError as error:
            raise UserError(
                f"{cell.barcode}: the model cannot follow this policy at this age. "
                f"Received: policy={cell.policy!r}, eol={cell.eol}."
            ) from error
        # PyBaMM returns one solution, not a list of one, for a batch of one.
        solutions = solutions if isinstance(solutions, list) else [solutions]
        return [_curves(solution) for solution in solutions]


def _curves(solution: Any) -> Curves:
    values = {name: solution[output].entries.ravel() for name, output in OUTPUTS.items()}
    charging = -1.0 if values["discharge_ah"][-1] < 0 else 1.0
    return Curves(
        time_s=np.asarray(solution.t),
        voltage_v=values["voltage_v"],
        current_a=-values["current_a"],
        temperature_degc=values["temperature_degc"],
        moved_ah=charging * values["discharge_ah"],
    )
