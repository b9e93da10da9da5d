import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import DatasetError
from data_prep.records import SIGNALS
from rcvae_tf.dataset import merge, model_inputs
from rcvae_tf.evaluation import evaluate as evaluation
from rcvae_tf.evaluation.baselines import global_mean, nearest_label
from rcvae_tf.evaluation.draws import judge_draws
from rcvae_tf.evaluation.evaluate import evaluate, label_response, reconstruct
from rcvae_tf.evaluation.indicators import cell_facts
from rcvae_tf.evaluation.metrics import signal_errors
from rcvae_tf.evaluation.physics import physics_limits
from rcvae_tf.run import Run
from rcvae_tf.run_directory import RunDirectory
from tests.rcvae_tf.builders import tiny_config, tiny_model


@pytest.fixture
def untrained_run(dataset, tmp_path):
    """Its decoder gives the mean curve of the training split, whatever z and condition."""
    model, vocabulary = tiny_model(dataset, decoder="quasi_video")
    return Run(
        RunDirectory(tmp_path), tiny_config(), {"shards": dataset.card.shards}, model, vocabulary
    )


def test_metrics_have_four_modes_and_four_baselines(default_fit):
    _, metrics = default_fit
    assert list(metrics["modes"]) == ["reconstruct", "prior", "mean", "median"]
    assert list(metrics["baselines"]) == [
        "global_mean",
        "ecl_mean",
        "nearest_label",
        "k_nearest_mean",
    ]
    for errors in (*metrics["modes"].values(), *metrics["baselines"].values()):
        assert set(errors) == {*SIGNALS, "total"}
    assert (metrics["split"], metrics["cycles"]) == ("sample", 6)
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_mean_mode_is_what_the_run_gives_at_z_0(default_fit, dataset):
    run, metrics = default_fit
    curves = run.mean_curves(dataset.test.labels, dataset.test.policy_steps)
    assert metrics["modes"]["mean"] == signal_errors(dataset.test.curves, curves)


def test_generated_curves_are_those_that_the_metrics_measure(default_run, dataset):
    metrics, generated = evaluate(default_run, dataset)
    assert list(generated) == ["reconstruct", "mean"]
    for mode, curves in generated.items():
        assert curves["voltage_v"].shape == (6, 16)
        assert metrics["modes"][mode] == signal_errors(dataset.test.curves, curves)


def test_draws_of_a_data_set_are_judged_by_its_limits_and_with_the_seed(default_run, dataset):
    metrics = evaluate(default_run, dataset, seed=4).metrics
    limits = physics_limits(dataset.card, dataset.train)
    facts = cell_facts(dataset.card, dataset.test.cell_ids)
    drawn = judge_draws(default_run, dataset.test, limits, facts, seed=4)
    assert metrics["modes"]["prior"] == drawn.errors
    assert metrics["modes"]["median"] == signal_errors(dataset.test.curves, drawn.median)
    assert metrics["intervals"] == drawn.intervals
    assert metrics["physics"] == drawn.physics
    assert metrics["prior_draws"] == 50


def test_indicators_are_those_of_the_mean_charges_and_of_the_look_ups(default_run, dataset):
    metrics, generated = evaluate(default_run, dataset)
    facts = cell_facts(dataset.card, dataset.test.cell_ids)
    measured = facts.indicators_of(dataset.test.curves)["capacity_soh"]
    found = facts.indicators_of(generated["mean"])["capacity_soh"]
    soh = metrics["indicators"]["capacity_soh"]
    assert soh["mae"]["mean"] == pytest.approx(np.abs(found - measured).mean())
    assert soh["bias"] == pytest.approx((found - measured).mean())
    assert soh["charges"] == {"all": 6, "measured": 6, "mean": 6, "compared": 6}
    training = default_run.config.training
    known = dataset.known(training.merge_validation)
    copied = nearest_label(known, dataset.test.labels, training.condition_weight)
    error = facts.indicators_of(copied)["capacity_soh"] - measured
    assert soh["mae"]["nearest_label"] == pytest.approx(np.abs(error).mean())


def test_limits_of_physics_are_those_of_what_the_model_was_trained_on(
    default_run, paper_run, dataset, monkeypatch
):
    received = []

    def record(card, train):
        received.append((card, len(train)))
        return physics_limits(card, train)

    monkeypatch.setattr(evaluation, "physics_limits", record)
    for run in (default_run, paper_run):
        evaluate(run, dataset)
    # The paper's model was trained on the validation split too.
    assert received == [(dataset.card, 15), (dataset.card, 18)]


