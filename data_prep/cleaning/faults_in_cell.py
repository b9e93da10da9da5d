"""What can be wrong with a charge that is seen beside the other charges of its cell.

Each function takes the cell, its charges by cycle number and the rule's threshold, and returns
what it found in words, by cycle number. No function looks at another cell.
"""

from collections.abc import Mapping

import numpy as np

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


def truncated_charges(cell: Cell, charges: Charges, least_share: float) -> dict[int, str]:
    """Charges that end before the limit and without a taper, and fall short of the usual capacity.

    A protocol that ends at a state of charge ends there in every cycle, so that its charges are
    as large as usual. A cell of few charges has no usual capacity: the end alone decides.
    """
    found = {}
    for (number, charge), share in zip(charges.items(), _usual_shares(charges), strict=True):
        if not _reaches_its_end(cell, charge) and not share >= least_share:
            limit = f", the limit is {cell.max_voltage_v:.4g} V" if cell.max_voltage_v else ""
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
    difference_v = np.abs(one.voltage_v - other.voltage_v).max()
    difference_c_rate = np.abs(one.current_c_rate - other.current_c_rate).max()
    return bool(difference_v <= most_v and difference_c_rate <= SAME_CURRENT_C_RATE)


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


def _reaches_its_end(cell: Cell, charge: Charge) -> bool:
    limit_v = charge.voltage_v.max() if cell.max_voltage_v is None else cell.max_voltage_v
    before_c_rate = np.interp(0.8 * charge.time_s[-1], charge.time_s, charge.current_c_rate)
    # The last sample may already be that of the charger switching off.
    last_c_rate = np.median(charge.current_c_rate[-3:])
    at_limit = charge.voltage_v[-1] >= limit_v - NEAR_LIMIT_V
    return bool(at_limit or last_c_rate <= TAPERED_SHARE * before_c_rate)


def _against_usual(charge: Charge, share: float) -> str:
    charged = f"; {charge.charge_capacity_ah[-1]:.3g} Ah charged"
    return charged if np.isnan(share) else f"{charged}, {share:.2f} of the usual"
