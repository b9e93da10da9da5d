"""One trial: a model of the suggested settings, trained and judged on the validation split."""

import math
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
from keras_tuner.errors import FailedTrialError

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.config import RunConfig
from rcvae_tf.dataset import Dataset, array_samples, training_batches, validation_batches
from rcvae_tf.training.callbacks import KLWarmup
from rcvae_tf.training.fit import build_model, compile_model
from tuning.search_space import suggest

if TYPE_CHECKING:
    from rcvae_tf.model.rcvae import RCVAE


class RCVAEHyperModel(keras_tuner.HyperModel):
    """Builds and trains the model of a trial; validation is never trained on here.

    Args:
        base: Settings that are not searched.
        dataset: Its training split trains, its validation split judges.
    """

    def __init__(self, base: RunConfig, dataset: Dataset) -> None:
        super().__init__(name="rcvae")
        self.base = base
        self.dataset = dataset

    def build(self, hp: keras_tuner.HyperParameters) -> "RCVAE":
        """A built and compiled model; the tuner reloads weights into models that are built."""
        config = suggest(hp, self.base)
        train = self.dataset.train
        vocabulary = Vocabulary(train.conditions, config.training.condition_weight)
        model = build_model(config, self.dataset.card, vocabulary)
        compile_model(model, config.training, max(len(train) // config.training.batch_size, 1))
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: "RCVAE", *args: Any, **kwargs: Any
    ) -> dict[str, float]:
        """Trains to the lowest validation MAE, and returns it.

        Raises:
            FailedTrialError: The loss was never finite; the tuner would take it for the best.
        """
        config = suggest(hp, self.base)
        training = config.training
        train = self.dataset.train
        vocabulary = Vocabulary(train.conditions, training.condition_weight)
        keras.utils.set_random_seed(training.seed)
        history = model.fit(
            training_batches(
                array_samples(train, vocabulary),
                len(train),
                vocabulary,
                training.batch_size,
                training.neighbour_share,
                training.seed,
            ),
            validation_data=validation_batches(
                self.dataset.validation, vocabulary, training.batch_size
            ),
            epochs=training.epochs,
            callbacks=[
                KLWarmup(training.kl_warmup_epochs),
                keras.callbacks.TerminateOnNaN(),
                keras.callbacks.EarlyStopping("val_mae", patience=training.patience, mode="min"),
                *kwargs.get("callbacks", []),
            ],
            shuffle=False,
            verbose=0,
        )
        finite = [v for v in history.history.get("val_mae", []) if math.isfinite(v)]
        if not finite:
            raise FailedTrialError(f"val_mae was never finite. Settings: {hp.values}.")
        return {"val_mae": min(finite)}
