"""The search on a tiny data set: what is kept of it, and what stops it."""

import csv
import json
import math

import pytest
import tensorflow as tf
from keras.callbacks import EarlyStopping
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata

from data_prep.errors import SettingsError
from rcvae_tf.presets import read_stored, resolve
from tests.rcvae_tf.builders import write_dataset
from tests.tuning.builders import SMALL_SPACE, small_plan
from tuning import hypermodel as hypermodel_module
from tuning import search as search_module
from tuning.hypermodel import RCVAEHyperModel, outcome_of
from tuning.outcome import Outcome, read_outcome
from tuning.search import search
from tuning.search_directory import SearchDirectory
from tuning.summaries import BEST, CURVE


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "made")


def begun(path, dataset, plan):
    directory = SearchDirectory(path)
    directory.begin(plan.facts(dataset.card, str(dataset.directory)), overwrite=False)
    return directory


@pytest.fixture(scope="module")
def searched(dataset, tmp_path_factory):
    """A search of two trials, gone on with to three."""
    plan = small_plan(trial_epochs=2)
    directory = begun(tmp_path_factory.mktemp("search") / "s", dataset, plan)
    first = search(plan, dataset, directory, trials=2)
    result = search(plan, dataset, begun(directory.path, dataset, plan), trials=3)
    return directory, first, result


@pytest.fixture
def judged(monkeypatch):
    """Trials that end at once, with the errors that a test gives."""

    def give(*errors):
        left = list(errors)
        monkeypatch.setattr(RCVAEHyperModel, "build", lambda self, hp: None)
        fit = lambda self, hp, model, callbacks: outcome_of([left.pop(0)])  # noqa: E731
        monkeypatch.setattr(RCVAEHyperModel, "fit", fit)
        monkeypatch.setattr(search_module, "_draw", lambda directory: None)
        monkeypatch.setattr(search_module.gc, "collect", lambda: None)
        return left

    return give


def table(directory):
    with directory.trials.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_has_a_row_for_each_trial_and_keeps_those_of_an_earlier_call(searched):
    directory, first, result = searched
    rows = table(directory)
    columns = ["trial", "status", "val_mae", "best_epoch", "epochs", "seconds"]
    assert list(rows[0]) == [*columns, "hidden_dim", "learning_rate"]
    assert [row["trial"] for row in rows] == ["1", "2", "3"]
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert result.trials[:2] == first.trials
    assert all(row["epochs"] == 2 and 1 <= row["best_epoch"] <= 2 for row in result.trials)
    assert all(row["seconds"] > 0 for row in result.trials)
    assert [float(row["val_mae"]) for row in rows] == [row["val_mae"] for row in result.trials]


def test_the_best_is_the_lowest_row_in_a_form_that_train_takes(searched):
    directory, _, result = searched
    best = min(result.trials, key=lambda row: row["val_mae"])
    stored = resolve(None, read_stored(directory.best))
    assert stored == result.best
    assert result.best_trial == best
    assert stored.model.hidden_dim == best["hidden_dim"]
    assert stored.training.learning_rate == best["learning_rate"]


def test_the_best_keeps_the_epochs_and_the_patience_of_a_training(searched):
    training = searched[2].best.training
    assert (training.epochs, training.patience) == (70, 30)


def test_no_weights_are_left_and_everything_else_is_where_it_belongs(searched):
    directory = searched[0]
    files = {path.name for path in directory.path.iterdir()}
    names = {"search.json", "trials.csv", "best.json", "figures", "tensorboard", "keras_tuner"}
    assert files == names
    assert directory.objective_figure.is_file()
    assert directory.slices_figure.is_file()
    for folder in directory.oracle.glob("trial_*"):
        assert {path.name for path in folder.iterdir()} == {"trial.json", "outcome.json"}


def plugin_data(directory):
    """What TensorBoard's own reader finds for the HParams tab, by tag."""
    accumulator = EventAccumulator(str(directory))
    accumulator.Reload()
    content = accumulator.summary_metadata
    return accumulator, {
        tag: data.plugin_data.content
        for tag, data in content.items()
        if data.plugin_data.plugin_name == metadata.PLUGIN_NAME
    }


