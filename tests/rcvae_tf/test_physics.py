import dataclasses
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.evaluation.physics import (
    PhysicsLimits,
    broken_rules,
    capacity_deviation,
    physics_limits,
    violations,
)
from tests.rcvae_tf.builders import EOL_OF_CELL

LIMITS = PhysicsLimits(
    lowest_voltage_v=2.0,
    highest_voltage_v=3.605,
    lowest_current_c_rate=-0.02,
    capacity_fall_ah=2e-7,
    nominal_capacities_ah=(1.1,),
    capacity_deviation=0.002,
)
FACTS = {"max_voltage_v": 3.6, "nominal_capacity_ah": 1.1}


def a_curve(nominal_capacity_ah=1.1, **replaced):
    """An hour at 1 C, five points, of which nothing breaks a rule."""
    hours = np.linspace(0.0, 1.0, 5)
    series = {
        "voltage_v": 3.0 + 0.6 * hours,
        "current_c_rate": np.ones(5),
        "charge_capacity_ah": nominal_capacity_ah * hours,
        "elapsed_time_s": 3600.0 * hours,
    }
    return {name: np.asarray(values)[None] for name, values in (series | replaced).items()}


def broken(limits=LIMITS, **curve):
    """The rules that one curve breaks."""
    found = violations(a_curve(**curve), limits)
    return {rule for rule, share in found.items() if rule != "curves" and share}


def with_cells(dataset, **facts_of_cell):
    """The card with the facts of every cell; those of `made_0` and others replaced."""
    cells = {cell: FACTS | facts_of_cell.get(cell, {}) for cell in EOL_OF_CELL}
    return dataclasses.replace(dataset.card, cells=cells)


def test_a_charge_within_all_limits_breaks_no_rule():
    assert violations(a_curve(), LIMITS) == {
        "curves": 1,
        "capacity_falls": 0.0,
        "voltage_outside": 0.0,
        "current_negative": 0.0,
        "capacity_not_integral": 0.0,
        "any": 0.0,
    }


def test_capacity_that_falls_between_two_points_is_found():
    rules = {"capacity_falls", "any"}
    loose = dataclasses.replace(LIMITS, capacity_deviation=1.0)
    assert broken(loose, charge_capacity_ah=[0.0, 0.5, 0.5 - 3e-7, 0.6, 0.7]) == rules
    assert broken(loose, charge_capacity_ah=[0.0, 0.1, 0.2, 0.7, 0.6]) == rules


def test_capacity_that_stands_still_or_is_rounded_does_not_fall():
    loose = dataclasses.replace(LIMITS, capacity_deviation=1.0)
    assert broken(loose, charge_capacity_ah=[0.0, 0.5, 0.5, 0.5 - 1e-7, 0.7]) == set()


@pytest.mark.parametrize(("voltage_v", "outside"), [(3.605, 0), (3.6051, 1), (2.0, 0), (1.999, 1)])
def test_voltage_is_outside_beyond_either_limit(voltage_v, outside):
    rules = {"voltage_outside", "any"} if outside else set()
    assert broken(voltage_v=[3.0, 3.1, voltage_v, 3.2, 3.3]) == rules


@pytest.mark.parametrize(("current_c_rate", "negative"), [(-0.02, 0), (-0.021, 1)])
def test_a_current_a_little_below_zero_is_noise_and_not_more(current_c_rate, negative):
    loose = dataclasses.replace(LIMITS, capacity_deviation=1.0)
    rules = {"current_negative", "any"} if negative else set()
    assert broken(loose, current_c_rate=[1.0, 1.0, 1.0, current_c_rate, 1.0]) == rules


def test_deviation_from_the_integral_worked_by_hand():
    # 0, 2, 4 C over half an hour each: 0.5 and 2 nominal capacities of 2 Ah, so 1 and 4 Ah.
    curves = {
        "current_c_rate": [[0.0, 2.0, 4.0]],
        "elapsed_time_s": [[0.0, 1800.0, 3600.0]],
        "charge_capacity_ah": [[0.3, 1.1, 4.4]],
    }
    # Above 0.3 Ah it moves 0.8 and 4.1 Ah: 0.2 Ah short, then 0.1 Ah beyond.
    assert_allclose(capacity_deviation(curves, 2.0), [0.2 / 2.0])


def test_capacity_that_is_not_the_integral_of_the_current_is_found():
    rules = {"capacity_not_integral", "any"}
    capacity_ah = a_curve()["charge_capacity_ah"][0]
    assert broken(charge_capacity_ah=1.003 * capacity_ah) == rules
    assert broken(charge_capacity_ah=1.001 * capacity_ah) == set()
    assert broken(charge_capacity_ah=0.2 + capacity_ah) == set()


