"""The generator of preset `default`: an RCVAE whose decoder draws on a canvas over absolute time.

Encoder, sampled latent, condition, training step and KLD are those of `RCVAE`. The decoder says how
long the charge takes, what it looks like over absolute time, and how far points spread around that.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from data_prep.records import SIGNALS
from rcvae_tf.model.canvas import Canvas
from rcvae_tf.model.canvas_drawing import Drawer, Drawing
from rcvae_tf.model.canvas_frames import SECONDS_PER_MINUTE, pack, unpack
from rcvae_tf.model.canvas_losses import duration_loss, spread_loss
from rcvae_tf.model.canvas_networks import (
    AgeFeatures,
    CurveHeads,
    DurationNetwork,
    LifeEmbedding,
    PolicyFeatures,
)
from rcvae_tf.model.charge import CAPACITY, SIGNAL_SCALE, Charge, never_falling, read_on_points
from rcvae_tf.model.joint_noise import CommonNoise, Joint, JointNoise
from rcvae_tf.model.layers import PACKAGE
from rcvae_tf.model.losses import Tensor, kld, total_loss
from rcvae_tf.model.networks import Encoder, decoder_input
from rcvae_tf.model.rcvae import LAPLACE, NORMAL, RCVAE, Inputs, Noise, NoisePart
from rcvae_tf.physical import total_weights

# Weights of the loss beside the KLD's 1. Errors of the mean mode are those that a user meets.
RECONSTRUCTION_WEIGHT = 300.0
CURRENT_WEIGHT, CAPACITY_WEIGHT = 16.0, 1.5
MEAN_MODE_WEIGHT = 0.5
MEAN_DURATION_WEIGHT = 3.0
DURATION_DIM = 128
TAIL_BLOCKS, TAIL_DIM = 2, 128


class Read(NamedTuple):
    """A drawing read on points.

    Args:
        scaled: Signals of the canvas, shape `(batch, signals, points)`.
        integral_ah: Of the current, `(batch, points)`.
        log_spread: Of points around the signals, shape of `scaled`.
    """

    scaled: Tensor
    integral_ah: Tensor
    log_spread: Tensor


class Known(NamedTuple):
    """What the decoder is told of a batch.

    Args:
        condition: Everything, shape `(batch, features)`.
        blind: The same without the policy.
        policy_steps: Shape `(batch, MAX_STEPS, 2)`.
    """

    condition: Tensor
    blind: Tensor
    policy_steps: Tensor


@keras.saving.register_keras_serializable(PACKAGE)
class CanvasRCVAE(RCVAE):
    """Takes and gives quasi-videos in physical units, as `RCVAE`.

    Args:
        model_config: The fields of `ModelConfig`.
        data_facts: As for `RCVAE`, and `canvas`: what `training.canvas_facts` measured.
        num_conditions: N, size of the vocabulary.
        seed: Of the noise.

    Call arguments:
        inputs: As for `RCVAE`, and `policy_steps`, shape `(batch, MAX_STEPS, 2)`.
    """

    @property
    def signals_present(self) -> tuple[str, ...]:
        """Signals that the model generates."""
        return tuple(name for name in SIGNALS if name in self.data_facts["statistics"])

    @property
    def compared_signals(self) -> tuple[str, ...]:
        """Signals whose absolute errors both steps report; the elapsed time is not among them."""
        return self.curve_names

    @property
    def has_blind_tail(self) -> bool:
        """Whether what follows the fast charge is not told the policy that the rest is told."""
        return self.config.blind_tail and self.config.with_policy

    @property
    def loss_terms(self) -> tuple[str, ...]:
        """Terms that both steps report."""
        return ("loss", "l1", "mse", "kld", "duration_nll", "spread")

    def make_networks(self) -> None:
        """Layers, from the configuration and the facts of the data."""
        config, facts = self.config, self.data_facts["canvas"]
        self.num_points = self.data_facts["height"] * self.data_facts["width"]
        self.canvas = Canvas(facts["knots"], facts["num_fast_steps"], facts["tail_min"])
        signals = tuple(facts["signals"])
        self.charge = Charge(
            signals,
            facts["offset"],
            tuple(facts["voltage_limits_v"]),
            facts["nominal_capacity_ah"],
            facts["capacity_tolerance_ah"],
        )
        self.curve_names = (*signals, CAPACITY)
        self.age = AgeFeatures(config.num_frequencies)
        self.embedding = None
        if config.known_lives and config.detach != "embedding":
            self.embedding = LifeEmbedding(facts["lives"], config.embedding_dim, name="embedding")
        self.policy = None
        if config.with_policy:
            self.policy = PolicyFeatures(facts["policy_mean"], facts["policy_spread"])
        encoder = Encoder(
            config.num_hidden_layers,
            config.hidden_dim // 2,
            latent_dim=config.latent_dim,
            block="residual",
            detached_layer=config.detached_layer("encoder"),
            name="encoder",
        )
        self.encoder = None if config.detach == "latent" else encoder
        self.duration_network = DurationNetwork(
            DURATION_DIM,
            facts["log_duration_mean"],
            facts["log_duration_spread"],
            name="duration",
        )
        self.drawer = Drawer(self.canvas, facts)
        heads = self.drawer.num_outputs
        self.decoder = CurveHeads(
            config.num_hidden_layers,
            config.hidden_dim,
            *heads,
            detached_layer=config.detached_layer("decoder"),
            name="decoder",
        )
        self.tail_decoder = None
        if self.has_blind_tail:
            self.tail_decoder = CurveHeads(TAIL_BLOCKS, TAIL_DIM, *heads, name="tail_decoder")
        self.log_spread = self.add_weight(
            name="log_spread",
            shape=(len(signals), self.canvas.num_knots),
            initializer="zeros",
        )
        self._make_constants()

    def _make_constants(self) -> None:
        """Arrays that the graph holds."""
        given = {"current_c_rate": self.config.current_spread}
        spreads = [[given.get(name, 1.0)] for name in self.charge.signals]
        self.point_spread = np.array(spreads, np.float32)
        self.joint_noise: JointNoise | None = None
        if self.config.noise_factors:
            sizes = (self.config.noise_factors, len(self.charge.signals), self.num_points)
            scale = self.config.spread_scale
            self.joint_noise = JointNoise(*sizes, scale, name="joint_noise")
        self.scale = np.array([SIGNAL_SCALE[n] for n in self.curve_names], np.float32)[:, None]
        given = {"current_c_rate": CURRENT_WEIGHT, CAPACITY: CAPACITY_WEIGHT}
        weights = np.array([given.get(name, 1.0) for name in self.curve_names], np.float32)
        self.signal_weights = weights / weights.sum()
        of_total = total_weights(self.curve_names)
        self.total_weights = np.array([of_total[n] for n in self.curve_names], np.float32)
        mean_curves = [self.data_facts["statistics"][n]["mean_curve"] for n in self.curve_names]
        self.mean_curves = np.asarray(mean_curves, np.float32)

    def build(self, input_shape: Any = None) -> None:
        """Builds every layer, whatever the batch size."""
        config = self.config
        blind = self.age.size
        if self.embedding is not None:
            self.embedding.build((None,))
            blind += config.embedding_dim
        whole = blind + (self.policy.size if self.policy is not None else 0)
        if config.detach == "embedding":
            blind = whole = 0
        if self.encoder is not None:
            num_inputs = len(self.curve_names) * self.num_points + 1
            self.encoder.build((None, num_inputs), (None, whole))
        told = config.latent_dim + int(config.duration_to_curves)
        self.decoder.build((None, told + whole))
        if self.tail_decoder is not None:
            self.tail_decoder.build((None, told + blind))
        if self.joint_noise is not None:
            self.joint_noise.build()
        self.duration_network.build((None, max(blind if self.has_blind_tail else whole, 1)))
        self.built = True

    def call(self, inputs: Inputs, training: bool = False) -> Tensor:
        """Samples as the encoder and decoder see them, in physical units."""
        z_mean, z_log_var = self.encode(inputs)
        return self.decode(self.sampling(z_mean, z_log_var), inputs)

    def embed(self, inputs: Inputs) -> Known:
        """The condition as the networks get it."""
        policy_steps = inputs["policy_steps"]
        if self.config.detach == "embedding":
            nothing = ops.zeros((ops.shape(policy_steps)[0], 0))
            return Known(nothing, nothing, policy_steps)
        condition = inputs["condition"]
        parts = [self.age(condition[:, 1:])]
        if self.embedding is not None:
            parts.append(self.embedding(condition[:, 0]))
        blind = ops.concatenate(parts, axis=-1)
        if self.policy is None:
            return Known(blind, blind, policy_steps)
        whole = ops.concatenate([blind, self.policy(policy_steps)], axis=-1)
        return Known(whole, blind, policy_steps)

    def encode(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """`z_mean` and `z_log_var` of samples, each of shape `(batch, latent_dim)`."""
        known = self.embed(inputs)
        curves, duration_min = self._unpack(inputs["x"])
        return self._encode_curves(curves, self.log_tail(duration_min, known.policy_steps), known)

    def decode(self, z: Tensor, inputs: Inputs) -> Tensor:
        """Quasi-videos in physical units, from z and the conditions in `inputs`, no other noise."""
        return self.generate(inputs, {"z": z})

    def generate(self, inputs: Inputs, noise: Noise) -> Tensor:
        """Quasi-videos from given noise.

        Args:
            inputs: `condition` and `policy_steps`.
            noise: `z`, shape `(batch, latent_dim)`; and, left out for the expected charge,
                `duration_epsilon`, standard normal, shape `(batch,)`, and `point_noise`, standard
                Laplace, shape `(batch, signals, points)`, signals being voltage, current and,
                where present, temperature; `factors` and `factor_sizes` as `JointNoise` takes them.

        Returns:
            Physical units, shape `(batch, channel, depth, height, width)`.
        """
        facts = self.data_facts
        return pack(*self._charges(inputs, noise), facts["height"], facts["width"])

    def generate_series(self, inputs: Inputs, noise: Noise) -> Tensor:
        """As `RCVAE.generate_series`."""
        curves, duration_min = self._charges(inputs, noise)
        grid = np.linspace(0.0, SECONDS_PER_MINUTE, self.num_points, dtype=np.float32)
        return ops.concatenate([curves, (duration_min[:, None] * grid)[:, None]], axis=1)

    def _charges(self, inputs: Inputs, noise: Noise) -> tuple[Tensor, Tensor]:
        """Curves, `(batch, signals + 1, points)`, and durations in minutes."""
        known = self.embed(inputs)
        z = self._used(noise["z"])
        common = self._common(noise)
        duration = self.duration_network(self._of_duration(known))
        deviation = noise.get("duration_epsilon", 0.0) * duration.spread
        if common is not None:
            deviation = common.with_duration(deviation, duration.spread)
        duration_min = ops.exp(duration.mean + deviation) + self.fast_minutes(known.policy_steps)
        read = self._read(self._draw(z, known, deviation), known, duration_min)
        scaled, integral_ah = read.scaled, read.integral_ah
        if "point_noise" in noise:
            # Noise is added to what lies within the limits, not to what was cut off at them.
            scaled = self.charge.scaled(self.charge.within_limits(scaled))
            spread = ops.exp(read.log_spread)
            of_points = noise["point_noise"] * spread
            if common is not None:
                of_points = common.with_points(of_points, self.point_spread * spread)
            scaled = scaled + of_points
        if common is not None:
            integral_ah = never_falling(integral_ah + common.deviation.capacity_ah)
        return self.charge(scaled, integral_ah, duration_min), duration_min

    def _common(self, noise: Noise) -> CommonNoise | None:
        """What moves together in the charges drawn; None where nothing does."""
        if self.joint_noise is None or "factors" not in noise:
            return None
        return self.joint_noise(noise["factors"], noise["factor_sizes"])

    def _read(self, drawing: Drawing, known: Known, duration_min: Tensor) -> Read:
        """A drawing on the points of charges of these durations."""
        knot_minutes = self.drawer.knot_minutes(known.policy_steps)
        location = self.canvas.locate(duration_min, knot_minutes, self.num_points)
        integral = self._integral(drawing, knot_minutes)
        scaled, integral, log_spread = read_on_points(
            self.canvas, [drawing.scaled, integral, drawing.log_spread], location
        )
        return Read(scaled, integral[:, 0], log_spread)

    def deviations(self, inputs: Inputs) -> Joint:
        """How measured charges deviate from what is expected of conditions and durations."""
        known = self.embed(inputs)
        curves, duration_min = self._unpack(inputs["x"])
        log_tail = self.log_tail(duration_min, known.policy_steps)
        longer = log_tail - self.duration_network(self._of_duration(known)).mean
        z = ops.zeros((ops.shape(longer)[0], self.config.latent_dim))
        read = self._read(self._draw(z, known, longer), known, duration_min)
        expected = self.charge(read.scaled, read.integral_ah, duration_min)
        return Joint(
            self.charge.scaled(curves[:, :-1]) - self.charge.scaled(expected[:, :-1]),
            curves[:, -1] - expected[:, -1],
            longer,
        )

    @property
    def noise_parts(self) -> dict[str, NoisePart]:
        """As `RCVAE.noise_parts`."""
        scale = np.float32(self.config.spread_scale)
        points = (len(self.charge.signals), self.num_points)
        factors = {}
        if self.joint_noise is not None:
            part = NoisePart(NORMAL, (self.config.noise_factors,), np.float32(1.0))
            factors = {"factors": part, "factor_sizes": part}
        return {
            **super().noise_parts,
            "duration_epsilon": NoisePart(NORMAL, (), scale),
            "point_noise": NoisePart(LAPLACE, points, scale * self.point_spread),
            **factors,
        }

    def losses_of(self, inputs: Inputs) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The loss and its terms, the measured curves and their reconstruction.

        The errors of curves are absolute ones, the likelihood of a Laplace distribution: at the
        steps of the current a squared error ends between the two rates, an absolute one at the
        more frequent of them.
        """
        known = self.embed(inputs)
        curves, duration_min = self._unpack(inputs["x"])
        log_tail = self.log_tail(duration_min, known.policy_steps)
        z_mean, z_log_var = self._encode_curves(curves, log_tail, known)
        z = self._used(self.sampling(z_mean, z_log_var))
        duration = self.duration_network(self._of_duration(known))
        deviation = ops.stop_gradient(log_tail - duration.mean)
        drawings = [self._draw(one, known, deviation) for one in (z, ops.zeros_like(z))]
        generated, log_spread = self._on_measured_points(drawings, known, duration_min)
        errors = [(curves - other) / self.scale for other in generated]
        weighted = [
            ops.sum(ops.mean(ops.abs(error), axis=(0, 2)) * self.signal_weights) for error in errors
        ]
        l1 = weighted[0] + MEAN_MODE_WEIGHT * weighted[1]
        spread = self.data_facts["canvas"]["log_duration_spread"]
        mean_weight = MEAN_MODE_WEIGHT * MEAN_DURATION_WEIGHT / spread
        duration_nll = duration_loss(log_tail, duration, mean_weight)
        spread_term = spread_loss(errors[0][:, : len(self.charge.signals)], log_spread)
        kld_value = kld(z_mean, z_log_var)
        likelihood = RECONSTRUCTION_WEIGHT * l1 + duration_nll + spread_term
        terms = {
            "loss": total_loss(likelihood, kld_value, self.config.kl_weight * self.kl_scale),
            "l1": l1,
            "mse": ops.mean(ops.square(errors[0])),
            "kld": ops.mean(ops.sum(kld_value, axis=-1)),
            "duration_nll": duration_nll,
            "spread": spread_term,
        }
        return terms, curves, generated[0]

    def expected(self, inputs: Inputs) -> Tensor:
        """Curves of the mean mode, from the condition alone, `(batch, signals + 1, points)`."""
        z = ops.zeros((ops.shape(inputs["condition"])[0], self.config.latent_dim))
        return self._unpack(self.decode(z, inputs))[0]

    def jittered(self, inputs: Inputs) -> Inputs:
        """Inputs whose ages are moved by a few cycles, so that neighbouring ages learn together.

        The first ages, where every cycle counts, are moved by less.
        """
        if not self.config.ecl_jitter:
            return inputs
        eol, ecl = inputs["condition"][:, :1], inputs["condition"][:, 1:]
        spread = ops.minimum(self.config.ecl_jitter, (ecl - 1.0) / 8.0)
        noise = keras.random.normal(ops.shape(ecl), seed=self.sampling.seed_generator)
        moved = ops.concatenate([eol, ops.maximum(ecl + spread * noise, 1.0)], axis=-1)
        return {**inputs, "condition": moved}

    def absolute_error(self, curves: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Mean absolute difference in physical units, by signal, and the total of Table 1."""
        by_signal = ops.mean(ops.abs(curves - other), axis=(0, 2))
        return by_signal, ops.sum(by_signal * self.total_weights)

    def fast_minutes(self, policy_steps: Tensor) -> Tensor:
        """Nominal minutes of the fast charge, shape `(batch,)`; 0 where no policy is given."""
        return ops.sum(self.drawer.step_minutes(policy_steps), axis=1)

    def log_tail(self, duration_min: Tensor, policy_steps: Tensor) -> Tensor:
        """Logarithm of the minutes behind the fast charge, shape `(batch,)`."""
        return ops.log(ops.maximum(duration_min - self.fast_minutes(policy_steps), 1e-2))

    def _unpack(self, quasi_video: Tensor) -> tuple[Tensor, Tensor]:
        return unpack(quasi_video, len(self.charge.signals), self.num_points)

    def _of_duration(self, known: Known) -> Tensor:
        """What the duration is said from; something, even where nothing is known."""
        told = known.blind if self.has_blind_tail else known.condition
        return told if told.shape[-1] else ops.ones_like(known.policy_steps[:, 0, :1])

    def _used(self, z: Tensor) -> Tensor:
        """A detached latent is 0 whatever is drawn for it."""
        return ops.zeros_like(z) if self.config.detach == "latent" else z

    def _encode_curves(
        self, curves: Tensor, log_tail: Tensor, known: Known
    ) -> tuple[Tensor, Tensor]:
        """Encodes the deviation from the mean curves, and how long the charge took."""
        if self.encoder is None:
            nothing = ops.zeros((ops.shape(curves)[0], self.config.latent_dim))
            return nothing, nothing
        deviation = (curves - self.mean_curves) / self.scale
        flat = ops.reshape(deviation, (-1, len(self.curve_names) * self.num_points))
        facts = self.data_facts["canvas"]
        longer = (log_tail - facts["log_duration_mean"]) / facts["log_duration_spread"]
        x = ops.concatenate([flat, longer[:, None]], axis=-1)
        return self.encoder(x, known.condition)

    def _draw(self, z: Tensor, known: Known, duration_deviation: Tensor) -> Drawing:
        """What lies on the canvas; it starts at the mean of the training charges."""
        told = [z]
        if self.config.duration_to_curves:
            spread = self.data_facts["canvas"]["log_duration_spread"]
            told.append((duration_deviation / spread)[:, None])
        told = ops.concatenate(told, axis=-1)
        said, of_tail = self.decoder(decoder_input(told, known.condition)), None
        if self.tail_decoder is not None:
            of_tail = self.tail_decoder(decoder_input(told, known.blind))
        return self.drawer(said, of_tail, self.log_spread, known.policy_steps)

    def _integral(self, drawing: Drawing, knot_minutes: Tensor) -> Tensor:
        return self.charge.integral_at_knots(drawing.scaled, drawing.charge_share, knot_minutes)[
            :, None
        ]

    def _on_measured_points(
        self, drawings: list[Drawing], known: Known, duration_min: Tensor
    ) -> tuple[list[Tensor], Tensor]:
        """Curves of each drawing on the points of the measured charge; log spread of the first."""
        knot_minutes = self.drawer.knot_minutes(known.policy_steps)
        location = self.canvas.locate(duration_min, knot_minutes, self.num_points)
        rows = [drawings[0].log_spread]
        for drawing in drawings:
            rows += [drawing.scaled, self._integral(drawing, knot_minutes)]
        log_spread, *read = read_on_points(self.canvas, rows, location)
        generated = [
            self.charge(scaled, integral[:, 0], duration_min)
            for scaled, integral in zip(read[::2], read[1::2], strict=True)
        ]
        return generated, log_spread
