import json
import math

import pytest

from data_prep.errors import SettingsError
from rcvae_tf.run_directory import FORMAT_VERSION, RunDirectory, write_json


def test_names_of_the_files(tmp_path):
    directory = RunDirectory(tmp_path)
    names = {
        "config": "config.json",
        "model": "model.keras",
        "conditions": "conditions.npz",
        "history": "history.csv",
        "metrics": "metrics.json",
        "test_samples": "test_samples.npz",
        "embeddings": "embeddings.npz",
        "tensorboard": "tensorboard",
        "projector": "tensorboard/embedding",
        "state": "state",
        "last_model": "state/last.keras",
        "train_state": "state/train_state.json",
        "log": "run.log",
    }
    for name, file in names.items():
        assert getattr(directory, name) == tmp_path / file


def test_clearing_removes_what_a_run_left_and_nothing_else(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.state.mkdir()
    files = ("config", "model", "train_state", "log", "metrics", "test_samples", "embeddings")
    for name in files:
        getattr(directory, name).write_text("old")
    directory.projector.mkdir(parents=True)
    (tmp_path / "notes.txt").write_text("mine")
    directory.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    directory.clear()


def test_config_is_read_as_it_was_written(tmp_path):
    directory = RunDirectory(tmp_path)
    data = {"directory": "data/demo"}
    write_json(directory.config, {"format_version": FORMAT_VERSION, "data": data})
    assert directory.read_config() == {"format_version": 3, "data": data}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"config\.json: not readable: Expecting property name .*Train anew\."),
        ("[]", r"config\.json: not readable: expected an object\. Train anew\."),
        ('{"format_version": 3}', r"config\.json: does not say what data it is of\. Train anew\."),
        ('{"format_version": 1}', r"config\.json: format version 1, expected 3\. Train anew\."),
    ],
)
def test_a_config_that_is_none_is_refused(tmp_path, content, message):
    directory = RunDirectory(tmp_path)
    directory.config.write_text(content)
    with pytest.raises(SettingsError, match=message):
        directory.read_config()


def test_json_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"mae": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"mae": math.nan})
    assert json.loads(path.read_text()) == {"mae": 0.5}
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]
