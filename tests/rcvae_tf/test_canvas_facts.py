import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from data_prep.errors import DatasetError
from data_prep.protocol import policy_numbers
from data_prep.quasi_video import pack
from data_prep.records import SIGNALS
from rcvae_tf.dataset import SplitData
from rcvae_tf.training.canvas_facts import (
    canvas_facts,
    capacity_tolerance,
    coordinates,
    place_knots,
)

SHARE = np.linspace(0.0, 1.0, 16)
NO_STEPS = np.zeros((2, 0))


def charges(*durations_min, policies=None, signals_present=SIGNALS, labels=None):
    """Charges at 1 C and 30 degC whose voltage rises from 3.0 to 3.4 V; what Qc is, is 1.1 Ah/h."""
    count = len(durations_min)
    minutes = np.array(durations_min)[:, None] * SHARE
    flat = np.ones_like(minutes)
    series = [3.0 + 0.4 * flat * SHARE, flat, 30.0 * flat, 1.1 * minutes / 60.0, 60.0 * minutes]
    return SplitData(
        quasi_video=pack(np.stack(series, axis=1).astype(np.float32), 4, 4),
        labels=np.array(labels or [(400 + 100 * k, 1) for k in range(count)]),
        cell_ids=np.array([f"c{k}" for k in range(count)]),
        policy_steps=np.stack([policy_numbers(p) for p in policies or [""] * count]),
        signals_present=signals_present,
    )


def facts_of(train, num_knots=9, with_policy=False):
    return canvas_facts(train, 1.1, num_knots, with_policy)


def test_the_canvas_is_a_little_longer_than_the_longest_charge():
    facts = facts_of(charges(40.0, 80.0))
    assert facts["tail_min"] == pytest.approx(84.0, rel=1e-6)
    assert facts["num_fast_steps"] == 0
    assert (facts["knots"][0], facts["knots"][-1], len(facts["knots"])) == (0.0, 1.0, 9)
    assert np.all(np.diff(facts["knots"]) > 0)