def test_tensorboard_reads_the_experiment_with_every_searched_setting(searched):
    _, tags = plugin_data(searched[0].tensorboard)
    experiment = metadata.parse_experiment_plugin_data(tags[metadata.EXPERIMENT_TAG])
    assert [info.name for info in experiment.hparam_infos] == ["hidden_dim", "learning_rate"]
    widths = experiment.hparam_infos[0].domain_discrete.values
    assert [value.number_value for value in widths] == [4, 8]
    rates = experiment.hparam_infos[1].domain_interval
    assert (rates.min_value, rates.max_value) == (1e-3, 1e-2)
    assert [info.name.tag for info in experiment.metric_infos] == [BEST, CURVE]
    assert len(list(searched[0].tensorboard.glob("events.*"))) == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_tensorboard_reads_settings_best_error_and_curve_of_each_trial(searched, number):
    directory, _, result = searched
    row = result.trials[number - 1]
    accumulator, tags = plugin_data(directory.tensorboard / f"trial_{number:04d}")
    start = metadata.parse_session_start_info_plugin_data(tags[metadata.SESSION_START_INFO_TAG])
    assert start.group_name == f"trial_{number:04d}"
    values = {name: value.number_value for name, value in start.hparams.items()}
    assert values == {name: row[name] for name in ("hidden_dim", "learning_rate")}
    end = metadata.parse_session_end_info_plugin_data(tags[metadata.SESSION_END_INFO_TAG])
    assert end.status == api_pb2.STATUS_SUCCESS

    def scalars(tag):
        return [
            (event.step, float(tf.make_ndarray(event.tensor_proto)))
            for event in accumulator.Tensors(tag)
        ]

    curve = scalars(CURVE)
    assert [step for step, _ in curve] == [1, 2]
    assert scalars(BEST) == [(row["best_epoch"], pytest.approx(row["val_mae"], rel=1e-6))]
    assert min(value for _, value in curve) == pytest.approx(row["val_mae"], rel=1e-6)


def test_a_trial_trains_on_the_training_split_alone_and_no_longer_than_it_may(dataset, monkeypatch):
    plan = small_plan(merge_validation=True, trial_epochs=9)
    seen = {}

    def watch(samples, num_samples, *others):
        seen["train"] = num_samples
        return samples

    class Model:
        def fit(self, batches, validation_data, **settings):
            seen["validation"] = sum(len(batch["x"]) for batch in validation_data)
            seen["epochs"] = settings["epochs"]
            (stopping,) = [c for c in settings["callbacks"] if isinstance(c, EarlyStopping)]
            seen["stopping"] = (stopping.monitor, stopping.mode, stopping.patience)
            return type("History", (), {"history": {"val_mae": [1.0]}})

    monkeypatch.setattr(hypermodel_module, "training_batches", watch)
    hp = search_module.SearchOracle(plan, dataset.directory).hyperparameters.copy()
    RCVAEHyperModel(plan, dataset).fit(hp, Model())
    stopping = ("val_mae", "min", 20)
    assert seen == {"train": 15, "validation": 3, "epochs": 9, "stopping": stopping}


def test_infinity_and_nan_are_never_the_lowest_error():
    assert outcome_of([math.nan, 3.0, math.inf, 2.0, -math.inf]) == Outcome(2.0, 4, 5)
    diverged = outcome_of([math.inf, math.nan])
    assert (diverged.val_mae, diverged.best_epoch, diverged.epochs) == (None, None, 2)
    assert diverged.reason == "val_mae was never finite"


def test_a_failed_trial_has_a_row_without_an_error_and_is_not_the_best(
    dataset, tmp_path, judged, caplog
):
    caplog.set_level("INFO")
    judged(math.inf, 5.0, math.nan)
    plan = small_plan()
    directory = begun(tmp_path / "s", dataset, plan)
    result = search(plan, dataset, directory, trials=3)
    rows = table(directory)
    assert [row["status"] for row in rows] == ["FAILED", "COMPLETED", "FAILED"]
    assert [row["val_mae"] for row in rows] == ["", "5.0", ""]
    assert result.best_trial["trial"] == 2
    lines = [message for message in caplog.messages if message.startswith("trial ")]
    assert lines[0].startswith("trial 1/3: failed (val_mae was never finite), none has one yet; ")
    assert lines[1].startswith("trial 2/3: val_mae 5.00000 (epoch 1 of 1), best 5.00000 (trial 2)")
    assert ", best 5.00000 (trial 2); hidden_dim " in lines[2]
    end = metadata.parse_session_end_info_plugin_data(
        plugin_data(directory.tensorboard / "trial_0001")[1][metadata.SESSION_END_INFO_TAG]
    )
    assert end.status == api_pb2.STATUS_FAILURE


