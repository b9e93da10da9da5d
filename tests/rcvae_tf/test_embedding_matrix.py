import numpy as np
import pytest
from numpy.testing import assert_array_equal

from data_prep.errors import SettingsError
from rcvae_tf.embedding_matrix import EmbeddingMatrix, load_embedding_matrix
from rcvae_tf.test_samples import write_npz


@pytest.fixture
def matrix():
    return EmbeddingMatrix(
        embeddings=np.array([[0.5, -1.0, 2.0], [0.0, 0.25, 4.0]]),
        labels=np.array([[500, 1], [900, 40]]),
        cell_ids=np.array(["b1c0", "b1c3 b2c1"]),
        condition_weight=0.9,
    )


def test_a_matrix_is_read_as_it_was_written(matrix, tmp_path):
    path = tmp_path / "embeddings.npz"
    matrix.save(path)
    stored = load_embedding_matrix(path)
    assert_array_equal(stored.embeddings, matrix.embeddings)
    assert_array_equal(stored.labels, [[500, 1], [900, 40]])
    assert stored.cell_ids.tolist() == ["b1c0", "b1c3 b2c1"]
    assert stored.condition_weight == 0.9
    assert [file.name for file in tmp_path.iterdir()] == ["embeddings.npz"]


def test_another_file_names_what_it_lacks(tmp_path):
    write_npz(tmp_path / "embeddings.npz", {"labels": np.ones((2, 2))})
    with pytest.raises(
        SettingsError, match=r"embeddings\.npz: lacks 'embeddings'\. Make it with `python -m"
    ):
        load_embedding_matrix(tmp_path / "embeddings.npz")


def test_a_missing_file_says_how_to_make_it(tmp_path):
    with pytest.raises(SettingsError, match=r"embeddings\.npz: is missing\. Make it with"):
        load_embedding_matrix(tmp_path / "embeddings.npz")


def test_a_damaged_file_is_one_line(matrix, tmp_path):
    path = tmp_path / "embeddings.npz"
    matrix.save(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SettingsError, match=r"embeddings\.npz: not readable \(") as raised:
        load_embedding_matrix(path)
    assert "\n" not in str(raised.value)