def test_durations_are_told_by_their_logarithms():
    facts = facts_of(charges(40.0, 80.0))
    assert facts["log_duration_mean"] == pytest.approx(np.log(40.0 * 80.0) / 2, rel=1e-5)
    assert facts["log_duration_spread"] == pytest.approx(np.log(2.0) / 2, rel=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_charges_of_one_duration_have_a_small_spread(count):
    # The logarithms of three equal durations differ by rounding from their mean.
    assert facts_of(charges(*[40.0] * count))["log_duration_spread"] == 1e-3


def test_the_mean_is_over_absolute_time_and_a_charge_that_is_over_keeps_its_last_value():
    facts = facts_of(charges(40.0, 80.0))
    minutes = np.array(facts["knots"]) * 84.0
    short, long = (3.0 + 0.4 * np.minimum(minutes / d, 1.0) for d in (40.0, 80.0))
    mean_v = np.array(facts["mean_canvas"][0]) * 0.05 + facts["offset"][0]
    assert_allclose(mean_v, (short + long) / 2, atol=1e-5)
    assert facts["offset"][0] == pytest.approx(mean_v.mean(), abs=1e-5)
    assert_allclose(facts["offset"][1:], [1.0, 30.0], rtol=1e-6)
    assert_allclose(facts["mean_canvas"][1:], np.zeros((2, 9)), atol=1e-6)


def test_spreads_of_points_begin_at_a_tenth_of_the_deviations_from_the_mean():
    facts = facts_of(charges(40.0, 80.0))
    minutes = np.array(facts["knots"]) * 84.0
    apart_v = 0.4 * (np.minimum(minutes / 40.0, 1.0) - np.minimum(minutes / 80.0, 1.0))
    expected = 0.1 * apart_v / 2 / 0.05
    assert_allclose(np.exp(facts["log_spread"][0]), np.maximum(expected, 1e-5), rtol=1e-2)
    # A current that is always the same has the least spread.
    assert_allclose(np.exp(facts["log_spread"][1]), 1e-5, rtol=0.1)


def test_voltage_limits_are_those_of_the_training_charges():
    assert_allclose(facts_of(charges(40.0, 80.0))["voltage_limits_v"], [3.0, 3.4], rtol=1e-6)


def test_lives_are_those_of_training_each_once_and_ascending():
    train = charges(40.0, 50.0, 60.0, labels=[(900, 1), (400, 7), (900, 2)])
    assert facts_of(train)["lives"] == [400.0, 900.0]


def test_without_a_temperature_the_canvas_has_two_signals():
    present = tuple(name for name in SIGNALS if name != "temperature_degc")
    facts = facts_of(charges(40.0, 80.0, signals_present=present))
    assert facts["signals"] == ["voltage_v", "current_c_rate"]
    assert np.shape(facts["mean_canvas"]) == np.shape(facts["log_spread"]) == (2, 9)


def test_facts_survive_json():
    policies = ["4.8C(80%)", "5.4C(40%)-3.6C"]
    facts = facts_of(charges(40.0, 80.0, policies=policies), with_policy=True)
    assert json.loads(json.dumps(facts)) == facts


def test_with_policies_each_fast_step_has_knots_and_the_tail_is_what_follows():
    # Fast charges of 10 and 11.1 min: tails of 30 and 68.9 min.
    policies = ["4.8C(80%)", "5.4C(40%)-3.6C"]
    facts = facts_of(charges(40.0, 80.0, policies=policies), 40, with_policy=True)
    assert facts["num_fast_steps"] == 2
    tails_min = np.array([30.0, 80.0 - 100.0 / 9.0])
    assert facts["tail_min"] == pytest.approx(1.05 * tails_min[1], rel=1e-5)
    assert facts["log_duration_mean"] == pytest.approx(np.log(tails_min).mean(), rel=1e-5)
    assert (facts["knots"][0], facts["knots"][-1]) == (0.0, 3.0)
    knots_of_step = np.histogram(facts["knots"], [0.0, 1.0, 2.0, 3.0])[0]
    assert knots_of_step.min() > 0
    assert np.shape(facts["warmth_mean"]) == (3, 40)
    assert np.shape(facts["warmth_spread"]) == (3,)


def test_a_step_that_only_some_policies_have_is_averaged_over_their_charges():
    policies = ["4.8C(80%)", "5.4C(40%)-3.6C"]
    train = charges(40.0, 80.0, policies=policies)
    train.curves["voltage_v"][0] = 3.0
    train.curves["voltage_v"][1] = 3.2
    facts = facts_of(train, 40, with_policy=True)
    step = np.ceil(facts["knots"]).astype(int)
    rates, mean_v = np.array(facts["mean_rate"]), np.array(facts["mean_canvas"][0])
    for k, rate, voltage_v in ((1, 5.1, 3.1), (2, 3.6, 3.2), (3, 1.0, 3.1)):
        assert_allclose(rates[step == k], rate, rtol=1e-5)
        assert_allclose(mean_v[step == k] * 0.05 + facts["offset"][0], voltage_v, rtol=1e-5)


def test_policies_are_standardised_over_training_charges():
    facts = facts_of(charges(40.0, 80.0, policies=["4.8C(80%)", "5.4C(40%)-3.6C"]))
    # Rates at 4 %: 4.8 and 5.4 C; last fast rates: 4.8 and 3.6 C.
    assert facts["policy_mean"][0] == pytest.approx(5.1)
    assert facts["policy_spread"][0] == pytest.approx(0.3)
    assert facts["policy_mean"][13] == pytest.approx(4.2)
    assert facts["policy_spread"][13] == pytest.approx(0.6)


def test_a_charge_that_ends_within_its_fast_charge_is_refused():
    # 80 % at 4 C are 12 min.
    train = charges(40.0, 10.5, policies=["4C(80%)"] * 2)
    with pytest.raises(
        DatasetError,
        match=r"a charge ends before its policy's fast charge does, by 1\.5 min: .*"
        r"Correct charge_policy, or train with --condition eol,ecl\.",
    ):
        facts_of(train, with_policy=True)
    assert facts_of(train)["num_fast_steps"] == 0


def test_an_unknown_policy_is_refused_where_it_is_a_condition():
    train = charges(40.0, 50.0, 60.0, policies=["4C(80%)", "", ""])
    with pytest.raises(
        DatasetError, match=r"the charge policy of 2 cells is not known, of c1 for one: "
    ):
        facts_of(train, with_policy=True)
    assert len(facts_of(train)["knots"]) == 9


@pytest.mark.parametrize("absent", ["elapsed_time_s", "voltage_v"])
def test_a_signal_that_the_canvas_needs_is_missed_by_name(absent):
    present = tuple(name for name in SIGNALS if name != absent)
    with pytest.raises(
        DatasetError, match=rf"the data set has no {absent}\. Use --decoder quasi_video, or"
    ):
        facts_of(charges(40.0, 80.0, signals_present=present))


def test_where_nothing_changes_knots_are_even_in_time():
    curves = {name: np.ones((2, 16)) for name in ("voltage_v", "current_c_rate")}
    knots = place_knots(curves, np.array([40.0, 80.0]), NO_STEPS, 84.0, 8)
    assert_allclose(knots, np.linspace(0.0, 1.0, 8), atol=1e-6)


def test_knots_are_dense_where_the_current_steps():
    # 4 C, and 1 C from the middle of the 16 points on: minutes 28 to 32 of 60.
    current_c_rate = np.where(SHARE < 0.5, 4.0, 1.0)[None]
    curves = {"voltage_v": np.full((1, 16), 3.5), "current_c_rate": current_c_rate}
    knots = place_knots(curves, np.array([60.0]), NO_STEPS[:1], 60.0, 101)
    minutes = knots * 60.0
    near = (minutes >= 29.0) & (minutes <= 31.0)
    # A thirtieth of the time has two thirds of the knots.
    assert near.sum() > 60
    assert (minutes[~near][:-1] < 29.0).sum() == pytest.approx(17, abs=2)


def test_times_lie_in_their_step_or_in_the_tail():
    # Steps of 4 and 6 min, a tail of 20.
    minutes = np.array([[0.0, 2.0, 4.0, 7.0, 10.0, 20.0, 99.0]])
    place = coordinates(minutes, np.array([[4.0, 6.0]]), 20.0)
    assert_allclose(place, [[0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]])


def test_times_behind_a_missing_step_lie_behind_its_stretch():
    # 10 min of one step, then the tail; the second step has no time.
    place = coordinates(np.array([[5.0, 9.9, 10.0, 20.0]]), np.array([[10.0, 0.0]]), 20.0)
    assert_allclose(place, [[0.5, 0.99, 2.0, 2.5]])


def test_without_steps_times_are_shares_of_the_tail():
    place = coordinates(np.array([[0.0, 10.0, 20.0, 30.0]]), NO_STEPS[:1], 20.0)
    assert_allclose(place, [[0.0, 0.5, 1.0, 1.0]])


def test_capacities_that_are_the_trapezoid_sum_have_no_tolerance():
    assert capacity_tolerance(charges(40.0, 80.0).curves, 1.1) == pytest.approx(0.0, abs=1e-6)


def test_the_tolerance_is_the_99th_percentile_of_the_largest_distances():
    curves = {k: v.copy() for k, v in charges(40.0, 80.0).curves.items()}
    curves["charge_capacity_ah"][0] += 0.3  # where a charge begins does not count
    curves["charge_capacity_ah"][1, 7] += 0.02
    assert capacity_tolerance(curves, 1.1) == pytest.approx(0.99 * 0.999 * 0.02, abs=1e-5)
