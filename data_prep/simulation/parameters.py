"""What the simulated cell is made of: an A123 APR18650M1A, LFP against graphite, 1.1 Ah.

Constants without a source of their own are Prada et al. 2013 (doi 10.1149/2.053304jes, the
PyBaMM set "Prada2013"). The chemistry of the charge was fitted to voltage and tail current of 24
charges of six real cells of this type under three fast-charge policies (Attia et al. 2020; cycles
5, 20, 100 and at 40 % of life), that of the discharge to discharge curves of MATR batch 2. One set
does not serve both: LFP follows another path on the way back. They are fits to curves, with the
mesh of `electrochemistry`, and no measurements of the materials: the slow pair of the charge with
its 48 minutes is in effect a slope of the voltage over the charge.
"""

from dataclasses import dataclass

from data_prep.simulation.open_circuit import OpenCircuit
from data_prep.simulation.policies import NOMINAL_CAPACITY_AH

FARADAY_C_MOL = 96485.33
GAS_CONSTANT_J_MOL_K = 8.314
REFERENCE_TEMPERATURE_K = 303.15  # the chamber of the MATR experiments, 30 degC

ELECTRODE_AREA_M2 = 0.18 * NOMINAL_CAPACITY_AH / 2.3  # the area of the 2.3 Ah cell, scaled
GRAPHITE_THICKNESS_M = 3.4e-5
LFP_THICKNESS_M = 8.0e-5
GRAPHITE_MAX_MOL_M3 = 30555.0
LFP_MAX_MOL_M3 = 22806.0
GRAPHITE_ACTIVATION_J_MOL = 35000.0
LFP_ACTIVATION_J_MOL = 39570.0

CELL_VOLUME_M3 = 1.691e-5  # an 18650: radius 9.1 mm, height 65 mm
COOLING_AREA_M2 = 0.0042
HEAT_CAPACITY_J_K = 46.0
# Real cells lose their heat with a time constant of 290 s (a raw cycler file of a MATR cell).
HEAT_TRANSFER_W_M2_K = 38.0
# The model knows nothing of the heat of hysteresis; less cooling stands in for it, so that a
# discharge warms as much as those of MATR batch 2.
DISCHARGE_COOLING_SHARE = 0.55

MAX_VOLTAGE_V = 3.6
MIN_VOLTAGE_V = 2.0
CUT_OFF_CURRENT_A = NOMINAL_CAPACITY_AH / 50
DISCHARGE_C_RATE = 4.0
REST_BEFORE_DISCHARGE_S = 16.0


@dataclass(frozen=True)
class Chemistry:
    """Kinetics, transport and balance of a cell as it is when new.

    Args:
        graphite_rate: Exchange current constant, A m^-2 (mol m^-3)^-1.5.
        lfp_rate: The same for LFP.
        graphite_diffusivity_m2_s: At stoichiometry 0.5.
        graphite_diffusivity_slope: It falls with `exp(-slope * x)`.
        lfp_diffusivity_m2_s: At stoichiometry 0.3.
        lfp_diffusivity_slope: The same for LFP.
        contact_resistance_ohm: In series.
        slow_resistance_ohm: Of the slow resistor-capacitor pair.
        slow_time_s: Its time constant.
        graphite_ah: Capacity of graphite between stoichiometry 0 and 1.
        lfp_ah: The same for LFP.
        empty_x: Stoichiometry of graphite in the empty cell.
        curves: Open-circuit potentials.
    """

    graphite_rate: float
    lfp_rate: float
    graphite_diffusivity_m2_s: float
    graphite_diffusivity_slope: float
    lfp_diffusivity_m2_s: float
    lfp_diffusivity_slope: float
    contact_resistance_ohm: float
    slow_resistance_ohm: float
    slow_time_s: float
    graphite_ah: float
    lfp_ah: float
    empty_x: float
    curves: OpenCircuit


CHARGE = Chemistry(
    graphite_rate=9.9782e-07,
    lfp_rate=7.681e-06,
    graphite_diffusivity_m2_s=2.7131e-15,
    graphite_diffusivity_slope=-1.406,
    lfp_diffusivity_m2_s=4.2234e-18,
    lfp_diffusivity_slope=-2.516,
    contact_resistance_ohm=0.015044,
    slow_resistance_ohm=0.06668,
    slow_time_s=2858,
    graphite_ah=1.5001,
    lfp_ah=1.1415,
    empty_x=0.00037878,
    curves=OpenCircuit(
        plateau_v=3.37605,
        slope_v=0.033992,
        full_v=0.74317,
        full_rate=39.37,
        empty_v=5.9909,
        empty_rate=156.37,
        graphite_width=0.20077,
    ),
)
DISCHARGE = Chemistry(
    graphite_rate=4.7796e-5,
    lfp_rate=2.3807e-5,
    graphite_diffusivity_m2_s=5.0325e-13,
    graphite_diffusivity_slope=2.465,
    lfp_diffusivity_m2_s=1.0910e-18,
    lfp_diffusivity_slope=-2.962,
    contact_resistance_ohm=0.02898,
    slow_resistance_ohm=0.00763,
    slow_time_s=165.4,
    graphite_ah=1.3775,
    lfp_ah=1.2569,
    empty_x=0.0008,
    curves=OpenCircuit(
        plateau_v=3.41633,
        slope_v=0.05321,
        full_v=0.29132,
        full_rate=23.749,
        empty_v=1.64138,
        empty_rate=387.68,
        graphite_width=0.09817,
    ),
)
