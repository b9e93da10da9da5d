from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.generation.printing import describe_projection
from rcvae_tf.generation.projection import (
    Limits,
    ProjectionTally,
    SignalChange,
    limits_of,
    project,
)

NUM_POINTS = 11
TOLERANCE_AH = 0.05
LIMITS = Limits((2.0, 3.6), nominal_capacity_ah=1.1, capacity_tolerance_ah=TOLERANCE_AH)
NO_CAPACITY = Limits((2.0, 3.6), nominal_capacity_ah=None, capacity_tolerance_ah=None)


def one_hour_at_1_c(samples=2, **replaced):
    """1.1 Ah in an hour, 0.11 Ah between two points."""
    share = np.linspace(0.0, 1.0, NUM_POINTS, dtype=np.float32)
    rows = {
        "voltage_v": 3.0 + 0.6 * share,
        "current_c_rate": np.ones_like(share),
        "temperature_degc": 25.0 + 6.0 * share,
        "charge_capacity_ah": 1.1 * share,
        "elapsed_time_s": 3600.0 * share,
    }
    return {n: np.repeat(v[None].astype(np.float32), samples, axis=0) for n, v in rows.items()}


def deviation_ah(curves):
    """Distance of the capacity from the trapezoids of the current, point by point."""
    current, hours = curves["current_c_rate"], curves["elapsed_time_s"] / 3600.0
    trapezoids = 1.1 * (current[:, 1:] + current[:, :-1]) / 2 * np.diff(hours, axis=1)
    capacity = curves["charge_capacity_ah"]
    return np.abs(capacity[:, 1:] - capacity[:, :1] - np.cumsum(trapezoids, axis=1))


def told(report):
    """What is said of one block."""
    tally = ProjectionTally()
    tally.add(report)
    return describe_projection(tally)


def test_a_charge_that_keeps_to_physics_is_left_as_it_is():
    curves = one_hour_at_1_c()
    curves["charge_capacity_ah"][0, 5:] += 0.9 * TOLERANCE_AH
    projected, report = project(curves, LIMITS)
    assert list(projected) == list(curves)
    for name, values in curves.items():
        assert_array_equal(projected[name], values)
        assert projected[name].dtype == np.float32
    assert report.changed.tolist() == [False, False]
    assert report.signals == {}
    assert told(report) == ["projected: 0 of 2 charges changed"]


def test_voltage_and_current_are_clipped_and_told_apart():
    curves = one_hour_at_1_c(samples=3)
    curves["voltage_v"][1, [0, 10]] = 1.5, 3.7
    curves["current_c_rate"][2, 10] = -0.25
    projected, report = project(curves, LIMITS)
    assert_allclose(projected["voltage_v"][1, [0, 1, 10]], [2.0, 3.06, 3.6], rtol=1e-6)
    assert_array_equal(projected["current_c_rate"][2], [1.0] * 10 + [0.0])
    assert report.changed.tolist() == [False, True, True]
    assert report.signals["voltage_v"].charges == 1
    assert_allclose(report.signals["voltage_v"].largest, 0.5, rtol=1e-6)
    assert_allclose(report.signals["voltage_v"].mean, (0.5 + 0.1) / 11, rtol=1e-5)
    assert report.signals["current_c_rate"] == SignalChange(1, 0.25, pytest.approx(0.25 / 11))


def test_a_falling_capacity_becomes_the_nearest_that_does_not_fall():
    curves = one_hour_at_1_c(samples=1)
    curves["charge_capacity_ah"][0, 4:7] = 0.46, 0.44, 0.45
    projected, report = project(curves, NO_CAPACITY)
    expected = curves["charge_capacity_ah"].copy()
    expected[0, 4:7] = 0.45  # the mean of the three that fall
    assert_allclose(projected["charge_capacity_ah"], expected, rtol=1e-6)
    assert_allclose(report.signals["charge_capacity_ah"].largest, 0.01, rtol=1e-4)


def test_capacity_is_held_to_the_integral_of_the_current():
    curves = one_hour_at_1_c()
    curves["charge_capacity_ah"][1] *= 1.2  # 0.22 Ah too much at the end
    projected, report = project(curves, LIMITS)
    assert_array_equal(projected["charge_capacity_ah"][0], curves["charge_capacity_ah"][0])
    assert_allclose(projected["charge_capacity_ah"][1, -1], 1.1 + TOLERANCE_AH, rtol=1e-6)
    assert_allclose(report.signals["charge_capacity_ah"].largest, 0.22 - TOLERANCE_AH, rtol=1e-5)
    assert report.changed.tolist() == [False, True]