@pytest.mark.parametrize(
    ("signal", "rules"),
    [
        ("voltage_v", {"voltage_outside"}),
        ("current_c_rate", {"current_negative", "capacity_not_integral"}),
        ("charge_capacity_ah", {"capacity_falls", "capacity_not_integral"}),
        ("elapsed_time_s", {"capacity_not_integral"}),
    ],
)
def test_a_curve_that_is_no_number_breaks_the_rules_of_its_signal(signal, rules):
    values = a_curve()[signal][0].copy()
    values[2] = np.nan
    assert broken(**{signal: values}) == {*rules, "any"}


def test_a_curve_may_be_of_any_of_the_nominal_capacities():
    limits = dataclasses.replace(LIMITS, nominal_capacities_ah=(1.1, 2.2))
    assert broken(limits, nominal_capacity_ah=2.2) == set()
    assert broken(limits, nominal_capacity_ah=1.1) == set()
    assert broken(limits, nominal_capacity_ah=1.65) == {"capacity_not_integral", "any"}


def test_shares_are_of_all_curves_and_one_curve_counts_once_in_any():
    sound = a_curve()
    both_wrong = a_curve(voltage_v=np.full(5, 4.0), current_c_rate=np.full(5, -1.0))
    too_high = a_curve(voltage_v=np.full(5, 4.0))
    curves = {n: np.stack([sound[n], sound[n], both_wrong[n], too_high[n]]) for n in sound}
    assert curves["voltage_v"].shape == (4, 1, 5)  # draws, samples, points
    assert violations(curves, LIMITS) == {
        "curves": 4,
        "capacity_falls": 0.0,
        "voltage_outside": 0.5,
        "current_negative": 0.25,
        "capacity_not_integral": 0.25,
        "any": 0.5,
    }
    assert_array_equal(broken_rules(curves, LIMITS)["any"], [[False], [False], [True], [True]])


def test_without_the_elapsed_time_the_integral_is_not_checked():
    curves = a_curve(charge_capacity_ah=np.linspace(0.0, 9.0, 5), voltage_v=np.full(5, 1.0))
    del curves["elapsed_time_s"]
    found = violations(curves, LIMITS)
    assert found["capacity_not_integral"] is None
    assert (found["voltage_outside"], found["any"]) == (1.0, 1.0)


def test_limits_are_those_of_cells_and_training_curves(dataset):
    limits = physics_limits(with_cells(dataset, made_1={"max_voltage_v": 3.7}), dataset.train)
    voltage_v = dataset.train.curves["voltage_v"]
    assert_allclose(limits.lowest_voltage_v, voltage_v.min() - 0.005)
    assert_allclose(limits.highest_voltage_v, 3.705)
    assert limits.lowest_current_c_rate == -0.02
    highest_ah = dataset.train.curves["charge_capacity_ah"].max()
    assert_allclose(limits.capacity_fall_ah, 2 * 2.0**-23 * highest_ah)
    assert limits.nominal_capacities_ah == (1.1,)
    assert json.loads(json.dumps(limits.to_dict())) == limits.to_dict()
    assert limits.to_dict()["nominal_capacities_ah"] == [1.1]


@pytest.mark.parametrize("limit_v", [None, 3.6])
def test_where_a_voltage_limit_is_unknown_the_highest_measured_one_counts_too(dataset, limit_v):
    facts = {cell: {"max_voltage_v": limit_v} for cell in EOL_OF_CELL}
    facts["made_3"] = {"max_voltage_v": None}
    limits = physics_limits(with_cells(dataset, **facts), dataset.train)
    highest_v = dataset.train.curves["voltage_v"].max()
    assert highest_v > 3.6
    assert_allclose(limits.highest_voltage_v, highest_v + 0.005)


def test_the_median_of_the_nominal_capacities_is_one_that_a_curve_may_be_of(dataset):
    facts = {
        cell: {"nominal_capacity_ah": ah}
        for cell, ah in zip(EOL_OF_CELL, (1, 2, 3, 5), strict=True)
    }
    limits = physics_limits(with_cells(dataset, **facts), dataset.train)
    assert limits.nominal_capacities_ah == (1, 2, 2.5, 3, 5)


def test_99_percent_of_the_training_curves_keep_to_the_integral_of_their_own_cell(dataset):
    card = with_cells(dataset, made_0={"nominal_capacity_ah": 0.01})
    own_ah = np.where(dataset.train.cell_ids == "made_0", 0.01, 1.1)
    assert set(own_ah) == {0.01, 1.1}
    deviations = [
        capacity_deviation({n: v[k : k + 1] for n, v in dataset.train.curves.items()}, own_ah[k])[0]
        for k in range(len(dataset.train))
    ]
    limits = physics_limits(card, dataset.train)
    assert_allclose(limits.capacity_deviation, np.quantile(deviations, 0.99))
    assert limits.nominal_capacities_ah == (0.01, 1.1)


def test_cells_that_the_card_does_not_describe_leave_the_integral_unchecked(dataset):
    card = dataclasses.replace(dataset.card, cells={})
    limits = physics_limits(card, dataset.train)
    assert (limits.nominal_capacities_ah, limits.capacity_deviation) == ((), None)
    assert violations(dataset.test.curves, limits)["capacity_not_integral"] is None
