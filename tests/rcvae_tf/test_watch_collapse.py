import logging
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.training import watch_collapse
from rcvae_tf.training.watch_collapse import CollapseWatch
from tests.rcvae_tf.builders import tiny_config
from tests.rcvae_tf.test_tensorboard import events, scalars

TAGS = ("latent/active_units", "latent/kld", "label_response")
# Of preset `paper`, whose decoder has no noise of its own.
FLAGS = {"kl_warmup_epochs": 0}


class AnsweringModel:
    """Encodes every sample to given means, and decodes a share of what was measured."""

    signals_present = ("voltage_v", "current_c_rate")

    def __init__(self, z_means, share):
        self.z_means, self.share = z_means, share

    def encode(self, inputs):
        z_mean = tf.constant(np.asarray(self.z_means, np.float32)[: len(inputs["x"])])
        return z_mean, tf.zeros_like(z_mean)

    def decode(self, z, inputs):
        assert not np.any(z)
        mean = tf.reduce_mean(inputs["x"], axis=0, keepdims=True)
        return mean + self.share * (inputs["x"] - mean)


COLLAPSED = AnsweringModel(np.zeros((3, 2)), share=0.0)
SOUND = AnsweringModel([[-2.0, 0.0], [0.0, 0.0], [2.0, 0.0]], share=0.5)


@pytest.fixture
def watch_of(dataset, tmp_path):
    """A watch of the three validation samples, set to the epochs of a training."""

    def make(model, epochs=30, data=dataset.validation, **flags):
        vocabulary = Vocabulary(dataset.train.conditions, 0.9)
        config = tiny_config("paper", **{**FLAGS, **flags})
        watch = CollapseWatch(tmp_path, data, vocabulary, config)
        watch.set_model(model)
        watch.set_params({"epochs": epochs})
        return watch

    return make


def run_epochs(watch, epochs):
    for epoch in range(epochs):
        watch.on_epoch_end(epoch)
    watch.on_train_end()


def warned(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_it_looks_ten_times_and_writes_what_it_finds(watch_of, tmp_path):
    run_epochs(watch_of(SOUND), 30)
    accumulator = events(tmp_path / "collapse")
    assert sorted(accumulator.Tags()["tensors"]) == sorted(TAGS)
    # KLD of mean m and variance 1 is m^2 / 2: (2 + 0 + 2) / 3 in the first dimension.
    for tag, expected in zip(TAGS, (1.0, 4 / 3, 0.5), strict=True):
        written = scalars(accumulator, tag)
        assert [step for step, _ in written] == list(range(2, 30, 3))
        assert_allclose([value for _, value in written], expected, rtol=1e-5)


def test_it_looks_at_the_end_of_a_training_that_ended_early(watch_of, tmp_path):
    run_epochs(watch_of(SOUND), 8)
    steps = [step for step, _ in scalars(events(tmp_path / "collapse"), "label_response")]
    assert steps == [2, 5, 7]


def test_a_short_training_is_looked_at_every_epoch(watch_of, tmp_path):
    run_epochs(watch_of(SOUND, epochs=3), 3)
    steps = [step for step, _ in scalars(events(tmp_path / "collapse"), "label_response")]
    assert steps == [0, 1, 2]


def test_each_kind_is_warned_of_once_and_not_in_the_first_third(watch_of, caplog):
    run_epochs(watch_of(COLLAPSED), 30)
    latent, condition = warned(caplog)
    assert latent.startswith("warning: epoch 12: posterior collapse: 0 of 2 latent dimensions")
    assert "Cause: " in latent
    assert "Remedy: " in latent
    assert condition.startswith("warning: epoch 12: the decoder hardly uses the condition: its")


def test_a_kind_that_comes_later_is_warned_of_when_it_comes(watch_of, caplog):
    watch = watch_of(SOUND)
    for epoch in range(20):
        watch.on_epoch_end(epoch)
    watch.set_model(AnsweringModel(SOUND.z_means, share=0.1))
    for epoch in range(20, 30):
        watch.on_epoch_end(epoch)
    (line,) = warned(caplog)
    assert line.startswith("warning: epoch 21: the decoder hardly uses the condition: its curves")
    assert "by 10% of what" in line


def test_a_sound_model_is_not_warned_of(watch_of, caplog):
    run_epochs(watch_of(SOUND), 30)
    assert warned(caplog) == []


@pytest.mark.parametrize(("kl_warmup_epochs", "first"), [(9, 12), (12, 15), (26, 27), (27, 30)])
def test_nothing_is_said_while_the_kld_warms_up(watch_of, caplog, kl_warmup_epochs, first):
    run_epochs(watch_of(COLLAPSED, kl_warmup_epochs=kl_warmup_epochs), 30)
    assert [line.split(":")[1] for line in warned(caplog)] == [f" epoch {first}"] * 2


def test_a_training_that_is_all_warm_up_is_not_warned_of(watch_of, caplog):
    run_epochs(watch_of(COLLAPSED, kl_warmup_epochs=30), 30)
    assert warned(caplog) == []


@pytest.mark.parametrize(
    ("flags", "kinds"),
    [
        ({"detach": "latent"}, ["the decoder hardly"]),
        ({"detach": "embedding"}, ["posterior collapse"]),
        ({"shuffle_labels": True}, ["posterior collapse"]),
    ],
)
def test_what_was_asked_for_is_not_warned_of(watch_of, caplog, flags, kinds):
    run_epochs(watch_of(COLLAPSED, **flags), 30)
    assert [line[19:37].strip() for line in warned(caplog)] == kinds


def test_a_loss_that_is_no_number_is_no_collapse(watch_of, caplog):
    run_epochs(watch_of(AnsweringModel(np.full((3, 2), np.nan), share=0.0)), 30)
    assert warned(caplog) == []


def test_one_condition_shows_no_response_to_it(watch_of, dataset, caplog):
    labels = np.repeat(dataset.validation.labels[:1], 3, axis=0)
    run_epochs(watch_of(COLLAPSED, data=replace(dataset.validation, labels=labels)), 30)
    assert warned(caplog) == []


def test_many_samples_are_looked_at_in_part(watch_of, dataset, monkeypatch):
    monkeypatch.setattr(watch_collapse, "WATCHED_SAMPLES", 4)
    watch = watch_of(SOUND, data=dataset.train)
    rows = [0, 4, 9, 14]
    assert_allclose(watch.inputs["x"], dataset.train.quasi_video[rows])
    assert_allclose(watch.measured["voltage_v"], dataset.train.curves["voltage_v"][rows])


def test_a_real_model_is_looked_at_as_it_trains(default_run):
    accumulator = events(default_run.directory.tensorboard / "collapse")
    for tag in TAGS:
        written = scalars(accumulator, tag)
        assert [step for step, _ in written] == [0, 1, 2]
        assert np.isfinite([value for _, value in written]).all()
