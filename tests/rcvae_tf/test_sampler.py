from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import ConditionError, SettingsError, UserError
from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS
from rcvae_tf.conditions import Condition
from rcvae_tf.generation import sampler
from rcvae_tf.generation.sampler import BLOCK, generate
from rcvae_tf.run import Run

ASKED = Condition(700, 4)
NO_POLICY = np.zeros((1, 6, 2), np.float32)
KNOWN_POLICIES = ["4.8C(80%)-4.8C", "3.6C(20%)-6C(80%)-1C"]


@pytest.fixture
def noisy_run(default_run, monkeypatch):
    """The default run with draws from two sources of noise, one after the other."""

    def draw_curves(run, labels, policy_steps, rng):
        z = rng.standard_normal((len(labels), 1))
        return {"voltage_v": labels[:, :1] + z + rng.standard_normal((len(labels), 16))}

    monkeypatch.setattr(Run, "draw_curves", draw_curves)
    return default_run


@pytest.fixture
def policy_run(default_run, monkeypatch):
    """The default run as if it were conditioned on the policy; keeps what it is asked for."""
    asked = {}

    def mean_curves(run, labels, policy_steps):
        asked.update(labels=labels, steps=policy_steps)
        return {"voltage_v": np.zeros((len(labels), 16))}

    monkeypatch.setattr(sampler, "conditions_on_policy", lambda run: True)
    monkeypatch.setitem(default_run.model.data_facts["canvas"], "num_fast_steps", 3)
    monkeypatch.setattr(Run, "mean_curves", mean_curves)
    run = replace(default_run, data={**default_run.data, "training_policies": KNOWN_POLICIES})
    return run, asked


def test_generated_charges_have_every_signal_in_its_unit(default_run, dataset):
    charges = generate(default_run, ASKED, samples=3, seed=0)
    assert list(charges.curves) == list(SIGNALS)
    for name, values in charges.curves.items():
        assert values.shape == (3, 16)
        # Generated capacities are the integral of the current, the made ones are not.
        tolerance = 0.9 if name == "charge_capacity_ah" else 0.3
        assert_allclose(dataset.card.statistics[name].mean, values.mean(), rtol=tolerance)
    assert charges.projected.tolist() == [False, False, False]


def test_a_known_condition_is_its_own_match(default_run):
    known = default_run.vocabulary.conditions[3]
    charges = generate(default_run, known, samples=1, seed=0)
    assert (charges.condition, charges.matched, charges.distance) == (known, known, 0.0)
    assert charges.in_support is True


def test_an_extrapolated_condition_says_what_it_was_matched_with(default_run):
    charges = generate(default_run, Condition(10_000, 50), samples=1, seed=0, extrapolate=True)
    oldest = default_run.vocabulary.conditions[-1]
    assert charges.condition == Condition(10_000, 50)
    assert charges.matched == oldest
    assert oldest.eol == 900
    assert_allclose(charges.distance, 0.9 * (10_000 - 900) + 0.1 * (50 - oldest.ecl))
    assert charges.in_support is False


def test_a_condition_beyond_the_data_is_refused_unless_asked_for(default_run):
    # The training split holds EOL 400 to 900 and ECL 1 to 6.
    expected = (
        r"^EOL 950 lies 50 cycles above the 400 to 900 of the training data \(10\.0% of that "
        r"range\); ECL 8 lies 2 cycles above the 1 to 6 of the training data \(40\.0% of that "
        r"range\)\. Choose within, or add --extrapolate\.$"
    )
    with pytest.raises(ConditionError, match=expected):
        generate(default_run, Condition(950, 8), samples=1, seed=0)
    with pytest.raises(ConditionError, match=r"^EOL 350 lies 50 cycles below the 400 to 900 of"):
        generate(default_run, Condition(350, 6), samples=1, seed=0)


def test_a_new_condition_within_the_data_is_generated(default_run):
    charges = generate(default_run, Condition(777, 5), samples=1, seed=0)
    assert charges.in_support is True
    assert charges.distance > 0


def test_every_charge_is_a_draw_of_its_own(noisy_run):
    samples = 2 * BLOCK + 3
    voltage_v = generate(noisy_run, ASKED, samples, seed=0).curves["voltage_v"]
    assert voltage_v.shape == (samples, 16)
    assert len(np.unique(voltage_v[:, 0])) == samples


def test_same_seed_same_charges(noisy_run):
    first, second, other = (
        generate(noisy_run, ASKED, 3, seed).curves["voltage_v"] for seed in (5, 5, 6)
    )
    assert_array_equal(first, second)
    assert np.all(first != other)


