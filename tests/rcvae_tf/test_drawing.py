from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import ConditionError, SettingsError, UserError
from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS
from rcvae_tf.generation import drawing
from rcvae_tf.generation.drawing import BLOCK, check_plan, draw_blocks
from rcvae_tf.generation.plan import plan_conditions, plan_grid

NO_POLICY = np.zeros((1, 6, 2), np.float32)
KNOWN_POLICIES = ["4.8C(80%)-4.8C", "3.6C(20%)-6C(80%)-1C"]


def joined(run, plan, seed=0, **how):
    """Curves and all else of every block, end to end."""
    blocks = list(draw_blocks(run, plan, seed, **how))
    return {name: np.concatenate([b.curves[name] for b in blocks]) for name in blocks[0].curves}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(drawing, "BLOCK", 8)


@pytest.fixture
def policy_run(default_run, monkeypatch):
    """The default run as if it were conditioned on the policy."""
    monkeypatch.setattr(drawing, "conditions_on_policy", lambda run: True)
    monkeypatch.setitem(default_run.model.data_facts["canvas"], "num_fast_steps", 3)
    return replace(default_run, data={**default_run.data, "training_policies": KNOWN_POLICIES})


def test_generated_charges_have_every_signal_in_its_unit(default_run, dataset):
    curves = joined(default_run, plan_grid([700], [4], "", 3))
    assert list(curves) == list(SIGNALS)
    for name, values in curves.items():
        assert values.shape == (3, 16)
        # Generated capacities are the integral of the current, the made ones are not.
        tolerance = 0.9 if name == "charge_capacity_ah" else 0.3
        assert_allclose(dataset.card.statistics[name].mean, values.mean(), rtol=tolerance)


def test_blocks_are_the_charges_of_the_plan_in_order(default_run, small_blocks):
    plan = plan_grid([500, 700], [2, 4, 5], "", 3)
    blocks = list(draw_blocks(default_run, plan, seed=0))
    assert [len(block) for block in blocks] == [8, 8, 2]
    assert np.concatenate([b.labels for b in blocks])[:, 1].tolist() == [2, 4, 5] * 6
    names = [name for block in blocks for name in block.cell_ids]
    assert names[::3] == [f"synthetic_eol{eol}_{k}" for eol in (500, 700) for k in (1, 2, 3)]
    assert not np.concatenate([block.projected for block in blocks]).any()
    assert np.concatenate([block.in_support for block in blocks]).all()


def test_every_charge_is_a_draw_of_its_own(default_run):
    voltage_v = joined(default_run, plan_grid([700], [4], "", BLOCK + 3))["voltage_v"]
    assert voltage_v.shape == (BLOCK + 3, 16)
    assert len(np.unique(voltage_v, axis=0)) == BLOCK + 3


def test_same_seed_same_charges_another_seed_other_ones(default_run, small_blocks):
    plan = plan_grid([700], [4, 5], "", 5)
    first, again, other = (joined(default_run, plan, seed)["voltage_v"] for seed in (5, 5, 6))
    assert_array_equal(first, again)
    assert np.all(np.any(first != other, axis=1))


def test_the_first_of_many_are_those_of_few_to_the_last_digit(either_run, small_blocks):
    few = joined(either_run, plan_grid([700], [4], "", 9), seed=5)
    many = joined(either_run, plan_grid([700], [4], "", 21), seed=5)
    for name in few:
        assert_array_equal(many[name][:9], few[name])


def test_a_charge_does_not_depend_on_those_that_follow(default_run, small_blocks):
    alone = joined(default_run, plan_grid([500], [4], "", 1), seed=5)
    among = joined(default_run, plan_grid([500, 600, 700], [4], "", 1), seed=5)
    for name in alone:
        assert_array_equal(among[name][:1], alone[name])


def test_mean_mode_is_what_is_expected_whatever_the_seed(default_run):
    mean = joined(default_run, plan_grid([700], [4, 6], "", 1), seed=5, mean=True)
    expected = default_run.mean_curves(np.array([[700, 4], [700, 6]]), np.repeat(NO_POLICY, 2, 0))
    for name in SIGNALS:
        assert_allclose(mean[name], expected[name], rtol=1e-5, atol=1e-6)


def noise_of(run, plan, monkeypatch, **how):
    """The noise that the model is given, charge by charge."""
    given = []

    def series(inputs, noise):
        given.append({name: np.asarray(values) for name, values in noise.items()})
        return np.zeros((len(noise["z"]), 5, 16), np.float32)

    monkeypatch.setattr(drawing, "_compiled", lambda run: series)
    list(draw_blocks(run, plan, 3, **how))
    charges = plan.num_charges
    return {name: np.concatenate([g[name] for g in given])[:charges] for name in given[0]}


def test_with_noise_of_the_cell_z_and_duration_stay_with_it(default_run, monkeypatch, small_blocks):
    plan = plan_grid([500, 700], [1, 2, 3, 4, 5], "", 2)  # cells go over the border of a block
    noise = noise_of(default_run, plan, monkeypatch, noise="cell")
    for name in ("z", "duration_epsilon"):
        by_cell = noise[name].reshape(4, 5, -1)
        assert_array_equal(by_cell, np.repeat(by_cell[:, :1], 5, axis=1))
        assert len(np.unique(by_cell[:, 0, 0])) == 4 if name == "z" else True
    points = noise["point_noise"].reshape(20, -1)
    assert len(np.unique(points, axis=0)) == 20


