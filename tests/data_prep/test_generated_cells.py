"""Cells whose cycles are no records: what is asked of them, and how they are told."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from data_prep.cell_work import work_on
from data_prep.cleaning.rules import CELL_RULES, CHARGE_RULES, NOT_ASKED
from data_prep.config import PrepConfig
from data_prep.errors import SourceError
from data_prep.records import GENERATED, PREPARED, RECORDED
from data_prep.sources.base import SourceOptions
from data_prep.sources.bdf import reader as bdf
from tests.builders import a_cell, constant_charge, read_cells

SETTINGS = PrepConfig(height=8, width=8)


def reasons(cell):
    outcome, _ = work_on(cell, SETTINGS)
    return [rejection.reason for _, rejection in outcome.rejected]


def test_every_rule_is_asked_of_a_record():
    assert NOT_ASKED[RECORDED] == ()


def test_what_is_not_asked_of_a_generated_charge_is_what_befalls_a_record():
    assert set(NOT_ASKED[GENERATED]) == {
        *("too_few_points", "gap", "voltage_spike", "temperature_spike", "voltage_stuck"),
        *(rule.name for rule in CELL_RULES),
    }
    assert {rule.name for rule in CHARGE_RULES} - set(NOT_ASKED[GENERATED]) == {
        *("time_backwards", "voltage_out_of_range", "voltage_above_limit", "current_out_of_range"),
        *("temperature_out_of_range", "capacity_out_of_range", "capacity_falls"),
        "capacity_mismatch",
    }


@pytest.mark.parametrize(
    ("origin", "expected"),
    [(RECORDED, ["duplicated_charge"]), (GENERATED, []), (PREPARED, [])],
)
def test_a_copy_is_a_fault_of_a_record_alone(origin, expected):
    cycles = [constant_charge(number) for number in (1, 2)]
    assert reasons(a_cell(cycles, origin=origin)) == expected


@pytest.mark.parametrize(
    ("origin", "expected"),
    [(RECORDED, ["voltage_out_of_range"]), (GENERATED, ["voltage_out_of_range"]), (PREPARED, [])],
)
def test_a_voltage_that_no_cell_has_is_none_of_a_generated_charge_either(origin, expected):
    high = constant_charge(1, voltage_v=np.full(61, 6.0))
    assert reasons(a_cell([high, constant_charge(2)], origin=origin)) == expected


@pytest.mark.parametrize("origin", [GENERATED, PREPARED])
@pytest.mark.parametrize("points", [2, 64])
def test_a_charge_on_a_grid_is_taken_whole_and_unchanged(origin, points):
    current = np.ones(points)
    current[[0, -1]] = 0.0
    cycle = constant_charge(points=points, current_c_rate=current)
    cycle = dataclasses.replace(cycle, charge_capacity_ah=cycle.charge_capacity_ah + 0.002)
    # Of two points the integral is nothing.
    cell = a_cell([cycle], origin=origin if points == 64 else PREPARED)
    outcome, curves = work_on(cell, SETTINGS)
    assert (outcome.cycles, outcome.rejected) == ((1,), ())
    if points == 64:
        assert_array_equal(curves[0, 1], current.astype(np.float32))
        assert_array_equal(curves[0, 3], cycle.charge_capacity_ah.astype(np.float32))


@pytest.mark.parametrize("origin", [GENERATED, PREPARED])
def test_a_value_that_is_none_and_a_cycle_without_samples_are_rejected(origin):
    voltage_v = np.full(61, 3.3)
    voltage_v[7] = np.nan
    none = {
        f"{name}": np.zeros(0)
        for name in ("time_s", "voltage_v", "current_c_rate", "temperature_degc")
    }
    cycles = [
        constant_charge(1, voltage_v=voltage_v),
        constant_charge(2, **none, charge_capacity_ah=np.zeros(0)),
    ]
    assert reasons(a_cell(cycles, origin=origin)) == ["not_finite", "no_charge"]


def write_table(folder, generated, **columns):
    frame = pd.DataFrame(
        {
            "Test Time / s": [0.0, 60.0, 120.0],
            "Voltage / V": [3.6, 3.5, 3.4],  # falls: of a record that would turn the sign
            "Current / A": [2.0, 1.0, 0.5],
            "Cycle Count / 1": 7,
        }
        | columns
    )
    frame.to_csv(folder / "c0.bdf.csv", index=False)
    (folder / "cells.csv").write_text(f"cell_id,eol_cycles,generated\nc0,800,{generated}\n")
    (cell,) = read_cells(bdf, bdf.find_files(folder), SourceOptions(nominal_capacity_ah=2.0))
    return cell


def test_cells_csv_says_that_a_table_is_generated(tmp_path):
    cell = write_table(tmp_path, 1)
    (cycle,) = cell.read_cycles(9)
    assert (cell.origin, cell.eol_cycles, cell.cycle_numbers) == (GENERATED, 800, (7,))
    assert_array_equal(cycle.current_c_rate, [1.0, 0.5, 0.25])


@pytest.mark.parametrize("said", ["", 0])
def test_a_table_is_a_record_where_nothing_else_is_said(tmp_path, said):
    cell = write_table(tmp_path, said)
    assert cell.origin == RECORDED


def test_what_is_said_of_a_table_must_be_yes_or_no(tmp_path):
    with pytest.raises(SourceError, match=r"`generated` must be 1 or 0\. Received: generated=2\."):
        write_table(tmp_path, 2)


def test_generated_charges_need_their_numbers(tmp_path):
    with pytest.raises(SourceError, match="no numbers of cycles, which generated charges need"):
        write_table(tmp_path, 1, **{"Cycle Count / 1": [np.nan] * 3})