def test_the_integral_is_that_of_the_current_as_it_was_mended():
    curves = one_hour_at_1_c(samples=1)
    curves["current_c_rate"][0, 5:] = -1.0
    curves["charge_capacity_ah"][0] = 0.0
    projected, _ = project(curves, LIMITS)
    # four steps at 1 C and one from 1 C to 0
    assert_allclose(projected["charge_capacity_ah"][0, -1], 4.5 * 0.11 - TOLERANCE_AH, rtol=1e-5)


def test_a_capacity_that_does_not_start_at_0_is_held_from_its_start():
    curves = one_hour_at_1_c()
    curves["charge_capacity_ah"] += 0.3
    projected, report = project(curves, LIMITS)
    assert_array_equal(projected["charge_capacity_ah"], curves["charge_capacity_ah"])
    assert not report.changed.any()


def test_whatever_is_generated_keeps_to_physics_afterwards():
    rng = np.random.default_rng(0)
    curves = {
        name: (values + rng.normal(0.0, 0.4, values.shape)).astype(np.float32)
        for name, values in one_hour_at_1_c(samples=200).items()
        if name != "elapsed_time_s"
    }
    curves["elapsed_time_s"] = one_hour_at_1_c(samples=200)["elapsed_time_s"]
    projected, report = project(curves, LIMITS)
    assert np.all(np.diff(projected["charge_capacity_ah"], axis=1) >= 0.0)
    assert deviation_ah(projected).max() <= TOLERANCE_AH + 1e-6
    assert np.all(projected["current_c_rate"] >= 0.0)
    assert projected["voltage_v"].min() >= 2.0
    assert projected["voltage_v"].max() <= np.float32(3.6)
    assert_array_equal(projected["temperature_degc"], curves["temperature_degc"])
    assert report.changed.all()
    again, _ = project(projected, LIMITS)
    for name, values in projected.items():
        assert_allclose(again[name], values, atol=1e-6)


@pytest.mark.parametrize(
    ("limits", "left_out", "reason"),
    [
        (NO_CAPACITY, None, "the run does not know the nominal capacity"),
        (LIMITS, "elapsed_time_s", "the run generates no time"),
    ],
)
def test_without_time_or_nominal_capacity_the_integral_is_left_alone(limits, left_out, reason):
    curves = one_hour_at_1_c()
    curves["charge_capacity_ah"] *= 2.0
    curves.pop(left_out, None)
    projected, report = project(curves, limits)
    assert_array_equal(projected["charge_capacity_ah"], curves["charge_capacity_ah"])
    assert report.integral_left_alone == reason
    assert told(report)[1:] == [f"  not held to the integral of the current: {reason}"]


def test_what_was_repaired_is_told_by_signal():
    curves = one_hour_at_1_c()
    curves["voltage_v"][1, 10] = 3.7
    _, report = project(curves, LIMITS)
    assert told(report) == [
        "projected: 1 of 2 charges changed",
        "  voltage: 1 changed, by 0.1 V at the most and 0.0091 V in the mean",
    ]


def test_a_fall_of_rounding_is_mended_and_not_counted():
    curves = one_hour_at_1_c(samples=1)
    curves["charge_capacity_ah"][0, 5] = np.nextafter(curves["charge_capacity_ah"][0, 4], 0)
    projected, report = project(curves, NO_CAPACITY)
    assert np.all(np.diff(projected["charge_capacity_ah"]) >= 0.0)
    assert not report.changed.any()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, (None, None)),
        ({"nominal_capacity_ah": 1.1}, (1.1, 0.5 * 1.1 / 16)),
        ({"nominal_capacity_ah": 1.1, "canvas": {"capacity_tolerance_ah": 0.002}}, (1.1, 0.002)),
    ],
)
def test_limits_are_those_of_the_run(facts, expected):
    statistics = {"voltage_v": {"minimum": 2.25, "maximum": 3.5}}
    facts = {"statistics": statistics, "height": 2, "width": 8, **facts}
    run = SimpleNamespace(model=SimpleNamespace(data_facts=facts))
    assert limits_of(run) == Limits((2.25, 3.5), *expected)
