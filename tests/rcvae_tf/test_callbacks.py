import zipfile

import pytest
from numpy.testing import assert_array_equal

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.run import load_model
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import callbacks
from rcvae_tf.training.callbacks import BestAndLast, KLWarmup, ProgressLine, training_callbacks
from rcvae_tf.training.fit import compile_model
from rcvae_tf.training.state import TrainState, read_state
from tests.rcvae_tf.builders import randomise, tiny_config, tiny_model


@pytest.fixture
def model(dataset):
    model, _ = tiny_model(dataset)
    compile_model(model, tiny_config().training, 3)
    model.optimizer.build(model.trainable_variables)
    return model


def keeper(model, directory, state=None, patience=3, keep="best"):
    callback = BestAndLast(directory, state or TrainState(), patience, keep)
    for each in (callback, callback.averaging):
        each.set_model(model)
    return callback


def weights_size(path):
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo("model.weights.h5").file_size


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(4, [0.25, 0.5, 0.75, 1.0, 1.0]), (1, [1.0] * 5), (0, [1.0] * 5)],
)
def test_the_weight_of_the_kld_rises_in_equal_steps(model, epochs, expected):
    warmup = KLWarmup(epochs)
    warmup.set_model(model)
    weights = []
    for epoch in range(5):
        warmup.on_epoch_begin(epoch)
        weights.append(float(model.kl_scale))
    assert weights == expected


def test_training_stops_when_patience_is_out(model, tmp_path):
    callback = keeper(model, RunDirectory(tmp_path), patience=3)
    stopped = []
    for epoch, error in enumerate((0.5, 0.6, 0.4, 0.4, 0.5, 0.41)):
        callback.on_epoch_end(epoch, {"val_mae": error})
        stopped.append(model.stop_training)
    assert stopped == [False] * 5 + [True]
    assert callback.state == TrainState(6, 0.4, 3, 3)


def test_patience_counts_on_after_a_resume(model, tmp_path):
    state = TrainState(epochs_done=9, best_val_mae=0.1, best_epoch=7, counter=2)
    callback = keeper(model, RunDirectory(tmp_path), state, patience=3)
    callback.on_epoch_end(9, {"val_mae": 0.2})
    assert model.stop_training is True


def test_the_best_and_the_last_model_are_written_at_the_end(model, tmp_path):
    directory = RunDirectory(tmp_path)
    callback = keeper(model, directory)
    best = randomise(model, seed=1).get_weights()
    callback.on_epoch_end(0, {"val_mae": 0.3})
    last = randomise(model, seed=2).get_weights()
    callback.on_epoch_end(1, {"val_mae": 0.4})
    assert read_state(directory.train_state).epochs_done == 1
    callback.on_train_end()
    for path, expected in ((directory.model, best), (directory.last_model, last)):
        for weight, other in zip(load_model(path).get_weights(), expected, strict=True):
            assert_array_equal(weight, other)
    for weight, other in zip(model.get_weights(), last, strict=True):
        assert_array_equal(weight, other)
    assert read_state(directory.train_state) == TrainState(2, 0.3, 1, 1)


def test_the_model_of_the_last_epoch_is_kept_where_it_is_asked_for(model, tmp_path):
    directory = RunDirectory(tmp_path)
    callback = keeper(model, directory, keep="last")
    callback.on_epoch_end(0, {"val_mae": 0.3})
    last = randomise(model, seed=2).get_weights()
    callback.on_epoch_end(1, {"val_mae": 0.4})
    callback.on_train_end()
    for weight, other in zip(load_model(directory.model).get_weights(), last, strict=True):
        assert_array_equal(weight, other)
    # The state counts as ever.
    assert read_state(directory.train_state) == TrainState(2, 0.3, 1, 1)


