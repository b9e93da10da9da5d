import io

import matplotlib.image
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data_prep.records import SIGNALS
from rcvae_tf.dataset import model_inputs
from rcvae_tf.evaluation.metrics import latent_summary
from rcvae_tf.model.losses import kld
from rcvae_tf.training.tensorboard import LatentAndPictures
from tests.rcvae_tf.builders import randomise, tiny_model
from tests.rcvae_tf.test_fit import history


def events(folder):
    accumulator = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    accumulator.Reload()
    return accumulator


def scalars(accumulator, tag):
    return [
        (event.step, float(tf.make_ndarray(event.tensor_proto)))
        for event in accumulator.Tensors(tag)
    ]


def pictures(accumulator, tag):
    """Pixels by step; an image summary holds width, height and the encoded picture."""
    return {
        event.step: matplotlib.image.imread(io.BytesIO(event.tensor_proto.string_val[2]))
        for event in accumulator.Tensors(tag)
    }


@pytest.fixture(scope="module")
def latent_events(default_run):
    return events(default_run.directory.tensorboard / "latent")


@pytest.mark.parametrize(("split", "prefix"), [("train", ""), ("validation", "val_")])
def test_losses_and_errors_of_both_splits_are_those_of_the_history(default_run, split, prefix):
    accumulator = events(default_run.directory.tensorboard / split)
    rows = history(default_run)
    terms = ("loss", "l1", "mse", "kld", "duration_nll", "spread")
    for name in (*terms, "mae", *(f"mae_{signal}" for signal in SIGNALS[:4])):
        written = scalars(accumulator, f"epoch_{name}")
        assert [step for step, _ in written] == [0, 1, 2]
        expected = [row[f"{prefix}{name}"] for row in rows]
        assert_allclose([value for _, value in written], expected, rtol=1e-5)


def test_every_latent_dimension_has_its_kld_each_epoch(latent_events):
    tags = latent_events.Tags()["tensors"]
    assert [tag for tag in tags if tag.startswith("kl_per_dim/")] == [
        "kl_per_dim/00",
        "kl_per_dim/01",
    ]
    for tag in ("kl_per_dim/00", "kl_per_dim/01", "latent/active_units"):
        written = scalars(latent_events, tag)
        assert [step for step, _ in written] == [0, 1, 2]
        assert min(value for _, value in written) >= 0.0


def test_latent_numbers_are_those_of_the_validation_split(dataset, tmp_path):
    model, vocabulary = tiny_model(dataset)
    callback = LatentAndPictures(tmp_path, dataset.validation, vocabulary)
    callback.set_model(randomise(model))
    callback.set_params({"epochs": 30})
    callback.on_epoch_end(1)  # pictures come at every 25th
    callback.writer.close()
    accumulator = events(tmp_path / "latent")
    z_mean, z_log_var = model.encode(model_inputs(dataset.validation, vocabulary))
    kl_per_dim = np.mean(kld(z_mean, z_log_var), axis=0)
    for dimension in range(2):
        ((step, value),) = scalars(accumulator, f"kl_per_dim/{dimension:02d}")
        assert step == 1
        assert_allclose(value, kl_per_dim[dimension], rtol=1e-4)
    ((_, active),) = scalars(accumulator, "latent/active_units")
    assert active == latent_summary(kl_per_dim, np.asarray(z_mean))["active_units"]
    assert len(accumulator.Tags()["tensors"]) == 3


@pytest.mark.parametrize("picture", ["curves", "quasi_video"])
def test_pictures_are_drawn_at_the_start_and_at_the_end(latent_events, picture):
    drawn = pictures(latent_events, f"generated_and_measured/{picture}")
    assert list(drawn) == [0, 3]
    for pixels in drawn.values():
        assert min(pixels.shape[:2]) > 100
        assert pixels.std() > 0.02  # not a blank sheet
    assert np.any(drawn[0] != drawn[3])
