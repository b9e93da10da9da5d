import dataclasses
from pathlib import Path

import numpy as np
import pytest

from data_prep.charges.clock import mend_clock
from data_prep.charges.segmentation import charge_segments, cut_charge
from data_prep.cleaning.checks import (
    cell_faults,
    charge_fault,
    sample_fault,
    segment_fault,
    stuck_sensor,
)
from data_prep.records import Rejection
from data_prep.sources.bdf import reader as bdf
from data_prep.sources.nasa import reader as nasa
from tests.builders import NOMINAL_CAPACITY_AH, a_cell, a_charge, read_cells

SHARE = np.linspace(0.0, 1.0, 61)


def a_charge_of(share=1.0, number=0, last_v=3.6, last_c_rate=1.0, **replaced):
    """A charge of a share of the nominal capacity, whose current falls over the last fifth.

    The voltage begins 1 mV higher from number to number, so that no two are alike.
    """
    capacity_ah = share * NOMINAL_CAPACITY_AH * SHARE
    current_c_rate = np.interp(SHARE, [0.0, 0.8, 1.0], [1.0, 1.0, last_c_rate])
    series = {
        "voltage_v": np.linspace(3.0 + 0.001 * number, last_v, 61),
        "current_c_rate": current_c_rate,
        "charge_capacity_ah": capacity_ah,
        "integrated_capacity_ah": capacity_ah,
    }
    return a_charge(**(series | replaced))


def usual(count=10):
    """Charges 1 to `count`, of the nominal capacity."""
    return {number: a_charge_of(number=number) for number in range(1, count + 1)}


def reasons(charges, **cell_facts):
    return {n: why.reason for n, why in cell_faults(a_cell(**cell_facts), charges).items()}


def test_usual_charges_have_no_fault():
    assert reasons(usual()) == {}
    assert reasons({}) == {}


@pytest.mark.parametrize(("share", "found"), [(0.81, {}), (0.79, {6: "partial_charge"})])
def test_a_top_up_from_half_full_is_partial(share, found):
    # It comes to the limit like the others, and charges less.
    assert reasons(usual() | {6: a_charge_of(share, number=6)}) == found


def test_a_partial_charge_is_told_with_its_start_and_share():
    charges = usual() | {6: a_charge_of(0.5, number=6)}
    assert cell_faults(a_cell(), charges) == {
        6: Rejection("partial_charge", "begins at 3.006 V; 0.55 Ah charged, 0.50 of the usual")
    }


def test_ageing_over_a_life_is_no_partial_charge():
    # From the nominal capacity to 40 % of it over 100 cycles.
    charges = {n: a_charge_of(1.0 - 0.006 * n, number=n) for n in range(1, 101)}
    assert reasons(charges) == {}


def test_the_usual_capacity_is_the_median_of_the_neighbours():
    # Two of eleven are short; the others are not compared with them.
    charges = usual(11) | {5: a_charge_of(0.5, number=5), 6: a_charge_of(0.5, number=6)}
    assert reasons(charges) == {5: "partial_charge", 6: "partial_charge"}


def test_a_protocol_of_two_depths_has_no_usual_capacity_that_rejects_half_of_it():
    # A full charge, then nine to 60 %: the nine are the usual ones.
    charges = {n: a_charge_of(1.0 if n == 1 else 0.6, number=n) for n in range(1, 11)}
    assert reasons(charges) == {}


@pytest.mark.parametrize(("count", "found"), [(4, {}), (5, {1: "partial_charge"})])
def test_fewer_than_4_others_tell_no_usual_capacity(count, found):
    assert reasons(usual(count) | {1: a_charge_of(0.5, number=1)}) == found


@pytest.mark.parametrize(("last_v", "found"), [(3.56, {}), (3.54, {1: "truncated_charge"})])
def test_a_lone_charge_that_ends_below_the_limit_without_a_taper_is_truncated(last_v, found):
    # Arbin: 6 C to the limit, 1 C afterwards, ends at 3.41 V and 0.6 Ah.
    assert reasons({1: a_charge_of(0.55, last_v=last_v)}) == found


def test_without_a_known_limit_the_highest_voltage_of_the_charge_counts():
    voltage_v = np.linspace(3.0, 3.4, 61)
    assert reasons({1: a_charge_of(voltage_v=voltage_v)}, max_voltage_v=None) == {}
    voltage_v[20] = 3.6
    found = reasons({1: a_charge_of(voltage_v=voltage_v)}, max_voltage_v=None)
    assert found == {1: "truncated_charge"}


