"""Looks every so often, while a model trains, whether z and the condition are in use."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import SplitData, model_inputs
from rcvae_tf.evaluation.collapse import collapse_signs
from rcvae_tf.evaluation.evaluate import label_response
from rcvae_tf.evaluation.metrics import latent_summary
from rcvae_tf.model.losses import kld
from rcvae_tf.physical import generated_curves
from rcvae_tf.presets import RunConfig

WATCHED_SAMPLES = 256
LOOK_SHARE = 0.1  # of the epochs, between two looks
# A decoder leaves its first plateau, on which it ignores the condition, within this share of them.
EARLY_SHARE = 1 / 3

logger = logging.getLogger(__name__)


class CollapseWatch(keras.callbacks.Callback):
    """Writes how much z and the condition are used, and warns once of each that is not.

    Args:
        log_dir: TensorBoard's directory of the run.
        data: Samples to look at; the validation split.
        vocabulary: Of the training conditions.
        config: Of the run; it says what was asked for, and names cause and remedy.
    """

    def __init__(
        self, log_dir: Path, data: SplitData, vocabulary: Vocabulary, config: RunConfig
    ) -> None:
        super().__init__()
        rows = np.linspace(0, len(data) - 1, min(len(data), WATCHED_SAMPLES)).astype(int)
        inputs = model_inputs(data, vocabulary)
        self.inputs = {name: tf.constant(values[rows]) for name, values in inputs.items()}
        self.measured = {name: values[rows] for name, values in data.curves.items()}
        self.num_conditions = len(np.unique(data.labels[rows], axis=0))
        self.config = config
        self.warned: set[str] = set()
        self.epoch = self.looked_at = -1
        self.writer = tf.summary.create_file_writer(str(log_dir / "collapse"))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks, if it is time."""
        self.epoch = epoch
        if (epoch + 1) % max(round(self.params["epochs"] * LOOK_SHARE), 1) == 0:
            self.look()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Looks at what training ended with, and closes the file."""
        if self.looked_at != self.epoch:
            self.look()
        self.writer.close()

    def look(self) -> None:
        """Writes the numbers of this epoch, and warns of what is newly found."""
        self.looked_at = self.epoch
        latent = self.measure()
        with self.writer.as_default(step=self.epoch):
            tf.summary.scalar("latent/active_units", latent["active_units"])
            tf.summary.scalar("latent/kld", sum(latent["kl_per_dim"]))
            tf.summary.scalar("label_response", latent["label_response"])
        if not self.may_warn(latent):
            return
        for kind, text in collapse_signs(latent, self.config).items():
            if kind not in self.warned:
                self.warned.add(kind)
                logger.warning("warning: epoch %d: %s", self.epoch + 1, text)

    def measure(self) -> dict[str, Any]:
        """KLD by latent dimension, active units, and the response of z = 0 to the condition."""
        z_mean, z_log_var = self.model.encode(self.inputs)
        kl_per_dim = np.mean(kld(z_mean, z_log_var), axis=0)
        at_zero = self.model.decode(tf.zeros_like(z_mean), self.inputs).numpy()
        generated = generated_curves(at_zero, self.model.signals_present)
        return {
            **latent_summary(kl_per_dim, np.asarray(z_mean)),
            "label_response": label_response(self.measured, generated),
        }

    def may_warn(self, latent: dict[str, Any]) -> bool:
        """Whether what was measured says anything yet."""
        training = self.config.training
        early = max(training.kl_warmup_epochs, self.params["epochs"] * EARLY_SHARE)
        # A loss that is no number is told of by `fit`; one condition shows no response to it.
        numbers = [*latent["kl_per_dim"], latent["label_response"]]
        sound = bool(np.isfinite(numbers).all()) and self.num_conditions > 1
        return sound and self.epoch >= early