def test_last_cycle_is_the_oldest_age_of_any_split(default_run, dataset, monkeypatch):
    monkeypatch.setitem(dataset.card.preparation, "cycles", 100)
    metrics = evaluate(default_run, dataset).metrics
    assert (metrics["cycles"], metrics["last_cycle"]) == (100, 6)


def test_skill_compares_the_mean_mode_with_a_copy(default_fit):
    _, metrics = default_fit
    mean = metrics["modes"]["mean"]["voltage_v"]["mae"]
    copied = metrics["baselines"]["nearest_label"]["voltage_v"]["mae"]
    assert_allclose(metrics["skill"]["voltage_v"], 1.0 - mean / copied)


def test_look_ups_get_what_the_model_was_trained_on(default_fit, paper_fit, dataset):
    test = dataset.test
    merged = merge(dataset.train, dataset.validation)
    for (run, metrics), train in ((default_fit, dataset.train), (paper_fit, merged)):
        assert metrics["samples"] == {"train": len(train), "test": 6}
        weight = run.config.training.condition_weight
        copied = signal_errors(test.curves, nearest_label(train, test.labels, weight))
        assert metrics["baselines"]["nearest_label"] == copied


def test_preset_paper_has_no_time(paper_fit):
    _, metrics = paper_fit
    assert set(metrics["modes"]["mean"]) == {*SIGNALS[:4], "total"}


def test_a_mean_curve_has_the_errors_of_the_global_mean(untrained_run, dataset):
    expected = signal_errors(dataset.test.curves, global_mean(dataset.train))
    metrics = evaluate(untrained_run, dataset).metrics
    for mode in ("reconstruct", "prior", "mean", "median"):
        assert_allclose(
            [errors["mae"] for errors in metrics["modes"][mode].values()],
            [errors["mae"] for errors in expected.values()],
            rtol=1e-4,
        )
    # The curves of all conditions are one up to rounding.
    assert metrics["latent"]["label_response"] < 1e-4


def test_reconstruction_encodes_the_curve_itself(default_run, dataset):
    curves, z_mean, kl_per_dim = reconstruct(default_run, dataset.test)
    inputs = model_inputs(dataset.test, default_run.vocabulary)
    expected, z_log_var = (np.asarray(part) for part in default_run.model.encode(inputs))
    assert_allclose(z_mean, expected, rtol=1e-5, atol=1e-6)
    divergence = -0.5 * (1 + z_log_var - expected**2 - np.exp(z_log_var))
    assert_allclose(kl_per_dim, divergence.mean(axis=0), rtol=1e-4, atol=1e-6)
    assert curves["voltage_v"].shape == (6, 16)


def test_reconstruction_does_not_depend_on_the_size_of_its_batches(
    default_run, dataset, monkeypatch
):
    _, whole, divergence = reconstruct(default_run, dataset.test)
    monkeypatch.setattr(evaluation, "DECODE_BATCH", 4)
    curves, parts, divergence_of_parts = reconstruct(default_run, dataset.test)
    assert_allclose(parts, whole, rtol=1e-5, atol=1e-6)
    assert_allclose(divergence_of_parts, divergence, rtol=1e-5, atol=1e-6)
    assert len(curves["voltage_v"]) == 6


def test_label_response_is_the_share_of_the_measured_spread():
    measured = {"voltage_v": np.array([[0.0, 2.0], [2.0, 4.0]]), "flat": np.ones((2, 2))}
    assert label_response(measured, measured) == 1.0
    half = {name: values / 2 for name, values in measured.items()}
    assert_allclose(label_response(measured, half), 0.5)
    constant = {"voltage_v": np.array([[1.0, 3.0], [1.0, 3.0]])}
    assert label_response(measured, constant) == 0.0
    assert label_response({"flat": np.ones((2, 2))}, {"flat": np.ones((2, 2))}) == 0.0


def test_evaluation_of_a_run_changes_nothing(default_run, dataset):
    before = default_run.model.get_weights()[:4]
    evaluate(default_run, dataset, seed=3)
    for weight, old in zip(default_run.model.get_weights()[:4], before, strict=True):
        assert_array_equal(weight, old)


def test_a_data_set_of_other_signals_is_refused(default_run, dataset_without_temperature):
    with pytest.raises(
        DatasetError,
        match=r"holds 4 x 4 points of voltage_v, current_c_rate, charge_capacity_ah, .*; the run "
        r".* was trained on 4 x 4 points of .*temperature_degc.*Give --data",
    ):
        evaluate(default_run, dataset_without_temperature)
