import math

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SettingsError
from rcvae_tf.embedding_matrix import load_embedding_matrix
from rcvae_tf.evaluation import results
from rcvae_tf.evaluation.evaluate import evaluate
from rcvae_tf.evaluation.results import evaluate_and_write
from rcvae_tf.run import Run
from rcvae_tf.test_samples import load_test_samples
from tests.rcvae_tf.builders import tiny_config, tiny_model


def test_training_and_evaluation_leave_the_same_files(default_run, run_copy, dataset):
    places = (run_copy.directory, default_run.directory)
    for path in (places[0].metrics, places[0].test_samples, places[0].embeddings):
        path.unlink()
    evaluate_and_write(run_copy, dataset)
    assert places[0].metrics.read_bytes() == places[1].metrics.read_bytes()
    ours, theirs = (load_test_samples(place.test_samples) for place in places)
    assert_array_equal(ours.mae["reconstruct"]["total"], theirs.mae["reconstruct"]["total"])
    assert_array_equal(ours.generated["mean"]["voltage_v"], theirs.generated["mean"]["voltage_v"])
    ours, theirs = (load_embedding_matrix(place.embeddings) for place in places)
    assert_array_equal(ours.embeddings, theirs.embeddings)


def test_a_run_without_an_embedding_keeps_none_of_an_older_one(run_copy, dataset):
    model, vocabulary = tiny_model(dataset, detach="embedding")
    config = tiny_config(detach="embedding")
    run = Run(run_copy.directory, config, run_copy.data, model, vocabulary)
    evaluate_and_write(run, dataset)
    assert not run.directory.embeddings.exists()
    assert not run.directory.projector.exists()
    assert load_test_samples(run.directory.test_samples).mae["mean"]["total"].shape == (6,)


def test_metrics_are_there_only_when_all_else_is(run_copy, dataset, monkeypatch):
    class Killed(BaseException):
        """Ends the evaluation where it stands."""

    def kill(matrix, folder):
        raise Killed

    run_copy.directory.metrics.unlink()
    monkeypatch.setattr(results, "write_projector", kill)
    with pytest.raises(Killed):
        evaluate_and_write(run_copy, dataset)
    assert not run_copy.directory.metrics.exists()


def test_another_seed_draws_other_curves_and_the_same_mean(run_copy, dataset):
    first, second = (evaluate_and_write(run_copy, dataset, seed) for seed in (1, 2))
    assert first["modes"]["mean"] == second["modes"]["mean"]
    assert first["modes"]["prior"] != second["modes"]["prior"]
    assert np.isfinite(second["modes"]["reconstruct"]["total"]["mae"])


def test_an_error_that_is_no_number_is_one_line_and_nothing_is_replaced(
    run_copy, dataset, monkeypatch
):
    whole = evaluate(run_copy, dataset)
    whole.metrics["modes"]["prior"]["voltage_v"]["rmse"] = math.inf
    monkeypatch.setattr(results, "evaluate", lambda run, dataset, seed: whole)
    before = run_copy.directory.metrics.read_bytes()
    with pytest.raises(SettingsError, match="not a finite number. Lower --learning-rate"):
        evaluate_and_write(run_copy, dataset)
    assert run_copy.directory.metrics.read_bytes() == before
