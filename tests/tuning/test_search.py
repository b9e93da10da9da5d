"""The search on a tiny data set: what is suggested, what is kept, and how it goes on."""

import csv
import json
import math

import keras_tuner
import numpy as np
import pytest
from keras_tuner.errors import FailedTrialError

from data_prep.errors import SettingsError
from rcvae_tf.config import read_stored, resolve
from tests.rcvae_tf.builders import tiny_config, write_dataset
from tuning import hypermodel, search_space
from tuning.__main__ import main
from tuning.hypermodel import RCVAEHyperModel
from tuning.search import search
from tuning.search_space import SPACE, Dimension, suggest

SMALL_SPACE = (
    Dimension("model", "hidden_dim", 4, 8, step=2, log=True),
    Dimension("training", "learning_rate", 1e-3, 1e-2, log=True),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "made")


@pytest.fixture
def small_space(monkeypatch):
    monkeypatch.setattr(search_space, "SPACE", SMALL_SPACE)
    monkeypatch.setattr("tuning.search.SPACE", SMALL_SPACE)


def trial_rows(directory):
    with (directory / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_dimension_names_a_setting_and_lies_within_its_range():
    for dimension in SPACE:
        for value in (dimension.low, dimension.high):
            resolve("default", None, {dimension.name: value})


def test_the_first_suggestion_is_the_low_end_and_the_rest_stays_as_it_was():
    base = tiny_config(epochs=7)
    config = suggest(keras_tuner.HyperParameters(), base)
    assert config.model.num_hidden_layers == 1
    assert config.model.hidden_dim == 64
    assert config.training.learning_rate == 1e-4
    assert config.training.epochs == 7
    assert config.preset == base.preset


def test_numpy_numbers_of_the_tuner_become_plain_settings():
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = {"condition_weight": np.float64(0.64), "hidden_dim": np.int64(128)}
    config = suggest(hyperparameters, tiny_config())
    assert type(config.training.condition_weight) is float
    assert type(config.model.hidden_dim) is int
    assert (config.training.condition_weight, config.model.hidden_dim) == (0.64, 128)


@pytest.mark.usefixtures("small_space")
def test_a_search_keeps_its_best_trial_in_a_form_that_train_takes(dataset, tmp_path):
    result = search(tiny_config(epochs=2), dataset, tmp_path, trials=2, seed=1)
    rows = trial_rows(tmp_path)
    assert [row["status"] for row in rows] == ["COMPLETED", "COMPLETED"]
    best_row = min(rows, key=lambda row: float(row["val_mae"]))
    stored = resolve(None, read_stored(tmp_path / "best.json"))
    assert stored == result.best
    assert stored.model.hidden_dim == int(best_row["hidden_dim"])
    assert stored.training.learning_rate == float(best_row["learning_rate"])


# Three trials are few for a Gaussian process, and its fit says so.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.usefixtures("small_space")
def test_a_search_that_goes_on_keeps_the_trials_it_has(dataset, tmp_path, monkeypatch):
    # One random trial, so that the others come from the Gaussian process.
    monkeypatch.setattr("tuning.search.INITIAL_RANDOM_TRIALS", 1)
    search(tiny_config(epochs=1), dataset, tmp_path, trials=1, seed=1)
    first = trial_rows(tmp_path)
    search(tiny_config(epochs=1), dataset, tmp_path, trials=3, seed=1)
    rows = trial_rows(tmp_path)
    assert rows[0] == first[0]
    assert [row["status"] for row in rows] == ["COMPLETED"] * 3


def test_a_trial_that_is_never_finite_fails_and_is_not_taken_for_perfect(dataset, monkeypatch):
    trial = RCVAEHyperModel(tiny_config(epochs=1), dataset)
    model = trial.build(keras_tuner.HyperParameters())

    class Diverged:
        history = {"val_mae": [math.inf, math.nan]}

    monkeypatch.setattr(model, "fit", lambda *args, **kwargs: Diverged)
    monkeypatch.setattr(hypermodel, "suggest", lambda hp, base: base)
    with pytest.raises(FailedTrialError, match="never finite"):
        trial.fit(keras_tuner.HyperParameters(), model)


@pytest.mark.usefixtures("small_space")
def test_a_search_without_a_finite_trial_is_an_error(dataset, tmp_path, monkeypatch):
    def diverge(*args, **kwargs):
        raise FailedTrialError("val_mae was never finite.")

    monkeypatch.setattr(RCVAEHyperModel, "fit", diverge)
    with pytest.raises(SettingsError, match="none of 1 trials"):
        search(tiny_config(epochs=1), dataset, tmp_path, trials=1, seed=1)


def test_search_seed_zero_is_refused_for_the_tuner_takes_it_for_none(dataset, tmp_path, capsys):
    arguments = ["--data", str(dataset.directory), "--output", str(tmp_path), "--search-seed", "0"]
    assert main(arguments) == 2
    assert "search_seed=0" in capsys.readouterr().err


@pytest.mark.usefixtures("small_space")
def test_the_command_says_what_to_do_with_the_best(dataset, tmp_path, capsys):
    output = tmp_path / "search"
    arguments = ["--data", str(dataset.directory), "--output", str(output), "--trials", "1"]
    tiny = ["--epochs", "1", "--no-jit-compile", "--num-hidden-layers", "1"]
    assert main([*arguments, *tiny]) == 0
    printed = capsys.readouterr().out
    assert f"--config {output}/best.json" in printed
    assert json.loads((output / "best.json").read_text())["training"]["epochs"] == 1