def test_three_failures_in_a_row_end_a_search_in_one_line_and_it_goes_on(dataset, tmp_path, judged):
    left = judged(4.0, math.nan, math.nan, math.nan, 3.0, 2.0)
    plan = small_plan()
    directory = begun(tmp_path / "s", dataset, plan)
    with pytest.raises(SettingsError, match=r"3 trials in a row failed \(val_mae was") as error:
        search(plan, dataset, directory, trials=6)
    assert "4 of 6 are done. Go on with the same command" in str(error.value)
    assert len(table(directory)) == 4
    assert json.loads(directory.best.read_text())["training"]["epochs"] == 70
    result = search(plan, dataset, directory, trials=6)
    assert left == []
    assert [row["val_mae"] for row in result.trials] == [4.0, None, None, None, 3.0, 2.0]


def test_a_search_without_a_finite_trial_is_an_error(dataset, tmp_path, judged):
    judged(math.nan)
    plan = small_plan()
    with pytest.raises(SettingsError, match="none of 1 trials came to a finite val_mae"):
        search(plan, dataset, begun(tmp_path / "s", dataset, plan), trials=1)


def test_a_space_that_is_used_up_ends_the_search_with_an_honest_count(
    dataset, tmp_path, judged, caplog
):
    judged(3.0, 2.0)
    plan = small_plan(SMALL_SPACE[:1])
    result = search(plan, dataset, begun(tmp_path / "s", dataset, plan), trials=5)
    assert sorted(row["hidden_dim"] for row in result.trials) == [4, 8]
    assert "no new settings are left to try: the search ends with 2 of 5 trials" in caplog.text


def test_fewer_trials_than_are_done_adds_none_and_says_so(dataset, tmp_path, judged, caplog):
    caplog.set_level("INFO")
    judged(3.0, 2.0)
    plan = small_plan()
    directory = begun(tmp_path / "s", dataset, plan)
    search(plan, dataset, directory, trials=2)
    result = search(plan, dataset, directory, trials=1)
    assert len(result.trials) == 2
    assert "2 trials are done, 1 are asked for: nothing to add" in caplog.messages


def test_a_model_that_does_not_fit_into_memory_fails_alone(dataset, tmp_path, judged, monkeypatch):
    judged(3.0)

    def build(self, hp):
        if hp.values["hidden_dim"] == 8:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    monkeypatch.setattr(RCVAEHyperModel, "build", build)
    plan = small_plan(SMALL_SPACE[:1])
    result = search(plan, dataset, begun(tmp_path / "s", dataset, plan), trials=2)
    errors = {row["hidden_dim"]: row["val_mae"] for row in result.trials}
    assert errors == {4: 3.0, 8: None}


def test_a_bug_ends_the_search_with_its_trace_and_the_trial_runs_again(
    dataset, tmp_path, judged, monkeypatch, caplog
):
    caplog.set_level("INFO")
    judged(3.0)
    fit = RCVAEHyperModel.fit
    plan = small_plan()
    directory = begun(tmp_path / "s", dataset, plan)
    monkeypatch.setattr(RCVAEHyperModel, "fit", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        search(plan, dataset, directory, trials=1)
    monkeypatch.setattr(RCVAEHyperModel, "fit", fit)
    assert len(search(plan, dataset, directory, trials=1).trials) == 1
    going_on = "going on: 0 of 1 trials are done; trial 1 was cut short and runs again"
    assert going_on in caplog.messages
    # What the first try had written for TensorBoard is gone.
    assert len(list((directory.tensorboard / "trial_0001").glob("events.*"))) == 1


def test_a_damaged_outcome_is_one_line(tmp_path):
    (tmp_path / "outcome.json").write_text('{"error": 3}', encoding="utf-8")
    with pytest.raises(SettingsError, match="outcome.json: damaged"):
        read_outcome(tmp_path)