def test_the_best_model_is_written_without_the_optimiser(model, tmp_path):
    directory = RunDirectory(tmp_path)
    callback = keeper(model, directory)
    callback.on_epoch_end(0, {"val_mae": 0.3})
    callback.on_train_end()
    assert load_model(directory.last_model).compiled
    assert not load_model(directory.model).compiled
    # Adam keeps two moments for each weight; the rest of a file does not grow with the weights.
    weights, with_moments = (weights_size(p) for p in (directory.model, directory.last_model))
    assert with_moments - weights > 2 * 4 * model.count_params()


def test_a_state_never_counts_from_a_best_model_that_was_not_written(model, tmp_path, monkeypatch):
    directory = RunDirectory(tmp_path)
    save = callbacks.save_model

    def killed_at_the_last_model(model, path):
        if path == directory.last_model:
            raise KeyboardInterrupt
        save(model, path)

    monkeypatch.setattr(callbacks, "save_model", killed_at_the_last_model)
    with pytest.raises(KeyboardInterrupt):
        keeper(model, directory).on_epoch_end(0, {"val_mae": 0.3})
    assert directory.model.is_file()
    assert not directory.train_state.exists()


def test_checkpoints_are_written_on_the_way_when_it_is_time(model, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "CHECKPOINT_SECONDS", 0.0)
    directory = RunDirectory(tmp_path)
    keeper(model, directory).on_epoch_end(0, {"val_mae": 0.3})
    assert directory.model.is_file()
    assert read_state(directory.train_state).epochs_done == 1


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_nan_is_never_the_model_that_is_kept(model, tmp_path, keep):
    directory = RunDirectory(tmp_path)
    callback = keeper(model, directory, keep=keep)
    callback.on_epoch_end(0, {"val_mae": float("nan")})
    callback.on_train_end()
    assert directory.last_model.is_file()
    assert not directory.model.exists()


def test_progress_prints_ten_lines_where_there_is_no_terminal(capsys):
    state = TrainState(best_val_mae=0.0125, best_epoch=4)
    line = ProgressLine(20, state)
    logs = {"loss": 1.5, "mse": 1.25, "kld": 0.25, "val_mae": 0.02}
    line.on_train_begin()
    for epoch in range(20):
        line.on_epoch_end(epoch, logs)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == (
        "epoch 2/20  loss 1.5  mse 1.25  kld 0.25  val_mae 0.02000  best 0.01250 (epoch 4)"
    )


@pytest.mark.parametrize(
    ("epochs_done", "expected"),
    [
        (5, "trained 5 epochs; best val_mae 0.25000 at epoch 2"),
        (4, "trained 4 epochs (no better val_mae for 2); best val_mae 0.25000 at epoch 2"),
    ],
)
def test_progress_says_why_training_ended(capsys, epochs_done, expected):
    line = ProgressLine(5, TrainState(epochs_done, 0.25, 2, counter=2))
    line.on_train_end()
    assert capsys.readouterr().err.splitlines()[-1] == expected


@pytest.fixture
def names_and_callbacks(dataset, tmp_path):
    def make(epochs_done):
        directory = RunDirectory(tmp_path)
        vocabulary = Vocabulary(dataset.train.conditions, 0.9)
        checkpoints = BestAndLast(directory, TrainState(epochs_done), patience=3)
        made = training_callbacks(tiny_config(), dataset, vocabulary, directory, checkpoints)
        return {type(callback).__name__: callback for callback in made}

    return make


@pytest.mark.parametrize(("epochs_done", "append"), [(0, False), (3, True)])
def test_history_is_continued_only_by_a_resumed_training(names_and_callbacks, epochs_done, append):
    assert names_and_callbacks(epochs_done)["CSVLogger"].append is append


def test_the_best_model_is_kept_before_the_progress_is_told_and_averages_leave_last(
    names_and_callbacks,
):
    assert list(names_and_callbacks(0)) == [
        "KLWarmup",
        "TensorBoard",
        "LatentAndPictures",
        "CollapseWatch",
        "CSVLogger",
        "TerminateOnNaN",
        "BestAndLast",
        "ProgressLine",
        "AveragedWeights",
    ]
