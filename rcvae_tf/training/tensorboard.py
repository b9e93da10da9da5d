"""What TensorBoard shows beyond the losses: the latent space in use, and pictures."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.dataset import SplitData, model_inputs
from rcvae_tf.evaluation.metrics import latent_summary
from rcvae_tf.model.losses import kld
from rcvae_tf.physical import generated_curves, named_curves
from rcvae_tf.report.figures import as_pixels, curves_figure, frames_figure
from rcvae_tf.report.labels import sample_titles

PICTURED_SAMPLES = 4
WATCHED_SAMPLES = 512
PICTURES_PER_TRAINING = 4
# Drawing takes as long as several short epochs.
SHORTEST_PICTURE_INTERVAL = 25


class LatentAndPictures(keras.callbacks.Callback):
    """Writes KL by latent dimension and active units each epoch, pictures a few times.

    Args:
        log_dir: TensorBoard's directory of the run.
        data: Samples to look at; the validation split.
        vocabulary: Of the training conditions.
    """

    def __init__(self, log_dir: Path, data: SplitData, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.data = data
        rows = np.linspace(0, len(data) - 1, min(len(data), WATCHED_SAMPLES)).astype(int)
        inputs = model_inputs(data, vocabulary)
        self.watched = {name: tf.constant(values[rows]) for name, values in inputs.items()}
        self.pictured = rows[:: max(len(rows) // PICTURED_SAMPLES, 1)][:PICTURED_SAMPLES]
        self.pictured_inputs = {name: tf.constant(v[self.pictured]) for name, v in inputs.items()}
        self.writer = tf.summary.create_file_writer(str(log_dir / "latent"))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the numbers, and every so often the pictures."""
        z_mean, z_log_var = self.model.encode(self.watched)
        kl_per_dim = np.mean(kld(z_mean, z_log_var), axis=0)
        summary = latent_summary(kl_per_dim, np.asarray(z_mean))
        with self.writer.as_default(step=epoch):
            tf.summary.scalar("latent/active_units", summary["active_units"])
            for dimension, value in enumerate(kl_per_dim):
                tf.summary.scalar(f"kl_per_dim/{dimension:02d}", value)
            apart = max(self.params["epochs"] // PICTURES_PER_TRAINING, SHORTEST_PICTURE_INTERVAL)
            if epoch % apart == 0:
                self.write_pictures()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes the last pictures and closes the file."""
        with self.writer.as_default(step=self.params["epochs"]):
            self.write_pictures()
        self.writer.close()

    def write_pictures(self) -> None:
        """Generated (z = 0) against measured, as curves and as frames."""
        z = tf.zeros((len(self.pictured), self.model.config.latent_dim))
        generated = self.model.decode(z, self.pictured_inputs).numpy()
        present = self.model.signals_present
        measured = self.data.quasi_video[self.pictured]
        titles = sample_titles(self.data.cell_ids[self.pictured], self.data.labels[self.pictured])
        curves = curves_figure(
            named_curves(measured, self.data.signals_present),
            generated_curves(generated, present),
            titles,
        )
        frames = frames_figure(measured, generated, titles, self.data.signals_present)
        tf.summary.image("generated_and_measured/curves", as_pixels(curves)[None])
        tf.summary.image("generated_and_measured/quasi_video", as_pixels(frames)[None])
