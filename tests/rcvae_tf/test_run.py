import dataclasses
import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from data_prep.errors import SettingsError
from data_prep.protocol import policy_numbers
from data_prep.records import SIGNALS
from rcvae_tf import run as run_module
from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.dataset import model_inputs
from rcvae_tf.physical import generated_curves
from rcvae_tf.run import (
    Run,
    conditions_on_policy,
    load_run,
    load_vocabulary,
    save_vocabulary,
)
from tests.rcvae_tf.builders import randomise, tiny_config, tiny_model

RNG = np.random.default_rng
LABELS = np.array([[400, 1], [650, 4], [700, 5]])
POLICIES = np.stack([policy_numbers(text) for text in ("4.8C(80%)", "5.4C(40%)-3.6C", "")])


def test_a_loaded_run_is_the_trained_one(either_run):
    loaded = load_run(str(either_run.directory.path))
    assert loaded.config == either_run.config
    assert loaded.vocabulary.conditions == either_run.vocabulary.conditions
    assert loaded.vocabulary.weight == either_run.vocabulary.weight == 0.9
    assert loaded.data["source"] == "made"
    for name, values in either_run.mean_curves(LABELS, POLICIES).items():
        assert_array_equal(loaded.mean_curves(LABELS, POLICIES)[name], values)
    for name, values in either_run.draw_curves(LABELS, POLICIES, RNG(5)).items():
        assert_array_equal(loaded.draw_curves(LABELS, POLICIES, RNG(5))[name], values)


def test_expected_curves_are_in_physical_units(default_run, dataset):
    curves = default_run.mean_curves(LABELS, POLICIES)
    assert list(curves) == list(SIGNALS)
    for name, values in curves.items():
        assert values.shape == (3, 16)
        if name == "charge_capacity_ah":  # the integral of the current, which the made one is not
            continue
        statistics = dataset.card.statistics[name]
        # Three epochs stay close to the training mean: well within the measured range.
        margin = 0.2 * (statistics.maximum - statistics.minimum)
        assert values.min() > statistics.minimum - margin
        assert values.max() < statistics.maximum + margin


def test_expected_curves_are_those_of_the_model_at_z_0(either_run, dataset):
    test, model = dataset.test, either_run.model
    quasi_video = model.decode(np.zeros((6, 2), "f4"), model_inputs(test, either_run.vocabulary))
    expected = generated_curves(quasi_video.numpy(), model.signals_present)
    curves = either_run.mean_curves(test.labels, test.policy_steps)
    assert curves.keys() == expected.keys()
    for name, values in curves.items():
        assert_allclose(values, expected[name], rtol=1e-5, atol=1e-5)


def test_expected_curves_do_not_depend_on_the_size_of_batches(either_run, monkeypatch):
    whole = either_run.mean_curves(LABELS, POLICIES)
    monkeypatch.setattr(run_module, "DECODE_BATCH", 2)
    for name, values in either_run.mean_curves(LABELS, POLICIES).items():
        assert_allclose(values, whole[name], rtol=1e-5, atol=1e-5)


def test_every_row_of_a_draw_is_independent(either_run):
    labels = np.repeat(LABELS[:1], 4, axis=0)
    drawn = either_run.draw_curves(labels, np.repeat(POLICIES[:1], 4, axis=0), RNG(0))
    for values in drawn.values():
        assert values.shape == (4, 16)
        apart = np.abs(values[:, None] - values[None]).max(axis=-1)
        assert apart[~np.eye(4, dtype=bool)].min() > 0


def test_draws_repeat_with_their_generator_alone(either_run):
    first, again, other = (
        either_run.draw_curves(LABELS, POLICIES, RNG(seed))["voltage_v"] for seed in (0, 0, 1)
    )
    assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.fixture
def quasi_video_run(dataset, default_run):
    """A run of the paper's decoder that is given EOL and ECL as numbers too."""
    model, vocabulary = tiny_model(dataset, decoder="quasi_video")
    config = tiny_config(decoder="quasi_video")
    return Run(default_run.directory, config, {}, randomise(model), vocabulary)


def test_an_unknown_label_takes_the_embedding_of_the_nearest_known_one(quasi_video_run):
    run = quasi_video_run
    known = run.vocabulary.conditions[4]
    near = np.array([[known.eol, known.ecl + 0.2]])
    index, _ = run.vocabulary.nearest(near)
    assert index[0] == 4
    curves = run.mean_curves(near, POLICIES[:1])
    # It keeps its own EOL and ECL as numbers.
    own = {"condition_index": np.array([4]), "condition": near.astype(np.float32)}
    quasi_video = run.model.decode(np.zeros((1, 2), np.float32), own).numpy()
    for name, values in generated_curves(quasi_video, run.model.signals_present).items():
        assert_allclose(curves[name], values, rtol=1e-5, atol=1e-5)


def test_preset_paper_answers_a_label_between_with_the_nearest_one(paper_run):
    condition = paper_run.vocabulary.conditions[0]
    labels = np.array([[condition.eol, condition.ecl], [condition.eol - 30, condition.ecl]])
    for first, second in paper_run.mean_curves(labels, POLICIES[:2]).values():
        assert_allclose(first, second, rtol=1e-5)


@pytest.mark.parametrize("condition", ["eol,ecl", "eol,ecl,policy"])
def test_a_run_says_whether_it_is_told_the_policy(dataset, default_run, condition):
    config = tiny_config(condition=condition)
    run = dataclasses.replace(default_run, config=config)
    assert conditions_on_policy(run) == (condition == "eol,ecl,policy")


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
    with pytest.raises(SettingsError, match=r"config\.json: format version 99, expected 3\."):
        load_run(run_copy.directory.path)


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_a_damaged_vocabulary_is_refused(run_copy, content):
    path = run_copy.directory.conditions
    path.write_bytes(path.read_bytes()[:100] if content is None else content)
    with pytest.raises(
        SettingsError, match=r"conditions\.npz: not a readable vocabulary \(.*Train anew"
    ):
        load_run(run_copy.directory.path)
