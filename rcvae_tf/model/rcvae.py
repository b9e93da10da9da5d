"""RCVAE: the embedding-conditioned variational autoencoder, with its own training step."""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from data_prep import settings
from data_prep.quasi_video import NUM_CHANNELS
from data_prep.records import SIGNALS, FloatArray
from rcvae_tf.config import ModelConfig
from rcvae_tf.model.layers import (
    PACKAGE,
    ConditionEmbedding,
    ContinuousCondition,
    GaussianSampling,
)
from rcvae_tf.model.losses import Tensor, kld, mse, total_loss
from rcvae_tf.model.networks import Decoder, Encoder
from rcvae_tf.model.scaling import QuasiVideoScaling

Inputs = dict[str, Tensor]
Noise = dict[str, Tensor]

NORMAL, LAPLACE = "normal", "laplace"


class NoisePart(NamedTuple):
    """One of the tensors that the noise of a sample has.

    Args:
        distribution: `NORMAL` or `LAPLACE`, each of mean 0 and scale 1.
        shape: Of one sample.
        scale: That draws are multiplied with; broadcasts to the shape.
    """

    distribution: str
    shape: tuple[int, ...]
    scale: FloatArray | np.floating


@keras.saving.register_keras_serializable(PACKAGE)
class RCVAE(keras.Model):
    """Takes and gives quasi-videos in physical units; scaling is inside.

    Args:
        model_config: The fields of `ModelConfig`.
        data_facts: What the model must know of its data: `statistics` by present signal,
            `height`, `width`, and `eol_mean`, `eol_spread`, `ecl_range` of its conditions.
        num_conditions: N, size of the vocabulary.
        seed: Of the noise.

    Call arguments:
        inputs: `x`, quasi-videos of shape `(batch, channel, depth, height, width)`;
            `condition_index`, shape `(batch,)`; `condition`, EOL and ECL, shape `(batch, 2)`.
    """

    def __init__(
        self,
        model_config: dict[str, Any],
        data_facts: dict[str, Any],
        num_conditions: int,
        seed: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model_config = dict(model_config)
        self.data_facts = dict(data_facts)
        self.num_conditions = num_conditions
        self.seed = seed
        self.config = settings.from_dict(ModelConfig, model_config)
        self.sampling = GaussianSampling(seed=seed, name="sampling")
        self.make_networks()
        # Metrics
        self.kl_scale = self.add_weight(
            name="kl_scale", shape=(), initializer="ones", trainable=False
        )
        names = [*self.loss_terms, "mae", *(f"mae_{name}" for name in self.compared_signals)]
        self.trackers = {name: keras.metrics.Mean(name=name) for name in names}

    def make_networks(self) -> None:
        """Layers, from the configuration and the facts of the data."""
        config, data_facts = self.config, self.data_facts
        self.scaling = QuasiVideoScaling(
            statistics=data_facts["statistics"],
            height=data_facts["height"],
            width=data_facts["width"],
            depth=config.quasi_video_depth,
            method=config.scaling,
            name="scaling",
        )
        self.embedding = None
        if config.detach != "embedding":
            self.embedding = ConditionEmbedding(
                self.num_conditions, config.embedding_dim, name="embedding"
            )
        self.continuous = ContinuousCondition(
            data_facts["eol_mean"],
            data_facts["eol_spread"],
            data_facts["ecl_range"],
            name="continuous",
        )
        size = (config.num_hidden_layers, config.hidden_dim)
        encoder = Encoder(
            *size,
            latent_dim=config.latent_dim,
            block=config.block,
            detached_layer=config.detached_layer("encoder"),
            name="encoder",
        )
        # Made where it is left out too: the seeds of the weights are drawn one layer after the
        # other, and what stays is to start from the same weights.
        self.encoder = None if config.detach == "latent" else encoder
        self.decoder: Any = Decoder(
            *size,
            sample_size=self.scaling.sample_size,
            block=config.block,
            detached_layer=config.detached_layer("decoder"),
            name="decoder",
        )

    @property
    def loss_terms(self) -> tuple[str, ...]:
        """Terms that both steps report."""
        return ("loss", "mse", "kld")

    @property
    def compared_signals(self) -> tuple[str, ...]:
        """Signals whose absolute errors both steps report, in the order of `absolute_error`."""
        return self.scaling.signals

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The trackers; their names are the keys that both steps return."""
        return list(self.trackers.values())

    @property
    def signals_present(self) -> tuple[str, ...]:
        """Signals that the model generates."""
        return self.scaling.signals

    def build(self, input_shape: Any = None) -> None:
        """Builds every layer, whatever the batch size."""
        config = self.config
        condition_size = 0
        if self.embedding is not None:
            self.embedding.build((None,))
            condition_size = config.embedding_dim
            if config.continuous_condition:
                condition_size += self.continuous.size
        condition_shape = (None, condition_size)
        if self.encoder is not None:
            self.encoder.build((None, self.scaling.sample_size), condition_shape)
        self.decoder.build((None, config.latent_dim), condition_shape)
        self.built = True

    def call(self, inputs: Inputs, training: bool = False) -> Tensor:
        """Samples as the encoder and decoder see them, in physical units.

        Paper: Algorithm 1.
        """
        # Step 1: embed the label
        condition_embedding = self.embed(inputs)
        # Steps 2 and 3: join it to the sample, encode to mean and variance
        z_mean, z_log_var = self._encode(self.scaling(inputs["x"]), condition_embedding)
        # Step 4: sample the latent variable
        z = self.sampling(z_mean, z_log_var)
        # Steps 5 and 6: join z and the label, decode
        return self.scaling.unscale(self._decode(z, condition_embedding))

    def embed(self, inputs: Inputs) -> Tensor:
        """The condition as both networks get it, shape `(batch, d_V)`; d_V is 0 if detached."""
        if self.embedding is None:
            return ops.zeros((ops.shape(inputs["condition_index"])[0], 0))
        embedded = self.embedding(inputs["condition_index"])
        if not self.config.continuous_condition:
            return embedded
        return ops.concatenate([embedded, self.continuous(inputs["condition"])], axis=-1)

    def encode(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """`z_mean` and `z_log_var` of samples, each of shape `(batch, latent_dim)`."""
        return self._encode(self.scaling(inputs["x"]), self.embed(inputs))

    def decode(self, z: Tensor, inputs: Inputs) -> Tensor:
        """Quasi-videos in physical units, from z and the conditions in `inputs`."""
        return self.scaling.unscale(self._decode(z, self.embed(inputs)))

    def generate(self, inputs: Inputs, noise: Noise) -> Tensor:
        """Quasi-videos in physical units from given noise, as `draw_noise` gives it."""
        return self.decode(noise["z"], inputs)

    def generate_series(self, inputs: Inputs, noise: Noise) -> Tensor:
        """The signals of `signals_present` from given noise, shape `(batch, signals, points)`.

        The elapsed time is on the grid that defines it, see `physical.generated_curves`.
        """
        video = self.generate(inputs, noise)
        num_points = video.shape[-2] * video.shape[-1]
        planes = ops.reshape(video, (-1, NUM_CHANNELS, video.shape[2], num_points))
        series = [planes[:, channel, 0] for channel in range(NUM_CHANNELS)]
        series += [ops.mean(planes[:, :, depth], axis=1) for depth in range(1, planes.shape[2])]
        if len(series) == len(SIGNALS):
            grid = np.linspace(0.0, 1.0, num_points, dtype=np.float32)
            duration_s = ops.matmul(series[-1], grid[:, None]) / (grid @ grid)
            series[-1] = duration_s * grid
        by_name = dict(zip(SIGNALS, series, strict=False))
        return ops.stack([by_name[name] for name in self.signals_present], axis=1)

    @property
    def noise_parts(self) -> dict[str, NoisePart]:
        """What `generate` takes as noise, by name, in the order of drawing."""
        return {"z": NoisePart(NORMAL, (self.config.latent_dim,), np.float32(1.0))}

    def draw_noise(self, count: int, rng: np.random.Generator | None) -> dict[str, FloatArray]:
        """Noise for as many samples, as `generate` takes it; that of the mean mode for None."""
        if rng is None:
            return {"z": np.zeros((count, self.config.latent_dim), np.float32)}
        return {name: _draw(part, count, rng) for name, part in self.noise_parts.items()}

    def losses_of(self, inputs: Inputs) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The loss and its terms, the scaled samples and their scaled reconstruction."""
        x = self.scaling(inputs["x"])
        condition_embedding = self.embed(inputs)
        z_mean, z_log_var = self._encode(x, condition_embedding)
        x_reconstructed = self._decode(self.sampling(z_mean, z_log_var), condition_embedding)
        kld_value = kld(z_mean, z_log_var)
        mse_value = self._mse(x, x_reconstructed)
        if self.config.mean_mode_weight:
            mse_at_mean = self._mse(x, self._mean_mode(condition_embedding))
            mse_value = mse_value + self.config.mean_mode_weight * mse_at_mean
        loss = total_loss(mse_value, kld_value, self.config.kl_weight * self.kl_scale)
        terms = {"loss": loss, "mse": mse_value, "kld": ops.mean(ops.sum(kld_value, axis=-1))}
        return terms, x, x_reconstructed

    def train_step(self, inputs: Inputs) -> dict[str, Tensor]:
        """One step of gradient descent on a batch: steps 4 to 6 of Algorithm 2."""
        # Step 4: the training loss.
        with tf.GradientTape() as tape:
            terms, x, x_reconstructed = self.losses_of(self.jittered(inputs))
        # Step 5: its gradients.
        gradients = tape.gradient(terms["loss"], self.trainable_variables)
        # Step 6: update the weights.
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return self._track(terms, x, x_reconstructed)

    def test_step(self, inputs: Inputs) -> dict[str, Tensor]:
        """The same terms; the MAE is of what `validation_mode` says."""
        # Step 4 of Algorithm 2: the validation loss.
        terms, x, x_generated = self.losses_of(inputs)
        if self.config.validation_mode == "mean":
            x_generated = self.expected(inputs)
        return self._track(terms, x, x_generated)

    def expected(self, inputs: Inputs) -> Tensor:
        """What is generated at z = 0, scaled."""
        return self._mean_mode(self.embed(inputs))

    def jittered(self, inputs: Inputs) -> Inputs:
        """Inputs as they are trained on."""
        return inputs

    def absolute_error(self, x: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Mean absolute difference in physical units, by signal, and the total of Table 1."""
        return self.scaling.absolute_error(x, other)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "model_config": self.model_config,
            "data_facts": self.data_facts,
            "num_conditions": self.num_conditions,
            "seed": self.seed,
        }

    def _encode(self, x: Tensor, condition_embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Encodes a scaled sample, or its deviation from what its condition is expected to give.

        Without an encoder it is the standard normal, whose KLD is 0.
        """
        if self.encoder is None:
            nothing = ops.zeros((ops.shape(x)[0], self.config.latent_dim))
            return nothing, nothing
        if self.config.encode_deviation:
            x = x - ops.stop_gradient(self._mean_mode(condition_embedding))
        return self.encoder(x, condition_embedding)

    def _decode(self, z: Tensor, condition_embedding: Tensor) -> Tensor:
        """Decodes to a scaled sample; a detached latent is 0 whatever is drawn for it."""
        if self.config.detach == "latent":
            z = ops.zeros_like(z)
        return self.decoder(z, condition_embedding)

    def _mean_mode(self, condition_embedding: Tensor) -> Tensor:
        z = ops.zeros((ops.shape(condition_embedding)[0], self.config.latent_dim))
        return self.decoder(z, condition_embedding)

    def _mse(self, x: Tensor, other: Tensor) -> Tensor:
        return mse(x, other, self.scaling.present, self.config.mse_reduction)

    def _track(self, terms: dict[str, Tensor], x: Tensor, other: Tensor) -> dict[str, Tensor]:
        """Adds a batch to the trackers; a smaller batch counts by its samples."""
        by_signal, total = self.absolute_error(x, other)
        values = {**terms, "mae": total}
        for i, name in enumerate(self.compared_signals):
            values[f"mae_{name}"] = by_signal[i]
        batch_size = ops.shape(x)[0]
        for name, value in values.items():
            self.trackers[name].update_state(value, sample_weight=batch_size)
        return {name: tracker.result() for name, tracker in self.trackers.items()}


def _draw(part: NoisePart, count: int, rng: np.random.Generator) -> FloatArray:
    shape = (count, *part.shape)
    if part.distribution == NORMAL:
        return part.scale * rng.standard_normal(shape, np.float32)
    # An exponential draw of either sign is a Laplace draw.
    sign = 1 - 2 * rng.integers(2, size=shape, dtype=np.int8)
    return part.scale * (sign * rng.standard_exponential(shape, np.float32))
