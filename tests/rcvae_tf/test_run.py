import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from data_prep.records import SIGNALS
from rcvae_tf import run as run_module
from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.run import load_run, load_vocabulary, save_vocabulary
from tests.rcvae_tf.builders import randomise

LABELS = np.array([[400, 1], [650, 4], [700, 5]])


def test_a_loaded_run_is_the_trained_one(either_run):
    loaded = load_run(str(either_run.directory.path))
    assert loaded.config == either_run.config
    assert loaded.vocabulary.conditions == either_run.vocabulary.conditions
    assert loaded.vocabulary.weight == either_run.vocabulary.weight == 0.9
    assert loaded.data["source"] == "made"
    z = np.random.default_rng(0).normal(size=(3, loaded.latent_dim))
    for name, values in either_run.decode(LABELS, z).items():
        assert_array_equal(loaded.decode(LABELS, z)[name], values)


def test_decoded_curves_are_in_physical_units(default_run, dataset):
    curves = default_run.decode(LABELS, np.zeros((3, 2)))
    assert list(curves) == list(SIGNALS)
    for name, values in curves.items():
        assert values.shape == (3, 16)
        statistics = dataset.card.statistics[name]
        # Two epochs stay close to the training mean: well within the measured range.
        margin = 0.2 * (statistics.maximum - statistics.minimum)
        assert values.min() > statistics.minimum - margin
        assert values.max() < statistics.maximum + margin


def test_decoding_does_not_depend_on_the_size_of_its_batches(paper_run, monkeypatch):
    z = np.random.default_rng(0).normal(size=(3, 2))
    whole = paper_run.decode_quasi_video(LABELS, z)
    monkeypatch.setattr(run_module, "DECODE_BATCH", 2)
    assert_allclose(paper_run.decode_quasi_video(LABELS, z), whole, rtol=1e-5, atol=1e-5)
    assert whole.shape == (3, 3, 2, 4, 4)


def test_an_unknown_label_takes_the_embedding_of_the_nearest_known_one(run_copy):
    randomise(run_copy.model)
    known = run_copy.vocabulary.conditions[4]
    near = np.array([[known.eol, known.ecl + 0.2]])
    index, _ = run_copy.vocabulary.nearest(near)
    assert index[0] == 4
    decoded = run_copy.decode_quasi_video(near, np.zeros((1, 2)))
    # It keeps its own EOL and ECL as numbers.
    own = {"condition_index": np.array([4]), "condition": near.astype(np.float32)}
    expected = run_copy.model.decode(np.zeros((1, 2), np.float32), own)
    assert_allclose(decoded, expected, rtol=1e-5, atol=1e-5)


def test_preset_paper_answers_a_label_between_with_the_nearest_one(paper_run):
    condition = paper_run.vocabulary.conditions[0]
    labels = np.array([[condition.eol, condition.ecl], [condition.eol - 30, condition.ecl]])
    first, second = paper_run.decode_quasi_video(labels, np.zeros((2, 2)))
    assert_allclose(first, second, rtol=1e-5)


def test_a_vocabulary_is_read_as_it_was_written(tmp_path):
    vocabulary = Vocabulary([Condition(900, 2), Condition(500, 1)], 0.7)
    save_vocabulary(vocabulary, tmp_path / "conditions.npz")
    again = load_vocabulary(tmp_path / "conditions.npz")
    assert again.conditions == (Condition(500, 1), Condition(900, 2))
    assert again.weight == 0.7


def test_a_folder_without_a_run_is_named(tmp_path):
    with pytest.raises(
        SettingsError,
        match=r"nowhere: holds no run \(config\.json is missing\)\. .*rcvae_tf\.train",
    ):
        load_run(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model", "conditions"])
def test_a_run_without_its_model_has_not_come_to_its_end(run_copy, name):
    path = getattr(run_copy.directory, name)
    path.unlink()
    with pytest.raises(SettingsError, match=rf"{path.name}: missing; the run has not .* --resume"):
        load_run(run_copy.directory.path)


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_damaged_model_is_refused(run_copy, content):
    path = run_copy.directory.model
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)
    with pytest.raises(SettingsError, match=r"model\.keras: not a readable model .*Train anew"):
        load_run(run_copy.directory.path)


def test_another_format_version_is_refused(run_copy):
    path = run_copy.directory.config
    stored = {**json.loads(path.read_text()), "format_version": 99}
    path.write_text(json.dumps(stored))
    with pytest.raises(SettingsError, match=r"config\.json: format version 99, expected 2\."):
        load_run(run_copy.directory.path)


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_damaged_vocabulary_is_refused(run_copy, content):
    path = run_copy.directory.conditions
    path.write_bytes(path.read_bytes()[:100] if content is None else content)
    with pytest.raises(
        SettingsError, match=r"conditions\.npz: not a readable vocabulary \(.*Train anew"
    ):
        load_run(run_copy.directory.path)