def test_the_first_of_many_are_those_of_few(noisy_run):
    few = generate(noisy_run, ASKED, samples=BLOCK + 1, seed=5).curves["voltage_v"]
    many = generate(noisy_run, ASKED, samples=3 * BLOCK, seed=5).curves["voltage_v"]
    assert_array_equal(many[: BLOCK + 1], few)


def test_the_first_of_many_are_those_of_few_to_the_last_digit(either_run):
    few = generate(either_run, ASKED, samples=2, seed=5)
    many = generate(either_run, ASKED, samples=9, seed=5)
    for name in few.curves:
        assert_array_equal(many.curves[name][:2], few.curves[name])


def test_mean_mode_is_what_is_expected_whatever_the_seed(default_run):
    mean = generate(default_run, ASKED, samples=2, seed=5, mean=True)
    expected = default_run.mean_curves(np.array([[700, 4]]), NO_POLICY)
    for name in SIGNALS:
        assert_array_equal(mean.curves[name], np.repeat(expected[name], 2, axis=0))


def test_elapsed_time_is_equally_spaced(default_run):
    time_s = generate(default_run, ASKED, samples=5, seed=1).curves["elapsed_time_s"]
    grid = np.linspace(0.0, 1.0, 16, dtype=np.float32)
    assert_allclose(time_s, time_s[:, -1:] * grid, rtol=1e-6)
    assert np.all(time_s[:, -1] > 0.0)


def test_preset_paper_generates_no_time(paper_run):
    assert list(generate(paper_run, ASKED, samples=1, seed=0).curves) == list(SIGNALS[:4])


@pytest.mark.parametrize("samples", [0, -2])
def test_less_than_one_sample_is_refused(default_run, samples):
    with pytest.raises(SettingsError, match=rf"1 or more\. Received: samples={samples}\."):
        generate(default_run, ASKED, samples, seed=0)


def test_a_policy_goes_to_the_model_as_numbers(policy_run):
    run, asked = policy_run
    charges = generate(run, ASKED, 1, 0, mean=True, policy=" 3.6C(20%) -6C(80%)-\n1C ")
    assert_array_equal(asked["steps"], policy_numbers("3.6C(20%)-6C(80%)-1C")[None])
    assert_array_equal(asked["labels"], [[700, 4]])
    assert charges.policy == "3.6C(20%) -6C(80%)- 1C"
    assert charges.policy_match.seen is True


def test_a_new_policy_is_generated_and_compared(policy_run):
    charges = generate(policy_run[0], ASKED, 1, 0, mean=True, policy="5C(80%)")
    assert charges.policy_match.nearest == "4.8C(80%)-4.8C"
    assert_allclose(charges.policy_match.c_rate_difference, 0.2, rtol=1e-6)
    assert charges.policy_match.seen is False


def test_a_run_that_does_not_list_its_policies_compares_none(policy_run, default_run):
    run = replace(default_run, data={})
    assert generate(run, ASKED, 1, 0, mean=True, policy="5C(80%)").policy_match is None
    with pytest.raises(SettingsError, match=r'such as --policy "5\.4C\(40%\)-3\.6C"\.$'):
        generate(run, ASKED, 1, 0)


def test_a_policy_of_more_steps_than_any_known_one_is_refused(policy_run):
    run, _ = policy_run
    policy = "6C(10%)-5C(20%)-4C(40%)-3C(80%)-1C"
    told = r"--policy has 4 steps before the last one, those of the training data have 3"
    with pytest.raises(SettingsError, match=told):
        generate(run, ASKED, samples=1, seed=0, policy=policy)


@pytest.mark.parametrize("policy", [None, ""])
def test_a_run_conditioned_on_the_policy_needs_one(policy_run, policy):
    with pytest.raises(SettingsError, match=r'give --policy, such as --policy "4\.8C\(80%\)-4\.8C'):
        generate(policy_run[0], ASKED, 1, 0, policy=policy)


def test_another_run_refuses_a_policy(default_run, monkeypatch):
    monkeypatch.setattr(sampler, "conditions_on_policy", lambda run: False)
    with pytest.raises(SettingsError, match=r"leave out --policy, .* Received: policy='5C'\."):
        generate(default_run, ASKED, 1, 0, policy="5C")


def test_what_is_no_policy_is_refused(policy_run):
    with pytest.raises(UserError, match=r"steps like .* Received: policy='fast'\."):
        generate(policy_run[0], ASKED, 1, 0, policy="fast")
