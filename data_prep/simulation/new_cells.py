"""Policies and lives of cells that do not exist, in the space of those that do."""

import numpy as np

from data_prep.protocol import FAST_CHARGE_END_SOC
from data_prep.simulation.policies import fast_charge_steps

# ln(life) = level - 2.43 ln(mean rate) + N(0, 0.24): a fit to the 124 published ones.
LIFE_FALL, LIFE_SPREAD = 2.43, 0.24
SHORTEST_LIFE, LONGEST_LIFE = 140, 2300
SLOWEST_MEAN_C_RATE, FASTEST_MEAN_C_RATE = 3.6, 5.4


def mean_c_rate(policy: str) -> float:
    """Of the charge to 80 %: what it stores divided by how long it takes."""
    hours, start_soc = 0.0, 0.0
    for step in fast_charge_steps(policy):
        hours += (step.end_soc - start_soc) / step.current_c_rate
        start_soc = step.end_soc
    return FAST_CHARGE_END_SOC / hours


def drawn_policy(draw: np.random.Generator) -> str:
    """Two steps in the space of the published ones: 0 to 80 % in nine to thirteen minutes."""
    while True:
        first, second = draw.uniform(3.6, 8), draw.uniform(3, 6)
        policy = f"{first:.1f}C({draw.integers(2, 80)}%)-{second:.1f}C"
        if SLOWEST_MEAN_C_RATE <= mean_c_rate(policy) <= FASTEST_MEAN_C_RATE:
            return policy


def drawn_life(policy: str, life_level: float, draw: np.random.Generator) -> int:
    """A life as the law has it, with its spread."""
    while True:
        logarithm = life_level - LIFE_FALL * np.log(mean_c_rate(policy))
        life = round(np.exp(logarithm + draw.normal(0, LIFE_SPREAD)))
        if SHORTEST_LIFE <= life <= LONGEST_LIFE:
            return life
