"""The command, in a process of its own: what it says, how it ends, and one model by four ways."""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf import serve
from rcvae_tf.exporting.endpoints import Endpoints
from rcvae_tf.exporting.saved_model import traced
from tests.builders import exit_code, one_error_line

ROOT = Path(__file__).resolve().parents[3]
ROWS = {"eol": [500, 613, 5000, 640], "ecl": [3, 2, 1, 6], "seed": [1, 7, 7, 2**62]}
# Loads a SavedModel where neither this project nor Keras can be imported.
ALONE = """
import json, sys
sys.modules.update(dict.fromkeys(["rcvae_tf", "data_prep", "keras"]))
import tensorflow as tf
generate = tf.saved_model.load(sys.argv[1]).signatures["generate"]
rows = json.loads(sys.argv[2])
answer = generate(**{name: tf.constant(values, tf.int64) for name, values in rows.items()})
print(json.dumps({name: values.numpy().tolist() for name, values in answer.items()}))
"""
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="module")
def server(exported):
    """The address of a running command."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rcvae_tf.serve", "--model", exported.path.parent, "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if "explorer page" in line:
            break
    else:
        pytest.fail(process.stderr.read())
    yield line.split("/: ")[0]
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.strip() == "python -m rcvae_tf.serve: ended by SIGTERM"


def post(address, body):
    request = urllib.request.Request(
        f"{address}/v1/models/rcvae:predict", json.dumps(body).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def by_keras(default_run):
    generate = traced(Endpoints(default_run).by_signature()["generate"])
    answer = generate({name: tf.constant(values, tf.int64) for name, values in ROWS.items()})
    return {name: values.numpy() for name, values in answer.items()}


def test_the_server_answers_what_keras_does_whatever_the_batch(server, by_keras):
    together = post(server, {"inputs": ROWS})["outputs"]
    assert sorted(together) == sorted(by_keras)
    for name, values in by_keras.items():
        assert_allclose(together[name], values, atol=1e-5)
    for number in range(4):
        row = {name: values[number] for name, values in ROWS.items()}
        (alone,) = post(server, {"instances": [row]})["predictions"]
        for name, values in together.items():
            assert alone[name] == values[number]


def test_a_process_without_our_package_gives_the_same(exported, by_keras):
    answer = subprocess.run(
        [sys.executable, "-c", ALONE, exported.path, json.dumps(ROWS)],
        capture_output=True,
        text=True,
        check=True,
        env=QUIET,
        cwd=exported.path,
    )
    for name, values in json.loads(answer.stdout).items():
        assert_allclose(values, by_keras[name], atol=1e-5)


def test_saved_model_cli_gives_the_same(exported, by_keras, tmp_path):
    expressions = ";".join(f"{name}={values}" for name, values in ROWS.items())
    command = [
        Path(sys.executable).with_name("saved_model_cli"),
        *("run", "--dir", exported.path, "--tag_set", "serve", "--signature_def", "generate"),
        *("--input_exprs", expressions, "--outdir", tmp_path, "--overwrite"),
    ]
    subprocess.run(command, capture_output=True, check=True, env=QUIET)
    assert sorted(path.stem for path in tmp_path.glob("*.npy")) == sorted(by_keras)
    for name, values in by_keras.items():
        found = np.load(tmp_path / f"{name}.npy")
        assert found.dtype == values.dtype
        assert_allclose(found, values, atol=1e-5)


def test_a_seed_draws_a_charge_and_another_seed_another(by_keras):
    # Rows 1 and 2 have a seed in common, not a condition.
    assert not np.array_equal(by_keras["voltage_v"][1], by_keras["voltage_v"][2])
    assert_array_equal(by_keras["in_support"], [True, True, False, True])


def test_the_page_and_the_document_are_there(server):
    for path, start in (("/", b"<!doctype html>"), ("/openapi.json", b'{"openapi":"3')):
        with urllib.request.urlopen(server + path, timeout=60) as answer:
            assert answer.read()[: len(start)].lower() == start


def test_no_model_is_one_line(tmp_path, capsys):
    assert exit_code(serve.main, ["--model", str(tmp_path)]) == 2
    assert "holds no version of a model. Make one with" in one_error_line(capsys)


def test_a_port_that_is_taken_is_one_line(server, exported, tmp_path):
    folder = shutil.copytree(exported.path.parent, tmp_path / "rcvae")
    port = server.rsplit(":", 1)[1]
    answer = subprocess.run(
        [sys.executable, "-m", "rcvae_tf.serve", "--model", folder, "--port", port],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert f"--port {port}: cannot be listened at. Choose another port." in answer.stderr
    assert "Traceback" not in answer.stderr
