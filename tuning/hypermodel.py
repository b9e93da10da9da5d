"""One trial: a model of the suggested settings, trained and judged on the validation split."""

import math
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import Dataset, array_samples, training_batches, validation_batches
from rcvae_tf.presets import RunConfig
from rcvae_tf.training.callbacks import KLWarmup
from rcvae_tf.training.fit import build_model, compile_model
from tuning.outcome import Outcome
from tuning.plan import SearchPlan
from tuning.search_space import configuration, plain_values

if TYPE_CHECKING:
    from rcvae_tf.model.rcvae import RCVAE


class RCVAEHyperModel(keras_tuner.HyperModel):
    """Builds and trains the model of a trial; validation is never trained on here.

    Args:
        plan: What is searched, and all other settings.
        dataset: Its training split trains, its validation split judges.
    """

    def __init__(self, plan: SearchPlan, dataset: Dataset) -> None:
        super().__init__(name="rcvae")
        self.plan = plan
        self.dataset = dataset

    def config(self, hp: keras_tuner.HyperParameters) -> RunConfig:
        """The settings of a trial."""
        return configuration(plain_values(hp.values, self.plan.space), self.plan.trial_base)

    def build(self, hp: keras_tuner.HyperParameters) -> "RCVAE":
        """A built and compiled model."""
        config = self.config(hp)
        keras.utils.set_random_seed(config.training.seed)
        train = self.dataset.train
        model = build_model(config, self.dataset, self._vocabulary(config))
        compile_model(model, config.training, max(len(train) // config.training.batch_size, 1))
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: "RCVAE", *args: Any, **kwargs: Any
    ) -> Outcome:
        """Trains until val_mae falls no more; `callbacks` may be given."""
        config = self.config(hp)
        training = config.training
        train = self.dataset.train
        vocabulary = self._vocabulary(config)
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
        return outcome_of(history.history.get("val_mae", []))

    def _vocabulary(self, config: RunConfig) -> Vocabulary:
        return Vocabulary(self.dataset.train.conditions, config.training.condition_weight)


def outcome_of(val_mae: list[float]) -> Outcome:
    """The lowest error of the epochs; infinity and NaN are no errors, and never the lowest."""
    finite = {epoch: v for epoch, v in enumerate(val_mae, start=1) if math.isfinite(v)}
    if not finite:
        return Outcome(None, None, len(val_mae), reason="val_mae was never finite")
    best_epoch = min(finite, key=lambda epoch: finite[epoch])
    return Outcome(float(finite[best_epoch]), best_epoch, len(val_mae))
