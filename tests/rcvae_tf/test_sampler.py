import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from data_prep.records import SIGNALS
from rcvae_tf.conditions import Condition
from rcvae_tf.generation.sampler import generate

ASKED = Condition(700, 4)


@pytest.fixture
def spread_run(run_copy):
    """The default run with a decoder that answers z loudly."""
    kernel = run_copy.model.decoder.head.kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    return run_copy


def test_generated_charges_have_every_signal_in_its_unit(default_run, dataset):
    charges = generate(default_run, ASKED, samples=3, seed=0)
    assert list(charges.curves) == list(SIGNALS)
    for name, values in charges.curves.items():
        assert values.shape == (3, 16)
        assert_allclose(values.mean(), dataset.card.statistics[name].mean, rtol=0.3)


def test_a_known_condition_is_its_own_match(default_run):
    known = default_run.vocabulary.conditions[3]
    charges = generate(default_run, known, samples=1, seed=0)
    assert (charges.condition, charges.matched, charges.distance) == (known, known, 0.0)
    assert charges.in_support is True


def test_an_unknown_condition_says_what_it_was_matched_with(default_run):
    charges = generate(default_run, Condition(10_000, 50), samples=1, seed=0)
    oldest = default_run.vocabulary.conditions[-1]
    assert charges.condition == Condition(10_000, 50)
    assert charges.matched == oldest
    assert oldest.eol == 900
    assert_allclose(charges.distance, 0.9 * (10_000 - 900) + 0.1 * (50 - oldest.ecl))
    assert charges.in_support is False


def test_draws_of_a_condition_differ(spread_run):
    voltage_v = generate(spread_run, ASKED, samples=4, seed=0).curves["voltage_v"]
    for i in range(3):
        assert np.abs(voltage_v[i] - voltage_v[i + 1]).max() > 1e-4


def test_same_seed_same_charges(spread_run):
    first = generate(spread_run, ASKED, samples=3, seed=5)
    second = generate(spread_run, ASKED, samples=3, seed=5)
    other = generate(spread_run, ASKED, samples=3, seed=6)
    for name in SIGNALS:
        assert_array_equal(first.curves[name], second.curves[name])
        assert np.any(first.curves[name] != other.curves[name])


def test_the_first_of_many_are_those_of_few(spread_run):
    few = generate(spread_run, ASKED, samples=2, seed=5)
    many = generate(spread_run, ASKED, samples=9, seed=5)
    for name in SIGNALS:
        # A matrix product of another size may round the last digit otherwise.
        assert_allclose(many.curves[name][:2], few.curves[name], rtol=2e-6, atol=1e-6)


def test_mean_mode_is_z_0_whatever_the_seed(spread_run):
    mean = generate(spread_run, ASKED, samples=2, seed=5, mean=True)
    expected = spread_run.decode(np.array([[700, 4]]), np.zeros((1, 2)))
    for name in SIGNALS:
        assert_allclose(mean.curves[name], np.repeat(expected[name], 2, axis=0), rtol=2e-6)
        assert_array_equal(mean.curves[name][0], mean.curves[name][1])


def test_elapsed_time_is_equally_spaced(spread_run):
    time_s = generate(spread_run, ASKED, samples=5, seed=1).curves["elapsed_time_s"]
    grid = np.linspace(0.0, 1.0, 16, dtype=np.float32)
    assert_array_equal(time_s, time_s[:, -1:] * grid)
    assert np.all(time_s[:, -1] > 0.0)


def test_preset_paper_generates_no_time(paper_run):
    assert list(generate(paper_run, ASKED, samples=1, seed=0).curves) == list(SIGNALS[:4])


@pytest.mark.parametrize("samples", [0, -2])
def test_less_than_one_sample_is_refused(default_run, samples):
    with pytest.raises(SettingsError, match=rf"1 or more\. Received: samples={samples}\."):
        generate(default_run, ASKED, samples, seed=0)
