import shutil

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcvae_tf.dataset import validation_batches
from rcvae_tf.run import load_model
from rcvae_tf.run_directory import RunDirectory
from rcvae_tf.training.averaging import AveragedWeights
from rcvae_tf.training.callbacks import BestAndLast
from rcvae_tf.training.fit import compile_model
from rcvae_tf.training.state import TrainState
from tests.rcvae_tf.builders import tiny_config, tiny_model


class OneWeight(keras.Model):
    """A weight w that every batch of training lowers by 1, from 10; it reports what it is."""

    def __init__(self):
        super().__init__()
        self.w = self.add_weight(name="w", shape=(), initializer="zeros")
        self.w.assign(10.0)
        self.built = True

    def train_step(self, data):
        self.optimizer.apply_gradients([(np.float32(1.0), self.w)])
        return {"w": self.w + 0.0}

    def test_step(self, data):
        return {"w": self.w + 0.0}


class Watch(keras.callbacks.Callback):
    """Keeps the weight as it is at each call."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(("batch", float(self.model.w)))

    def on_test_end(self, logs=None):
        self.seen.append(("validated", logs["w"]))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(("epoch", float(self.model.w)))


def one_weight(momentum):
    average = {"use_ema": True, "ema_momentum": momentum} if momentum else {}
    model = OneWeight()
    model.compile(optimizer=keras.optimizers.SGD(1.0, **average), run_eagerly=True)
    return model


def train(model, epochs, callbacks):
    data = np.zeros((2, 1))
    model.fit(
        data,
        batch_size=1,
        validation_data=(data[:1], None),
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
    )


def test_averages_are_in_during_validation_and_out_for_training():
    watch = Watch()
    train(one_weight(0.5), 2, [watch, AveragedWeights()])
    # Averages of 9, 8, 7, 6, half new each time: 9, 8.5, 7.75, 6.875.
    assert watch.seen == [
        *[("batch", 9.0), ("batch", 8.0), ("validated", 8.5), ("epoch", 8.5)],
        *[("batch", 7.0), ("batch", 6.0), ("validated", 6.875), ("epoch", 6.875)],
    ]


def test_without_averages_the_weights_stay():
    watch = Watch()
    train(one_weight(None), 1, [watch, AveragedWeights()])
    assert watch.seen == [("batch", 9.0), ("batch", 8.0), ("validated", 8.0), ("epoch", 8.0)]


def test_validation_of_a_model_that_has_not_trained_has_no_averages():
    model, averaging = one_weight(0.5), AveragedWeights()
    data = np.zeros((1, 1))
    assert model.evaluate(data, callbacks=[averaging], verbose=0, return_dict=True) == {"w": 10.0}
    assert averaging.in_use is False


def test_within_trained_weights_the_model_holds_what_training_goes_on_with():
    model, averaging = one_weight(0.5), AveragedWeights()
    averaging.set_model(model)
    for _ in range(2):
        model.train_step(None)
    with averaging.trained_weights():
        assert float(model.w) == 8.0
    averaging.on_test_begin()
    assert float(model.w) == 8.5
    with averaging.trained_weights():
        assert float(model.w) == 8.0
    assert float(model.w) == 8.5
    averaging.on_epoch_end(0)
    assert float(model.w) == 8.0


class Copy(keras.callbacks.Callback):
    """Copies what is on the disk after the first epoch, and the state of the noise."""

    def __init__(self, directory, place):
        super().__init__()
        self.directory, self.place = directory, place

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.noise = self.model.sampling.seed_generator.state.numpy()
            for path in (self.directory.model, self.directory.last_model):
                shutil.copy(path, self.place / path.name)


def go_on(model, batches, directory, initial_epoch, *others):
    """Trains to the second epoch; so few steps take less time than their graph."""
    model.run_eagerly = True
    directory.path.mkdir()
    checkpoints = BestAndLast(directory, TrainState(epochs_done=initial_epoch), patience=9)
    model.fit(
        batches,
        validation_data=batches,
        initial_epoch=initial_epoch,
        epochs=2,
        callbacks=[checkpoints, *others, checkpoints.averaging],
        shuffle=False,
        verbose=0,
    )


@pytest.fixture(scope="module")
def two_epochs(dataset, tmp_path_factory):
    """A model trained for two epochs, its batches, and the folder with copies of the first."""
    keras.utils.set_random_seed(1)
    model, vocabulary = tiny_model(dataset, num_hidden_layers=1)
    compile_model(model, tiny_config(epochs=2).training, steps_per_epoch=2)
    batches = validation_batches(dataset.train, vocabulary, 8)
    place = tmp_path_factory.mktemp("averaging")
    directory = RunDirectory(place / "whole")
    copy = Copy(directory, place)
    go_on(model, batches, directory, 0, copy)
    return model, batches, copy


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(two_epochs, tmp_path):
    model, batches, copy = two_epochs
    resumed = load_model(copy.place / copy.directory.last_model.name)
    resumed.sampling.seed_generator.state.assign(copy.noise)  # is not in the file
    assert resumed.optimizer.iterations.numpy() == 2
    go_on(resumed, batches, RunDirectory(tmp_path / "resumed"), 1)
    for one, other in zip(resumed.trainable_variables, model.trainable_variables, strict=True):
        assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-7, err_msg=one.path)


def test_the_best_model_is_averaged_and_the_last_one_is_not(two_epochs):
    _, _, copy = two_epochs
    best, last = (
        load_model(copy.place / path.name)
        for path in (copy.directory.model, copy.directory.last_model)
    )
    averages = last.optimizer._model_variables_moving_average
    moved = 0
    for kept, average, weight in zip(
        best.trainable_variables, averages, last.trainable_variables, strict=True
    ):
        assert_array_equal(kept.numpy(), np.array(average), err_msg=kept.path)
        moved += np.any(kept.numpy() != weight.numpy())
    assert moved > 10