def test_with_noise_of_the_charge_nothing_stays(default_run, monkeypatch, small_blocks):
    noise = noise_of(default_run, plan_grid([500], [1, 2, 3], "", 4), monkeypatch)
    for values in noise.values():
        assert len(np.unique(values.reshape(12, -1), axis=0)) == 12


def test_drawn_noise_has_unit_spread(default_run):
    noise = default_run.model.draw_noise(4000, np.random.default_rng(0))
    assert_allclose(noise["duration_epsilon"].std(), 1.0, rtol=0.05)
    # A Laplace draw of scale 1: mean distance 1, either side alike.
    assert_allclose(np.abs(noise["point_noise"]).mean(), 1.0, rtol=0.02)
    assert_allclose((noise["point_noise"] > 0).mean(), 0.5, atol=0.01)
    assert all(values.dtype == np.float32 for values in noise.values())


def test_elapsed_time_is_equally_spaced(default_run):
    time_s = joined(default_run, plan_grid([700], [4], "", 5), seed=1)["elapsed_time_s"]
    grid = np.linspace(0.0, 1.0, 16, dtype=np.float32)
    assert_allclose(time_s, time_s[:, -1:] * grid, rtol=1e-6)
    assert np.all(time_s[:, -1] > 0.0)


def test_preset_paper_generates_no_time(paper_run):
    assert list(joined(paper_run, plan_grid([700], [4], "", 1))) == list(SIGNALS[:4])


def test_a_condition_beyond_the_data_is_refused_unless_asked_for(default_run):
    # The training split holds EOL 400 to 900 and ECL 1 to 6.
    expected = (
        r"^EOL 950 lies 50 cycles above the 400 to 900 of the training data \(10\.0% of that "
        r"range\); ECL 8 lies 2 cycles above the 1 to 6 of the training data \(40\.0% of that "
        r"range\)\. Choose within, or add --extrapolate\.$"
    )
    with pytest.raises(ConditionError, match=expected):
        check_plan(default_run, plan_grid([950], [8], "", 1), extrapolate=False)
    check_plan(default_run, plan_grid([950], [8], "", 1), extrapolate=True)
    check_plan(default_run, plan_grid([777], [5], "", 1), extrapolate=False)


def test_of_many_conditions_beyond_the_data_the_farthest_is_named(default_run):
    plan = plan_grid([350, 500, 1000], [3], "", 1)
    with pytest.raises(ConditionError) as caught:
        check_plan(default_run, plan, extrapolate=False)
    assert str(caught.value) == (
        "EOL 1000 lies 100 cycles above the 400 to 900 of the training data (20.0% of that "
        "range), the farthest of 2 of 3 conditions. Choose within, or add --extrapolate."
    )


def test_support_is_told_of_every_charge(default_run):
    (block,) = draw_blocks(default_run, plan_grid([350, 500], [3, 9], "", 1), seed=0)
    assert block.in_support.tolist() == [False, False, True, False]


def test_a_policy_goes_to_the_model_as_numbers(policy_run, monkeypatch):
    asked = []

    def series(inputs, noise):
        asked.append(inputs["policy_steps"])
        return np.zeros((len(noise["z"]), 5, 16), np.float32)

    monkeypatch.setattr(drawing, "_compiled", lambda run: series)
    text = "3.6C(20%)-6C(80%)-1C"
    plan = plan_conditions([(700, 4, text), (500, 4, "5C(80%)")], 1)
    check_plan(policy_run, plan, extrapolate=False)
    (block,) = draw_blocks(policy_run, plan, seed=0)
    assert_array_equal(asked[0][1], policy_numbers(text))
    assert_array_equal(asked[0][0], policy_numbers("5C(80%)"))
    assert block.policies == ["5C(80%)", text]


def refused(run, policy):
    with pytest.raises(UserError) as caught:
        check_plan(run, plan_grid([700], [4], policy, 1), extrapolate=False)
    return str(caught.value)


def test_a_policy_of_more_steps_than_any_known_one_is_refused(policy_run):
    assert (
        "--policy has 4 steps before the last one, those of the training data have 3 at the most."
    ) in refused(policy_run, "6C(10%)-5C(20%)-4C(40%)-3C(80%)-1C")


def test_a_run_conditioned_on_the_policy_needs_one(policy_run, default_run):
    assert 'give --policy, such as --policy "4.8C(80%)-4.8C".' in refused(policy_run, "")
    unknown = replace(default_run, data={})
    assert 'such as --policy "5.4C(40%)-3.6C".' in refused(unknown, "")


def test_another_run_refuses_a_policy(default_run):
    with pytest.raises(SettingsError, match=r"leave out --policy, .* Received: policy='5C'\.$"):
        check_plan(default_run, plan_grid([700], [4], "5C", 1), extrapolate=False)


def test_what_is_no_policy_is_refused(policy_run):
    assert "Received: policy='fast'." in refused(policy_run, "fast")
