"""TensorBoard's own projector is asked, as its page asks it, without a socket.

The page takes the first of `/runs`, reads `/info` of it, then `/tensor` and `/metadata`.
"""

import json
import logging

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from rcvae_tf.embedding_matrix import EmbeddingMatrix, load_embedding_matrix
from rcvae_tf.evaluation.projector import TENSOR_NAME, metadata_lines, write_projector

MATRIX = EmbeddingMatrix(
    embeddings=np.array([[0.5, -1.0, 2.0], [0.0, 0.25, 4.0]]),
    labels=np.array([[500, 1], [900, 40]]),
    cell_ids=np.array(["b1c0", "b1c3 b2c1"]),
    condition_weight=0.9,
)


@pytest.fixture
def projector():
    """Starts the projector on a folder; returns what answers a route with bytes."""

    def start(logdir):
        multiplexer = EventMultiplexer().AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        provider = MultiplexerDataProvider(multiplexer, str(logdir))
        plugin = ProjectorPlugin(TBContext(logdir=str(logdir), data_provider=provider))
        apps = plugin.get_plugin_apps()

        def ask(route, **query):
            answer = Client(apps[f"/{route}"]).get("/", query_string=query)
            assert answer.status_code == 200, answer.text
            return answer.data

        return ask

    return start


# `train` prints `tensorboard --logdir RUN/tensorboard`, the README has `tensorboard --logdir runs`.
@pytest.mark.parametrize("above", [0, 1, 2])
def test_tensorboard_shows_the_embedding_of_a_run(run_copy, projector, above):
    directory = run_copy.directory
    logdir = [directory.tensorboard, *directory.tensorboard.parents][above]
    ask = projector(logdir)
    (run,) = json.loads(ask("runs"))
    assert run == str(directory.projector.relative_to(logdir))
    (embedding,) = json.loads(ask("info", run=run))["embeddings"]
    assert embedding["tensorShape"] == [15, 4]
    assert embedding["tensorName"] == TENSOR_NAME

    matrix = load_embedding_matrix(directory.embeddings)
    tensor = ask("tensor", run=run, name=TENSOR_NAME)
    assert len(tensor) == 15 * 4 * 4
    assert_array_equal(np.frombuffer(tensor, np.float32).reshape(15, 4), matrix.embeddings)
    assert ask("metadata", run=run, name=TENSOR_NAME).decode() == metadata_lines(matrix)


def test_metadata_of_a_condition_are_life_age_rest_and_cells():
    assert metadata_lines(MATRIX) == (
        "EOL\tECL\tRUL\tcell\n500\t1\t499\tb1c0\n900\t40\t860\tb1c3 b2c1\n"
    )


def test_an_older_embedding_is_replaced(projector, tmp_path):
    folder = tmp_path / "embedding"
    first = projector(tmp_path)
    write_projector(MATRIX, folder)
    (folder / "embedding.ckpt-9.index").write_text("old")
    write_projector(
        EmbeddingMatrix(np.ones((1, 2)), MATRIX.labels[:1], MATRIX.cell_ids[:1], 0.9), folder
    )
    ask = projector(tmp_path)
    assert len(ask("tensor", run="embedding", name=TENSOR_NAME)) == 1 * 2 * 4
    assert not (folder / "embedding.ckpt-9.index").exists()
    assert json.loads(first("runs")) == []


def test_saving_says_nothing(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        write_projector(MATRIX, tmp_path / "embedding")
    assert caplog.text == ""