@pytest.mark.parametrize(("last_c_rate", "found"), [(0.77, {}), (0.79, {1: "truncated_charge"})])
def test_a_charge_that_tapers_below_the_stated_limit_is_complete(last_c_rate, found):
    # A file that states the limit of the material, 4.35 V, and a protocol that ends at 4.2 V.
    # The last sample but one, the median of three, is a twelfth of the fall higher: 0.79 and 0.81.
    charge = a_charge_of(last_v=4.2, last_c_rate=last_c_rate)
    assert reasons({1: charge}, max_voltage_v=4.35) == found


def test_a_protocol_that_ends_at_a_state_of_charge_is_not_truncated():
    charges = {n: a_charge_of(0.8, number=n, last_v=3.4) for n in range(1, 11)}
    assert reasons(charges) == {}


def test_a_charge_broken_off_among_full_ones_is_truncated():
    charges = usual() | {6: a_charge_of(0.5, number=6, last_v=3.4)}
    assert cell_faults(a_cell(), charges) == {
        6: Rejection(
            "truncated_charge",
            "ends at 3.4 V and 1 C without a taper, the limit is 3.6 V; 0.55 Ah charged, "
            "0.50 of the usual",
        )
    }


def test_the_charger_switching_off_is_no_taper():
    current_c_rate = np.ones(61)
    current_c_rate[-1] = 0.1
    charge = a_charge_of(last_v=3.4, current_c_rate=current_c_rate)
    assert reasons({1: charge}) == {1: "truncated_charge"}


def test_a_cycle_written_twice_counts_once():
    charges = usual()
    charges[7] = dataclasses.replace(charges[3])
    assert cell_faults(a_cell(), charges) == {
        7: Rejection("duplicated_charge", "the same samples as cycle 3")
    }


def test_copies_of_a_copy_name_the_first():
    charges = dict.fromkeys([2, 5, 9], a_charge_of())
    details = {n: why.detail for n, why in cell_faults(a_cell(), charges).items()}
    assert details == {5: "the same samples as cycle 2", 9: "the same samples as cycle 2"}


@pytest.mark.parametrize(
    ("difference", "found"),
    [
        ({"voltage_v": 0.9e-4}, {2: "duplicated_charge"}),
        ({"voltage_v": 1.1e-4}, {}),
        ({"current_c_rate": 0.9e-3}, {2: "duplicated_charge"}),
        ({"current_c_rate": 1.1e-3}, {}),
        # Rounded to another second.
        ({"time_s": np.where(SHARE == 1.0, 0.6, 0.0)}, {2: "duplicated_charge"}),
        # Readings at the same voltages at other times.
        ({"time_s": np.where(SHARE == 0.5, 1.5, 0.0)}, {}),
        ({"temperature_degc": 0.09}, {2: "duplicated_charge"}),
        ({"temperature_degc": 0.11}, {}),
    ],
)
def test_a_copy_with_other_digits_is_still_a_copy(difference, found):
    one = a_charge_of()
    changed = {name: getattr(one, name) + by for name, by in difference.items()}
    assert reasons({1: one, 2: dataclasses.replace(one, **changed)}) == found


def test_charges_of_other_lengths_are_no_copies():
    one = a_charge_of()
    longer = a_charge(points=62)
    assert reasons({1: one, 2: longer}) == {}


@pytest.mark.parametrize(("missing", "rejected"), [(5, 5), (6, 0), (10, 0)])
def test_a_temperature_lost_in_some_cycles_is_told_from_one_never_measured(missing, rejected):
    charges = usual()
    for number in range(1, missing + 1):
        charges[number] = dataclasses.replace(charges[number], temperature_degc=None)
    found = cell_faults(a_cell(), charges)
    assert set(found) == set(range(1, rejected + 1))
    if found:
        detail = "no temperature, though 5 of 10 charges of the cell have one"
        assert found[1] == Rejection("temperature_missing", detail)


def warming(number, stuck=0, digit_k=0.1, c_rate=1.0):
    """A charge that warms by 6 K, of which some first samples stay at 25 degC."""
    temperature_degc = np.round((25.0 + 6.0 * SHARE) / digit_k) * digit_k
    temperature_degc[:stuck] = 25.0
    current_c_rate = np.full(61, c_rate)
    return a_charge_of(
        number=number, temperature_degc=temperature_degc, current_c_rate=current_c_rate
    )


