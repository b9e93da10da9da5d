"""What can be wrong with a charge that is seen beside the other charges of its cell.

Each function takes the cell, its charges by cycle number and the rule's threshold, and returns
what it found in words, by cycle number. No function looks at another cell.
"""

from collections.abc import Mapping

import numpy as np

from data_prep.cleaning.odd_signals import constant_runs, share_of_time, stuck
from data_prep.records import Cell, Charge, FloatArray

Charges = Mapping[int, Charge]

# Charges before and behind whose median is the usual capacity; ageing does not show over them.
NEIGHBOURS = 5
# Fewer others than these have no usual capacity.
LEAST_OTHERS = 4
# A charge has reached its end this near below the limit of the voltage, or where the current has
# fallen to this share of what it was before its last fifth.
NEAR_LIMIT_V = 0.05
TAPERED_SHARE = 0.8
# Of two records of one charge; two charges of one cell came no nearer than 3e-4 V and 5e-3 C.
SAME_CURRENT_C_RATE = 1e-3
SAME_TIME_S = 1.0
SAME_TEMPERATURE_K = 0.1
# A cell that takes this current warms by more than a sensor of 0.1 K can miss, not by more than
# the digit of one that shows half degrees or whole ones.
WARMING_C_RATE = 0.5
COARSE_DIGIT_K = 0.5
# Of the charges of a cell; a sensor that is stuck in more of them is none.
MOST_STUCK_CHARGES = 0.5


def truncated_charges(cell: Cell, charges: Charges, least_share: float) -> dict[int, str]:
    """Charges that end before the limit and without a taper, and fall short of the usual capacity.

    A protocol that ends at a state of charge ends there in every cycle, so that its charges are
    as large as usual. A cell of few charges has no usual capacity: the end alone decides.
    """
    found = {}
    highest_v = max((float(charge.voltage_v.max()) for charge in charges.values()), default=0.0)
    limit_v = highest_v if cell.max_voltage_v is None else cell.max_voltage_v
    for (number, charge), share in zip(charges.items(), _usual_shares(charges), strict=True):
        if not _reaches_its_end(charge, limit_v) and not share >= least_share:
            known = "the limit is" if cell.max_voltage_v else "the cell's charges reach"
            limit = f", {known} {limit_v:.4g} V"
            found[number] = (
                f"ends at {charge.voltage_v[-1]:.4g} V and {charge.current_c_rate[-1]:.3g} C "
                f"without a taper{limit}{_against_usual(charge, share)}"
            )
    return found


def partial_charges(cell: Cell, charges: Charges, least_share: float) -> dict[int, str]:
    """Charges that fall short of the usual capacity: they began half full.

    Those that broke off before their end are to be taken out before (`truncated_charges`).
    """
    return {
        number: f"begins at {charge.voltage_v[0]:.4g} V{_against_usual(charge, share)}"
        for (number, charge), share in zip(charges.items(), _usual_shares(charges), strict=True)
        if share < least_share
    }


def missing_temperatures(cell: Cell, charges: Charges, most_share: float) -> dict[int, str]:
    """Charges without temperature in a cell where the most have one; else it is not measured."""
    missing = [number for number, charge in charges.items() if charge.temperature_degc is None]
    if not missing or len(missing) > most_share * len(charges):
        return {}
    others = f"though {len(charges) - len(missing)} of {len(charges)} charges of the cell have one"
    return {number: f"no temperature, {others}" for number in missing}


def stuck_temperatures(cell: Cell, charges: Charges, most_share: float) -> dict[int, str]:
    """Charges whose temperature stays the same to the last digit while the cell must warm.

    The sensor is judged by the smallest step that it shows in any charge of the cell.
    """
    digit_k = min(map(_smallest_step, charges.values()), default=np.inf)
    if COARSE_DIGIT_K <= digit_k < np.inf:
        return {}
    found = {n: _stuck_temperature(charge, most_share) for n, charge in charges.items()}
    return {number: detail for number, detail in found.items() if detail}


def sensor_is_stuck(found: Mapping[int, str], charges: Charges) -> bool:
    """Whether the temperature of a cell is a set point, or that of a sensor that is broken."""
    measured = sum(charge.temperature_degc is not None for charge in charges.values())
    return len(found) > MOST_STUCK_CHARGES * measured


def duplicated_charges(cell: Cell, charges: Charges, most_v: float) -> dict[int, str]:
    """Charges that repeat an earlier charge of the cell sample by sample."""
    found: dict[int, str] = {}
    originals: dict[tuple[int, int], list[tuple[int, Charge]]] = {}
    for number, charge in charges.items():
        # Equal records end alike; of the others only a few are left to be compared.
        size, last_s = charge.time_s.size, round(float(charge.time_s[-1]))
        near = [item for end in (-1, 0, 1) for item in originals.get((size, last_s + end), [])]
        copied = next((n for n, other in near if _same_charge(charge, other, most_v)), None)
        if copied is None:
            originals.setdefault((size, last_s), []).append((number, charge))
        else:
            found[number] = f"the same samples as cycle {copied}"
    return found


def _same_charge(one: Charge, other: Charge, most_v: float) -> bool:
    compared = (
        (one.voltage_v, other.voltage_v, most_v),
        (one.current_c_rate, other.current_c_rate, SAME_CURRENT_C_RATE),
        (one.time_s, other.time_s, SAME_TIME_S),
        (one.temperature_degc, other.temperature_degc, SAME_TEMPERATURE_K),
    )
    return all(
        np.abs(here - there).max() <= most
        for here, there, most in compared
        if here is not None and there is not None
    )


def _smallest_step(charge: Charge) -> float:
    """The digit of the temperature, infinite where it shows none."""
    if charge.temperature_degc is None:
        return np.inf
    steps_k = np.diff(np.unique(charge.temperature_degc.round(4)))
    return float(steps_k.min(initial=np.inf))


def _stuck_temperature(charge: Charge, most_share: float) -> str | None:
    if charge.temperature_degc is None:
        return None
    warming = charge.current_c_rate > WARMING_C_RATE
    for start, stop in constant_runs(charge.temperature_degc, warming):
        share = share_of_time(charge, start, stop)
        if share > most_share:
            return stuck(f"{charge.temperature_degc[start]:.4g} degC", share)
    return None


def _usual_shares(charges: Charges) -> FloatArray:
    """Each charged capacity over the median of its neighbours'; NaN where too few are known."""
    capacities_ah = np.array([charge.charge_capacity_ah[-1] for charge in charges.values()])
    shares = np.full(capacities_ah.size, np.nan)
    for index, capacity_ah in enumerate(capacities_ah):
        before = capacities_ah[max(index - NEIGHBOURS, 0) : index]
        others = np.concatenate([before, capacities_ah[index + 1 : index + 1 + NEIGHBOURS]])
        if others.size >= LEAST_OTHERS:
            shares[index] = capacity_ah / np.median(others)
    return shares


def _reaches_its_end(charge: Charge, limit_v: float) -> bool:
    before_c_rate = np.interp(0.8 * charge.time_s[-1], charge.time_s, charge.current_c_rate)
    # The last sample may already be that of the charger switching off.
    last_c_rate = np.median(charge.current_c_rate[-3:])
    at_limit = charge.voltage_v[-1] >= limit_v - NEAR_LIMIT_V
    return bool(at_limit or last_c_rate <= TAPERED_SHARE * before_c_rate)


def _against_usual(charge: Charge, share: float) -> str:
    charged = f"; {charge.charge_capacity_ah[-1]:.3g} Ah charged"
    return charged if np.isnan(share) else f"{charged}, {share:.2f} of the usual"
