import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.embedding_matrix import load_embedding_matrix
from rcvae_tf.evaluation.embedding import cells_of_conditions, embedding_matrix
from rcvae_tf.run import Run
from tests.rcvae_tf.builders import EOL_OF_CELL, tiny_config, tiny_model


def test_rows_are_those_of_the_vocabulary(paper_run):
    matrix = load_embedding_matrix(paper_run.directory.embeddings)
    assert_array_equal(matrix.embeddings, paper_run.model.embedding.embeddings.numpy())
    assert matrix.embeddings.shape == (18, 4)
    assert_array_equal(matrix.labels, paper_run.vocabulary.labels)
    assert matrix.condition_weight == 0.9


def test_conditions_of_one_life_have_the_row_of_that_life(default_run):
    matrix = load_embedding_matrix(default_run.directory.embeddings)
    rows = default_run.model.embedding.embeddings.numpy()
    lives = sorted(EOL_OF_CELL.values())
    expected = rows[[lives.index(eol) for eol in matrix.labels[:, 0]]]
    assert_array_equal(matrix.embeddings, expected)
    assert matrix.embeddings.shape == (15, 4)
    assert_array_equal(matrix.labels, default_run.vocabulary.labels)


def test_each_condition_has_its_cell(either_run):
    # Every made cell has a life of its own.
    matrix = load_embedding_matrix(either_run.directory.embeddings)
    assert [EOL_OF_CELL[cell] for cell in matrix.cell_ids] == matrix.labels[:, 0].tolist()


def test_cells_of_one_condition_are_joined_in_order(dataset):
    labels = np.repeat([[500, 7]], len(dataset.train), axis=0)
    alike = dataclasses.replace(dataset.train, labels=labels)
    vocabulary = Vocabulary([Condition(500, 7)], 0.9)
    assert cells_of_conditions(vocabulary, alike) == ["made_0 made_1 made_2 made_3"]


@pytest.mark.parametrize(
    ("preset", "flags"),
    [
        ("default", {"detach": "embedding"}),
        ("default", {"known_lives": False}),
        ("paper", {"detach": "embedding"}),
    ],
)
def test_a_model_without_an_embedding_has_no_matrix(dataset, default_run, preset, flags):
    config = tiny_config(preset, **flags)
    model, vocabulary = tiny_model(dataset, preset, **flags)
    run = Run(default_run.directory, config, {}, model, vocabulary)
    assert embedding_matrix(run, dataset) is None
