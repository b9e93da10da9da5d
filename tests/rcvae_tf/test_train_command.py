import dataclasses
import json
import logging
import shutil

import pytest

from data_prep import pipeline
from rcvae_tf import train
from rcvae_tf.presets import resolve
from rcvae_tf.run import load_run
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training import fit as fit_module
from rcvae_tf.training.state import read_state
from tests.builders import exit_code, one_error_line

TINY_FLAGS = [
    "--hidden-dim",
    "8",
    "--num-hidden-layers",
    "2",
    "--latent-dim",
    "2",
    "--embedding-dim",
    "4",
    "--batch-size",
    "5",
    "--no-jit-compile",
]


@pytest.fixture
def calls(monkeypatch, default_fit):
    """What `fit` would be called with; in its place the metrics of a run come back."""
    received = []

    def record(config, dataset, directory, resume=False):
        received.append((config, dataset, directory, resume))
        return default_fit

    monkeypatch.setattr(fit_module, "fit", record)
    return received


def test_training_prints_its_table_and_its_place(dataset, tmp_path, capsys, caplog, no_pictures):
    caplog.set_level(logging.INFO)
    output = tmp_path / "run"
    argv = ["--data", str(dataset.directory), "--output", str(output), "--preset", "paper"]
    assert train.main([*argv, "--epochs", "1", *TINY_FLAGS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "6 test charges, 18 for training; sample split, cycles 1 to 6 at the most" in lines
    starts = [line.split()[0] for line in lines if line.strip()]
    assert (starts.count("MAE"), starts.count("RMSE")) == (1, 1)
    for row in ("reconstruct (sees", "prior (z", "mean (z", "global_mean", "nearest_label"):
        assert sum(line.strip().startswith(row) for line in lines) == 2
    assert f"run: {output}" in lines
    assert f"next: tensorboard --logdir {output / 'tensorboard'}" in lines
    assert any(f"rcvae_tf.generate --run {output}" in line for line in lines)

    directory = RunDirectory(output)
    assert read_state(directory.train_state).epochs_done == 1
    assert load_run(output).config.training.epochs == 1
    assert "preset paper" in directory.log.read_text(encoding="utf-8")


def test_flags_change_the_config_which_changes_the_preset(dataset, tmp_path, calls):
    stored = tmp_path / "best.json"
    stored.write_text(json.dumps({"preset": "paper", "model": {"latent_dim": 3, "hidden_dim": 9}}))
    output = tmp_path / "run"
    argv = ["--data", str(dataset.directory), "--output", str(output), "--config", str(stored)]
    assert train.main([*argv, "--latent-dim", "4"]) == 0
    ((config, given, directory, resume),) = calls
    assert config == resolve("paper", None, {"latent_dim": 4, "hidden_dim": 9})
    assert given.directory == dataset.directory
    assert (directory.path, resume) == (output, False)


def test_a_data_set_of_held_out_cells_has_its_own_settings(dataset_copy, tmp_path, calls):
    card = dataset_copy.card
    preparation = {**card.preparation, "split": "cell"}
    dataclasses.replace(card, preparation=preparation).write(dataset_copy.directory)
    argv = ["--data", str(dataset_copy.directory), "--output", str(tmp_path / "run")]
    assert train.main([*argv, "--latent-dim", "3"]) == 0
    assert calls[0][0] == resolve("default", None, {"latent_dim": 3}, split="cell")


def test_without_output_the_next_free_run_is_taken(dataset, tmp_path, monkeypatch, calls):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert train.main(["--data", str(dataset.directory), "--preset", "paper"]) == 0
    assert [str(directory.path) for _, _, directory, _ in calls] == ["runs/paper-1", "runs/paper-2"]


def test_without_data_the_demo_is_prepared_once(dataset, tmp_path, monkeypatch, calls):
    prepared = []

    def prepare(config):
        prepared.append(config)
        shutil.copytree(dataset.directory, config.output)

    monkeypatch.setattr(pipeline, "prepare", prepare)
    monkeypatch.chdir(tmp_path)
    assert train.main([]) == 0
    assert train.main([]) == 0
    ((config),) = prepared
    assert (config.source, config.output) == ("demo", "data/demo")
    assert [str(data.directory) for _, data, _, _ in calls] == ["data/demo", "data/demo"]


def test_resume_takes_settings_and_data_from_the_run(run_copy, dataset, calls):
    assert train.main(["--output", str(run_copy.directory.path), "--resume"]) == 0
    ((config, given, directory, resume),) = calls
    assert config == run_copy.config
    assert given.directory == dataset.directory
    assert (directory, resume) == (run_copy.directory, True)


def test_overwrite_removes_the_old_run_and_other_files_stay(run_copy, dataset, calls):
    path = run_copy.directory.path
    (path / "notes.txt").write_text("mine")
    argv = ["--data", str(dataset.directory), "--output", str(path), "--overwrite"]
    assert train.main(argv) == 0
    assert sorted(file.name for file in path.iterdir()) == ["notes.txt", "run.log"]


def test_a_folder_with_nothing_but_the_log_of_a_killed_run_is_free(dataset, run_copy, calls):
    path = run_copy.directory.path
    run_copy.directory.clear()
    run_copy.directory.log.write_text("run, preset default\n")
    argv = ["--data", str(dataset.directory), "--output", str(path)]
    assert train.main(argv) == 0
    assert train.main([*argv, "--overwrite"]) == 0
    assert [directory.path for _, _, directory, _ in calls] == [path, path]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--epochs 0", "`epochs` must be an integer of 1 or more. Received: epochs=0."),
        ("--epochs ten", "argument --epochs: invalid int value: 'ten'"),
        ("--preset fast", "argument --preset: invalid choice: 'fast'"),
        ("--learning-rate nan", "Received: learning_rate=nan."),
        ("--widht 3", "unrecognized arguments: --widht 3"),
        ("--resume", "--resume needs --output, the run to go on with."),
        ("--config nowhere.json", "nowhere.json: not a readable configuration"),
        ("--data nowhere", "nowhere: holds no data set"),
        ("--output taken.txt", "--output taken.txt: is a file, expected a folder to make."),
        ("--output taken", "--output taken: is not empty. Choose another folder, add --resume"),
        ("--output new --resume", "new: holds no run (config.json is missing)"),
        ("--output new --resume --epochs 3", "--resume goes on with the settings of the run"),
    ],
)
def test_a_fault_of_the_user_is_one_line_and_leaves_nothing(
    tmp_path, monkeypatch, capsys, calls, flags, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    (tmp_path / "taken.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert exit_code(train.main, flags.split()) == 2
    line = one_error_line(capsys)
    assert line.startswith("python -m rcvae_tf.train: error: ")
    assert message in line
    assert sorted(tmp_path.rglob("*")) == before
    assert calls == []


def test_overwrite_with_a_data_set_that_is_not_there_keeps_the_run(run_copy, tmp_path, capsys):
    path = run_copy.directory.path
    argv = ["--data", str(tmp_path / "nope"), "--output", str(path), "--overwrite"]
    assert exit_code(train.main, argv) == 2
    assert "holds no data set" in one_error_line(capsys)
    assert load_run(path).vocabulary.conditions == run_copy.vocabulary.conditions


def test_overwrite_of_what_is_no_run_is_refused(dataset, tmp_path, capsys):
    (tmp_path / "figures").mkdir()
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path), "--overwrite"]
    assert exit_code(train.main, argv) == 2
    assert "holds no run" in one_error_line(capsys)
    assert (tmp_path / "figures").is_dir()


def test_resume_and_overwrite_exclude_each_other(run_copy, capsys):
    path = run_copy.directory.path
    assert exit_code(train.main, ["--output", str(path), "--resume", "--overwrite"]) == 2
    assert "give one" in one_error_line(capsys)
    assert load_run(path).vocabulary.conditions == run_copy.vocabulary.conditions


def test_a_preset_does_not_rename_the_settings_of_another(dataset, default_run, tmp_path, capsys):
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "run")]
    argv += ["--preset", "paper", "--config", str(default_run.directory.config)]
    assert exit_code(train.main, argv) == 2
    assert "holds the settings of preset default" in one_error_line(capsys)


def test_resume_on_another_data_set_is_refused(run_copy, dataset_without_temperature, capsys):
    argv = ["--output", str(run_copy.directory.path), "--resume"]
    argv += ["--data", str(dataset_without_temperature.directory)]
    assert exit_code(train.main, argv) == 2
    assert "is not the data set that the run was trained on" in one_error_line(capsys)


def test_a_place_below_a_file_is_one_line(dataset, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    argv = ["--data", str(dataset.directory), "--output", str(tmp_path / "file" / "run")]
    assert exit_code(train.main, argv) == 2
    assert "Not a directory" in one_error_line(capsys)
