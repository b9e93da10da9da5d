"""`python -m tuning` as it is typed, and killed."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rcvae_tf.builders import write_dataset
from tuning.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    *("--preset", "paper", "--num-hidden-layers", "1", "--hidden-dim", "8", "--latent-dim", "2"),
    *("--embedding-dim", "4", "--kl-weight", "1", "--batch-size", "5", "--no-jit-compile"),
]
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("data") / "made")


def arguments(dataset, output, *more):
    places = ["--data", str(dataset.directory), "--output", str(output)]
    return [*places, "--trials", "2", "--trial-epochs", "2", "--epochs", "7", *SMALL, *more]


@pytest.fixture(scope="module")
def whole(dataset, tmp_path_factory):
    """A search that was not killed, and what it printed at its end."""
    output = tmp_path_factory.mktemp("search") / "whole"
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(arguments(dataset, output)) == 0
    return output, printed.getvalue().splitlines()


def rows_of(output):
    with (output / "trials.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(output):
    files = sorted((output / "keras_tuner").glob("trial_*/trial.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["status"] for path in files]


def test_the_command_says_what_was_found_and_what_to_do_with_it(dataset, whole):
    output, printed = whole
    best = min(rows_of(output), key=lambda row: float(row["val_mae"]))
    where = f"val_mae {float(best['val_mae']):.5f} at epoch {best['best_epoch']}"
    lines = [line.strip() for line in printed[-4:]]
    assert lines[0] == f"best of 2 trials: trial {best['trial']}, {where}"
    assert lines[1].startswith("learning_rate ")
    assert lines[2].startswith("next: python -m rcvae_tf.train ")
    assert lines[2].endswith(f" --data {dataset.directory} --config {output}/best.json")
    assert lines[3] == f"tensorboard --logdir {output}/tensorboard"


def test_what_a_flag_gives_is_fixed_and_the_rest_is_searched(whole):
    output, _ = whole
    assert [name for name in rows_of(output)[0]][-2:] == ["learning_rate", "condition_weight"]
    stored = json.loads((output / "best.json").read_text(encoding="utf-8"))
    assert stored["training"]["epochs"] == 7
    assert stored["model"]["hidden_dim"] == 8
    assert stored["preset"] == "paper"


def test_a_search_killed_in_a_trial_and_started_again_is_the_search_that_was_not(
    dataset, whole, tmp_path, capsys
):
    output = tmp_path / "killed"
    command = [sys.executable, "-m", "tuning", *arguments(dataset, output)]
    second = output / "tensorboard" / "trial_0002"
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + PATIENCE_S
        while not second.is_dir():
            assert process.poll() is None, "ended before its second trial"
            assert time.monotonic() < deadline, "never came to its second trial"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert statuses(output) == ["COMPLETED", "RUNNING"]
    lines = (output / "search.log").read_text(encoding="utf-8").splitlines()
    texts = [line.split(" INFO ")[1] for line in lines]
    assert texts[0] == f"search {output}, preset paper, data {dataset.directory}"
    assert texts[1] == "searched: learning_rate, condition_weight"
    assert [text.split(":")[0] for text in texts[2:]] == ["trial 1/2"]

    assert main(arguments(dataset, output)) == 0
    assert "best of 2 trials" in capsys.readouterr().out
    assert statuses(output) == ["COMPLETED", "COMPLETED"]
    expected, rows = rows_of(whole[0]), rows_of(output)
    for name in ("trial", "status", "epochs", "learning_rate", "condition_weight"):
        assert [row[name] for row in rows] == [row[name] for row in expected]
    errors = [float(row["val_mae"]) for row in rows]
    assert errors == pytest.approx([float(row["val_mae"]) for row in expected], rel=1e-4)
    # What the killed try had written for TensorBoard is gone.
    assert len(list(second.glob("events.*"))) == 1


@pytest.mark.parametrize("seed", ["0", str(2**31)])
def test_a_seed_that_the_tuner_would_not_take_is_refused(dataset, tmp_path, capsys, seed):
    assert main(arguments(dataset, tmp_path, "--search-seed", seed)) == 2
    assert f"search_seed={seed}" in capsys.readouterr().err


def test_shuffled_labels_are_refused(dataset, tmp_path, capsys):
    assert main(arguments(dataset, tmp_path, "--shuffle-labels")) == 2
    assert "--shuffle-labels is a control of the ablation" in capsys.readouterr().err


def test_a_search_with_nothing_to_search_is_refused(dataset, tmp_path, capsys):
    fixed = ["--learning-rate", "0.001", "--condition-weight", "0.9"]
    assert main(arguments(dataset, tmp_path, *fixed)) == 2
    assert "nothing is left to search" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