@pytest.mark.parametrize(
    ("samples", "c_rate", "found"),
    [
        # 30 of 60 minutes are half of the charge.
        (31, 1.0, {}),
        (32, 1.0, {6: "temperature_stuck"}),
        # A slow charge warms the cell by less than a sensor tells.
        (61, 0.49, {}),
        (61, 0.51, {6: "temperature_stuck"}),
    ],
)
def test_a_temperature_that_stays_though_the_cell_must_warm(samples, c_rate, found):
    charges = {n: warming(n) for n in range(1, 11)} | {6: warming(6, samples, c_rate=c_rate)}
    assert reasons(charges) == found


def test_a_thermometer_that_shows_whole_degrees_is_not_stuck():
    # It warms by 6 K in the most, in one by less than a degree.
    charges = {n: warming(n, digit_k=1.0) for n in range(1, 11)}
    assert reasons(charges | {6: warming(6, 61, digit_k=1.0)}) == {}


@pytest.mark.parametrize(("stuck", "absent"), [(5, False), (6, True), (10, True)])
def test_a_column_that_repeats_a_set_point_is_no_measurement(stuck, absent):
    charges = {n: warming(n, 61 if n <= stuck else 0) for n in range(1, 11)}
    note = stuck_sensor(a_cell(), charges)
    expected = (
        f"temperature left out, stays at 25 degC in {stuck} of 10 charges, such as that of cycle 1"
    )
    assert note == (expected if absent else None)
    assert stuck_sensor(a_cell(), charges, without=("temperature_stuck",)) is None


def test_rules_that_are_left_out_reject_no_charge_of_the_cell():
    charges = usual() | {6: a_charge_of(0.5, number=6)}
    assert cell_faults(a_cell(), charges, without=("partial_charge",)) == {}


def test_without_a_known_limit_the_other_charges_of_the_cell_tell_it():
    # Broken off at 3.4 V, where that is its own highest voltage.
    charges = usual() | {6: a_charge_of(0.5, number=6, last_v=3.4)}
    found = cell_faults(a_cell(max_voltage_v=None), charges)
    assert found[6] == Rejection(
        "truncated_charge",
        "ends at 3.4 V and 1 C without a taper, the cell's charges reach 3.6 V; "
        "0.55 Ah charged, 0.50 of the usual",
    )


def cleaned(cell):
    """The reasons of the rejected cycles of a cell, the way of all its cycles."""
    charges, rejected = {}, {}
    for cycle in cell.read_cycles(cell.last_cycle):
        if not (fault := sample_fault(cycle)):
            cycle, repairs = mend_clock(cycle)
            segment = charge_segments(cycle)[0]
            fault = segment_fault(cell, cycle, segment)
        if not fault:
            charge = cut_charge(cycle, segment, cell.nominal_capacity_ah, repairs)
            fault = charge_fault(cell, charge)
        if fault:
            rejected[cycle.number] = fault.reason
        else:
            charges[cycle.number] = charge
    faults = {number: why.reason for number, why in cell_faults(cell, charges).items()}
    return len(charges) - len(faults), rejected | faults


def test_whole_lives_of_fast_charged_cells_are_kept(shared_data: Path):
    files = sorted((shared_data / "attia").glob("*ch4*.parquet"))
    results = [cleaned(cell) for cell in read_cells(bdf, files)]
    assert results == [(1082, {}), (1089, {})]


def test_charges_of_nasa_behind_a_discharge_that_broke_off_are_rejected(shared_data: Path):
    # The discharges before B0046's charges 20 and 66 and B0045's charge 66 moved next to nothing.
    files = sorted((shared_data / "nasa").glob("*.mat"))
    cells = {cell.cell_id: cell for cell in read_cells(nasa, files)}
    assert [cells["B0046"].discharge_capacity_ah[number] < 0.01 for number in (19, 65)] == [
        True
    ] * 2
    assert cells["B0045"].discharge_capacity_ah[65] < 0.01
    results = {name: cleaned(cell) for name, cell in cells.items()}
    assert results == {
        "B0025": (28, {9: "partial_charge", 25: "partial_charge", 31: "not_finite"}),
        "B0045": (71, {66: "partial_charge"}),
        "B0046": (70, {20: "partial_charge", 66: "partial_charge"}),
    }
