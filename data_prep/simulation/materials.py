"""The parameter values of the model: constants of the cell, and inputs that differ by charge."""

from collections.abc import Callable
from typing import Any

import numpy as np

from data_prep.simulation.optional_pybamm import pybamm
from data_prep.simulation.parameters import (
    CELL_VOLUME_M3,
    COOLING_AREA_M2,
    ELECTRODE_AREA_M2,
    FARADAY_C_MOL,
    GAS_CONSTANT_J_MOL_K,
    GRAPHITE_ACTIVATION_J_MOL,
    GRAPHITE_MAX_MOL_M3,
    GRAPHITE_THICKNESS_M,
    HEAT_CAPACITY_J_K,
    LFP_ACTIVATION_J_MOL,
    LFP_MAX_MOL_M3,
    LFP_THICKNESS_M,
    REFERENCE_TEMPERATURE_K,
    Chemistry,
)
from data_prep.simulation.policies import NOMINAL_CAPACITY_AH


def parameter_values(chemistry: Chemistry) -> Any:
    """Prada et al. 2013 (a 2.3 Ah A123 cell) scaled to this cell, with the fitted chemistry."""
    values = pybamm.ParameterValues("Prada2013")
    temperature_k = pybamm.InputParameter("chamber_temperature_k")
    values.update(
        {
            "Nominal cell capacity [A.h]": NOMINAL_CAPACITY_AH,
            "Current function [A]": NOMINAL_CAPACITY_AH,
            "Electrode height [m]": 0.3,
            "Electrode width [m]": ELECTRODE_AREA_M2 / 0.3,
            "Reference temperature [K]": REFERENCE_TEMPERATURE_K,
            "Ambient temperature [K]": temperature_k,
            "Initial temperature [K]": pybamm.InputParameter("initial_temperature_k"),
            "Contact resistance [Ohm]": pybamm.InputParameter("contact_resistance_ohm"),
            **_electrode_values(chemistry),
        }
    )
    values.update(_thermal_values(), check_already_exists=False)
    return values


def _electrode_values(chemistry: Chemistry) -> dict[str, Any]:
    ah_per_fraction = FARADAY_C_MOL * ELECTRODE_AREA_M2 / 3600
    graphite_share = pybamm.InputParameter("graphite_ah") / (
        ah_per_fraction * GRAPHITE_THICKNESS_M * GRAPHITE_MAX_MOL_M3
    )
    lfp_share = chemistry.lfp_ah / (ah_per_fraction * LFP_THICKNESS_M * LFP_MAX_MOL_M3)
    graphite_rate = chemistry.graphite_rate * pybamm.InputParameter("graphite_rate_share")
    return {
        "Negative electrode active material volume fraction": graphite_share,
        "Positive electrode active material volume fraction": lfp_share,
        "Negative electrode OCP [V]": chemistry.curves.graphite_v,
        "Positive electrode OCP [V]": chemistry.curves.lfp_v,
        "Negative electrode exchange-current density [A.m-2]": _exchange_current(
            graphite_rate, GRAPHITE_ACTIVATION_J_MOL
        ),
        "Positive electrode exchange-current density [A.m-2]": _exchange_current(
            chemistry.lfp_rate, LFP_ACTIVATION_J_MOL
        ),
        "Negative particle diffusivity [m2.s-1]": _diffusivity(
            chemistry.graphite_diffusivity_m2_s,
            chemistry.graphite_diffusivity_slope,
            0.5,
            GRAPHITE_ACTIVATION_J_MOL,
        ),
        "Positive particle diffusivity [m2.s-1]": _diffusivity(
            chemistry.lfp_diffusivity_m2_s,
            chemistry.lfp_diffusivity_slope,
            0.3,
            GRAPHITE_ACTIVATION_J_MOL,  # none is known for LFP; the cell stays within 9 K anyway
        ),
        "Initial concentration in negative electrode [mol.m-3]": GRAPHITE_MAX_MOL_M3
        * pybamm.InputParameter("initial_x"),
        "Initial concentration in positive electrode [mol.m-3]": LFP_MAX_MOL_M3
        * pybamm.InputParameter("initial_y"),
    }


def _thermal_values() -> dict[str, Any]:
    return {
        "Cell volume [m3]": CELL_VOLUME_M3,
        "Cell cooling surface area [m2]": COOLING_AREA_M2,
        "Cell heat capacity [J.K-1.m-3]": HEAT_CAPACITY_J_K / CELL_VOLUME_M3,
        "Total heat transfer coefficient [W.m-2.K-1]": pybamm.InputParameter(
            "heat_transfer_w_m2_k"
        ),
        # PyBaMM asks for the collectors' resistance; Prada et al. do not give it.
        "Negative current collector thickness [m]": 1e-5,
        "Positive current collector thickness [m]": 1.5e-5,
        "Negative current collector conductivity [S.m-1]": 5.8e7,
        "Positive current collector conductivity [S.m-1]": 3.7e7,
    }


def _warmer(activation_j_mol: float, temperature_k: Any) -> Any:
    return np.exp(
        activation_j_mol / GAS_CONSTANT_J_MOL_K * (1 / REFERENCE_TEMPERATURE_K - 1 / temperature_k)
    )


def _exchange_current(rate: Any, activation_j_mol: float) -> Callable[..., Any]:
    def density(electrolyte: Any, surface: Any, maximum: Any, temperature_k: Any) -> Any:
        occupied = np.sqrt(electrolyte) * np.sqrt(surface) * np.sqrt(maximum - surface)
        return rate * _warmer(activation_j_mol, temperature_k) * occupied

    return density


def _diffusivity(
    level: float, slope: float, centre: float, activation_j_mol: float
) -> Callable[..., Any]:
    def diffusivity(stoichiometry: Any, temperature_k: Any) -> Any:
        shape = np.exp(-slope * (stoichiometry - centre))
        return level * shape * _warmer(activation_j_mol, temperature_k)

    return diffusivity
