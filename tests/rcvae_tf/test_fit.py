import csv
import dataclasses
import gc
import json
import logging
import shutil
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from data_prep.records import SIGNALS
from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.dataset import Dataset, merge
from rcvae_tf.presets import read_stored, resolve
from rcvae_tf.run import load_model, load_run
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import callbacks
from rcvae_tf.training import fit as fit_module
from rcvae_tf.training.fit import (
    compile_model,
    data_facts,
    fit,
    nominal_capacity_ah,
    shuffle_labels,
)
from rcvae_tf.training.state import TrainState, read_state
from tests.rcvae_tf.builders import (
    EOL_OF_CELL,
    POLICY_OF_CELL,
    randomise,
    tiny_config,
    tiny_model,
)


def history(run):
    with run.directory.history.open(encoding="utf-8", newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


class Killed(BaseException):
    """Ends a training where it stands, as a kill does."""


@pytest.fixture
def stopped_after_two_epochs(dataset, tmp_path, no_pictures):
    """Ends a training of three epochs by an exception; returns the folder of the run."""

    def train(ending, checkpoint_seconds=1000.0):
        advance = callbacks.ProgressLine.on_epoch_end

        def stop(self, epoch, logs=None):
            advance(self, epoch, logs)
            if epoch == 1:
                raise ending

        directory = RunDirectory(tmp_path)
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setattr(callbacks, "CHECKPOINT_SECONDS", checkpoint_seconds)
            patch.setattr(callbacks.ProgressLine, "on_epoch_end", stop)
            # The CSVLogger of Keras does not close its file when training is cut off.
            warnings.simplefilter("ignore", ResourceWarning)
            with pytest.raises(ending):
                fit(tiny_config("paper", epochs=3), dataset, directory)
            gc.collect()
        return directory

    return train


def test_training_leaves_its_files(default_run):
    directory = default_run.directory
    for path in (
        directory.config,
        directory.model,
        directory.conditions,
        directory.history,
        directory.metrics,
        directory.test_samples,
        directory.embeddings,
        directory.last_model,
        directory.train_state,
    ):
        assert path.is_file(), path.name
    assert not list(directory.path.rglob("*part*"))


def test_metrics_on_the_disk_are_those_returned(default_fit):
    run, metrics = default_fit
    assert json.loads(run.directory.metrics.read_text(encoding="utf-8")) == metrics


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_history_has_every_metric_of_training_and_validation(request, preset):
    run = request.getfixturevalue(f"{preset}_run")
    of_canvas = ["l1", "duration_nll", "spread"] if preset == "default" else []
    names = ["loss", "mse", "kld", *of_canvas, "mae", *(f"mae_{name}" for name in SIGNALS[:4])]
    expected = {"epoch", "learning_rate", *names, *(f"val_{name}" for name in names)}
    rows = history(run)
    assert {name for name in rows[0] if name != "learning_rate"} == expected - {"learning_rate"}
    assert [row["epoch"] for row in rows] == list(range(3 if preset == "default" else 2))


def test_training_lowers_the_loss(default_run, paper_run):
    for run in (default_run, paper_run):
        rows = history(run)
        assert rows[-1]["loss"] < rows[0]["loss"]


def test_the_best_epoch_of_the_state_is_that_of_the_history(default_run):
    state = read_state(default_run.directory.train_state)
    errors = [row["val_mae"] for row in history(default_run)]
    assert state.epochs_done == 3
    assert state.best_epoch == int(np.argmin(errors)) + 1
    assert_allclose(state.best_val_mae, min(errors), rtol=1e-6)
    assert state.counter == 3 - state.best_epoch


def test_preset_paper_trains_on_validation_too(paper_run, default_run, dataset):
    merged = merge(dataset.train, dataset.validation)
    assert paper_run.vocabulary.conditions == tuple(sorted(merged.conditions))
    assert default_run.vocabulary.conditions == tuple(sorted(dataset.train.conditions))
    assert paper_run.model.num_conditions == 18
    assert default_run.model.num_conditions == 15


def test_config_of_a_run_is_one_to_train_with(paper_run):
    stored = read_stored(paper_run.directory.config)
    assert resolve(None, stored) == paper_run.config == tiny_config("paper")
    assert stored["format_version"] == 3
    assert stored["data"]["training_cells"] == sorted(EOL_OF_CELL)
    assert stored["data"]["signals_present"] == list(SIGNALS)
    assert stored["data"]["training_policies"] == sorted(POLICY_OF_CELL.values())


def test_same_seed_same_weights(paper_run, dataset, tmp_path, no_pictures):
    again, _ = fit(paper_run.config, dataset, RunDirectory(tmp_path))
    for weight, other in zip(
        again.model.trainable_variables, paper_run.model.trainable_variables, strict=True
    ):
        assert_array_equal(weight.numpy(), other.numpy(), err_msg=weight.path)


def test_a_killed_training_says_how_to_go_on(stopped_after_two_epochs):
    directory = stopped_after_two_epochs(Killed)
    directory.model.unlink()
    unfinished = r"model\.keras: missing; the run has not come to its end\. "
    with pytest.raises(SettingsError, match=unfinished + ".*--resume"):
        load_run(directory.path)


def test_the_first_epoch_is_on_the_disk_at_once(stopped_after_two_epochs):
    directory = stopped_after_two_epochs(Killed)
    assert read_state(directory.train_state).epochs_done == 1
    assert load_run(directory.path).vocabulary.conditions


def test_resume_goes_on_where_a_killed_training_stood(stopped_after_two_epochs, dataset):
    directory = stopped_after_two_epochs(Killed, checkpoint_seconds=0.0)
    killed = read_state(directory.train_state)
    assert killed.epochs_done == 2
    # 18 samples, merged, make 3 batches of 5 an epoch.
    assert load_model(directory.last_model).optimizer.iterations.numpy() == 2 * 3

    run, _ = fit(tiny_config("paper", epochs=3), dataset, directory, resume=True)
    state = read_state(directory.train_state)
    assert state.epochs_done == 3
    assert state.best_val_mae <= killed.best_val_mae
    assert [row["epoch"] for row in history(run)] == [0, 1, 2]
    assert load_model(directory.last_model).optimizer.iterations.numpy() == 3 * 3


def test_an_interrupted_training_leaves_all_that_it_has_learnt(stopped_after_two_epochs, caplog):
    with caplog.at_level(logging.INFO):
        directory = stopped_after_two_epochs(KeyboardInterrupt)
    state = read_state(directory.train_state)
    assert (state.epochs_done, state.best_epoch) == (2, 2)
    assert f"stopped after 2 epochs; go on with --output {directory.path} --resume" in caplog.text
    assert load_run(directory.path).config == tiny_config("paper", epochs=3)


def test_a_training_that_never_has_a_number_is_an_error(dataset, tmp_path, no_pictures):
    nowhere = dataclasses.replace(
        dataset.validation, quasi_video=np.full_like(dataset.validation.quasi_video, np.nan)
    )
    damaged = Dataset(dataset.directory, dataset.card)
    damaged.__dict__["validation"] = nowhere  # in place of what the cached property reads
    config = tiny_config("paper", epochs=1, learning_rate=0.5, merge_validation=False)
    with pytest.raises(
        SettingsError, match=r"never a number in 1 epochs\. .*Received: learning_rate=0\.5\."
    ):
        fit(config, damaged, RunDirectory(tmp_path))


def test_a_worse_model_does_not_replace_the_best(paper_run, dataset, tmp_path, no_pictures):
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(paper_run.directory.path, directory.path)
    TrainState(epochs_done=2, best_val_mae=1e-9, best_epoch=1, counter=1).write(
        directory.train_state
    )
    best = directory.model.read_bytes()
    last = load_model(directory.last_model).get_weights()
    fit(tiny_config("paper", epochs=3), dataset, directory, resume=True)
    assert directory.model.read_bytes() == best
    assert read_state(directory.train_state) == TrainState(3, 1e-9, 1, 2)
    trained = load_model(directory.last_model).get_weights()
    assert any(np.any(a != b) for a, b in zip(trained, last, strict=True))


@pytest.fixture
def ended_in_its_first_epoch(dataset, tmp_path, no_pictures):
    """Ends a training before its first epoch is; returns the folder of the run."""

    def train(ending):
        def end(self, epoch, logs=None):
            raise ending

        directory = RunDirectory(tmp_path)
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            patch.setattr(callbacks.KLWarmup, "on_epoch_begin", end)
            warnings.simplefilter("ignore", ResourceWarning)  # the CSVLogger, as above
            with pytest.raises(ending):
                fit(tiny_config("paper"), dataset, directory)
            gc.collect()
        return directory

    return train


def test_resume_begins_anew_where_no_epoch_was_finished(
    ended_in_its_first_epoch, paper_run, dataset
):
    directory = ended_in_its_first_epoch(Killed)
    fit(tiny_config("paper"), dataset, directory, resume=True)
    assert directory.history.read_bytes() == paper_run.directory.history.read_bytes()


def test_a_training_interrupted_in_its_first_epoch_has_no_state(ended_in_its_first_epoch, caplog):
    with caplog.at_level(logging.INFO):
        directory = ended_in_its_first_epoch(KeyboardInterrupt)
    assert "stopped after 0 epochs; go on with --output" in caplog.text
    assert directory.config.is_file()
    assert not directory.state.exists()


def test_a_training_ended_by_patience_is_not_gone_on_with(
    paper_run, dataset, tmp_path, no_pictures
):
    directory = RunDirectory(tmp_path / "run")
    shutil.copytree(paper_run.directory.path, directory.path)
    directory.metrics.unlink()
    stopped = TrainState(epochs_done=2, best_val_mae=0.1, best_epoch=1, counter=1)
    stopped.write(directory.train_state)
    last = directory.last_model.read_bytes()
    fit(tiny_config("paper", epochs=9, patience=1), dataset, directory, resume=True)
    assert read_state(directory.train_state) == stopped
    assert directory.last_model.read_bytes() == last
    assert directory.metrics.read_bytes() == paper_run.directory.metrics.read_bytes()


def test_resume_of_nothing_is_refused(dataset, tmp_path):
    with pytest.raises(SettingsError, match=r"holds no run \(config\.json is missing\)"):
        fit(tiny_config(), dataset, RunDirectory(tmp_path), resume=True)


def test_shuffled_labels_are_those_of_other_samples(dataset):
    train = dataset.train
    shuffled = shuffle_labels(train, seed=1)
    assert sorted(shuffled.labels.tolist()) == sorted(train.labels.tolist())
    assert np.mean(np.any(shuffled.labels != train.labels, axis=1)) > 0.5
    assert_array_equal(shuffled.quasi_video, train.quasi_video)
    assert_array_equal(shuffle_labels(train, seed=1).labels, shuffled.labels)
    assert np.any(shuffle_labels(train, seed=2).labels != shuffled.labels)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_training_gets_shuffled_labels_when_it_is_told_to(
    dataset, tmp_path, monkeypatch, shuffled
):
    given = []

    def keep(samples, *rest):
        given.extend(samples.as_numpy_iterator())
        raise Killed

    monkeypatch.setattr(fit_module, "training_batches", keep)
    with pytest.raises(Killed):
        fit(tiny_config("paper", shuffle_labels=shuffled), dataset, RunDirectory(tmp_path))
    train = merge(dataset.train, dataset.validation)
    expected = shuffle_labels(train, tiny_config("paper").training.seed) if shuffled else train
    assert_array_equal([sample["condition"] for sample in given], expected.labels)
    assert_array_equal([sample["x"] for sample in given], train.quasi_video)


def test_data_facts_are_those_of_the_training_conditions(dataset):
    vocabulary = Vocabulary([Condition(400, 6), Condition(500, 1)], 0.9)
    facts = data_facts(tiny_config("paper"), dataset, vocabulary)
    assert (facts["eol_mean"], facts["eol_spread"], facts["ecl_range"]) == (450.0, 50.0, 6.0)
    assert (facts["height"], facts["width"]) == (4, 4)
    assert tuple(facts["statistics"]) == SIGNALS
    assert facts["statistics"]["voltage_v"]["maximum"] == pytest.approx(3.6 + 0.09 + 0.006)
    assert json.loads(json.dumps(facts)).keys() == facts.keys()
    assert "canvas" not in facts


@pytest.mark.parametrize("merge_validation", [False, True])
def test_facts_of_the_canvas_are_those_of_the_samples_that_are_trained_on(
    dataset, merge_validation
):
    config = tiny_config(merge_validation=merge_validation)
    facts = data_facts(config, dataset, Vocabulary(dataset.train.conditions, 0.9))
    train = merge(dataset.train, dataset.validation) if merge_validation else dataset.train
    minutes = train.curves["elapsed_time_s"][:, -1] / 60.0
    assert facts["canvas"]["log_duration_mean"] == pytest.approx(np.log(minutes).mean(), rel=1e-6)
    assert len(facts["canvas"]["knots"]) == 24
    assert facts["canvas"]["nominal_capacity_ah"] == 1.1


def test_1_c_is_the_median_of_the_nominal_capacities(dataset):
    cells = {f"c{k}": {"nominal_capacity_ah": ah} for k, ah in enumerate([1.1, 3.0, 1.0])}
    assert nominal_capacity_ah(dataclasses.replace(dataset.card, cells=cells)) == 1.1


def test_one_life_alone_has_a_spread_of_1(dataset):
    vocabulary = Vocabulary([Condition(400, 1), Condition(400, 2)], 0.9)
    assert data_facts(tiny_config("paper"), dataset, vocabulary)["eol_spread"] == 1.0


@pytest.mark.parametrize(
    ("schedule", "expected"),
    # 10 steps: cosine gives 1, (1 + cos(pi / 2)) / 2 and 0 of the rate.
    [("constant", [0.01, 0.01, 0.01]), ("cosine", [0.01, 0.005, 0.0])],
)
def test_learning_rate_follows_its_schedule(dataset, schedule, expected):
    model, _ = tiny_model(dataset)
    training = tiny_config(epochs=2, learning_rate=0.01, schedule=schedule).training
    compile_model(model, training, steps_per_epoch=5)
    rates = []
    for step in (0, 5, 10):
        model.optimizer.iterations.assign(step)
        rates.append(float(model.optimizer.learning_rate))
    assert_allclose(rates, expected, atol=1e-7)


def test_a_model_is_compiled_as_its_settings_say(dataset):
    model, _ = tiny_model(dataset)
    compile_model(randomise(model), tiny_config(jit_compile=False).training, 5)
    assert model.jit_compile is False
    optimizer = model.optimizer
    assert type(optimizer).__name__ == "AdamW"
    assert (optimizer.weight_decay, optimizer.clipnorm) == (1e-3, 5.0)
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.99)


def test_a_model_of_preset_paper_is_compiled_with_adam_alone(dataset):
    model, _ = tiny_model(dataset, "paper")
    compile_model(model, tiny_config("paper").training, 5)
    optimizer = model.optimizer
    assert type(optimizer).__name__ == "Adam"
    assert (optimizer.weight_decay, optimizer.clipnorm) == (None, None)
    assert optimizer.use_ema is False


def test_resume_writes_each_epoch_into_the_history_once(stopped_after_two_epochs, dataset):
    directory = stopped_after_two_epochs(Killed)
    stored = resolve(None, read_stored(directory.config))
    fit(stored, dataset, directory, resume=True)
    with directory.history.open(newline="", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2"]
