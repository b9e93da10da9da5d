"""The functions that an exported model offers, as TensorFlow sees them: names, types, units."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from data_prep.protocol import MAX_STEPS
from data_prep.quasi_video import DEPTH, plane_signals
from data_prep.records import SIGNALS
from rcvae_tf.exporting.nearest_condition import Match, NearestCondition
from rcvae_tf.exporting.noise import noise_of_seeds
from rcvae_tf.model.losses import Tensor
from rcvae_tf.run import Run, conditions_on_policy
from rcvae_tf.servable.layout import (
    DECODE,
    DISTANCE,
    ECL,
    ENCODE,
    EOL,
    GENERATE,
    IN_SUPPORT,
    MATCHED_ECL,
    MATCHED_EOL,
    POLICY_STEPS,
    RECONSTRUCT,
    SEED,
    Z_LOG_VAR,
    Z_MEAN,
    Z,
    tensor_of,
)

ROWS_OF_BLOCK = 16

Tensors = dict[str, Tensor]
Specs = dict[str, tf.TensorSpec]


class Endpoint(NamedTuple):
    """A function of named tensors, and what those are."""

    function: Callable[[Tensors], Tensors]
    inputs: Specs


class Endpoints:
    """What can be asked of a run; everything in physical units, the first axis the rows.

    Args:
        run: A trained run.
    """

    def __init__(self, run: Run) -> None:
        self.model = run.model
        self.with_policy = conditions_on_policy(run)
        self.nearest = NearestCondition(run.vocabulary)
        facts = self.model.data_facts
        self.height, self.width = facts["height"], facts["width"]
        self.latent_dim = run.latent_dim

    def by_signature(self) -> dict[str, Endpoint]:
        """Every function with its inputs, by the name of its signature."""
        condition, charge = self._condition_specs(), self._charge_specs()
        seed = {SEED: _spec(SEED, tf.int64)}
        z = {Z: _spec(Z, tf.float32, self.latent_dim)}
        endpoints = {
            GENERATE: Endpoint(self.generate, condition | seed),
            DECODE: Endpoint(self.decode, z | condition),
            ENCODE: Endpoint(self.encode, charge | condition),
            RECONSTRUCT: Endpoint(self.reconstruct, charge | condition),
        }
        return {
            name: Endpoint(in_whole_blocks(endpoint.function), endpoint.inputs)
            for name, endpoint in endpoints.items()
        }

    def generate(self, inputs: Tensors) -> Tensors:
        """A charge drawn for every row, and what its condition was matched with."""
        match = self._match(inputs)
        noise = noise_of_seeds(self.model.noise_parts, inputs[SEED])
        return {
            **self._series(inputs, match, noise),
            MATCHED_EOL: match.eol,
            MATCHED_ECL: match.ecl,
            DISTANCE: tf.cast(match.distance, tf.float32),
            IN_SUPPORT: match.in_support,
        }

    def decode(self, inputs: Tensors) -> Tensors:
        """The charges of given z, no other noise; those of z = 0 are what is expected."""
        return self._series(inputs, self._match(inputs), {"z": inputs[Z]})

    def encode(self, inputs: Tensors) -> Tensors:
        """`z_mean` and `z_log_var` of charges, each of shape `(rows, latent_dim)`."""
        z_mean, z_log_var = self._encoded(inputs, self._match(inputs))
        return {Z_MEAN: z_mean, Z_LOG_VAR: z_log_var}

    def reconstruct(self, inputs: Tensors) -> Tensors:
        """Charges encoded and decoded again, at `z_mean`: no draw, so the same each time."""
        match = self._match(inputs)
        z_mean, _ = self._encoded(inputs, match)
        return self._series(inputs, match, {"z": z_mean})

    def _match(self, inputs: Tensors) -> Match:
        return self.nearest(inputs[EOL], inputs[ECL])

    def _encoded(self, inputs: Tensors, match: Match) -> tuple[Tensor, Tensor]:
        quasi_video = self._quasi_video(inputs)
        return self.model.encode({**self._told(inputs, match), "x": quasi_video})

    def _told(self, inputs: Tensors, match: Match) -> Tensors:
        """The condition as the model takes it."""
        label = tf.stack([inputs[EOL], inputs[ECL]], axis=1)
        no_policy = tf.zeros([tf.shape(label)[0], MAX_STEPS, 2])
        return {
            "condition_index": match.index,
            "condition": tf.cast(label, tf.float32),
            "policy_steps": inputs.get(POLICY_STEPS, no_policy),
        }

    def _series(self, inputs: Tensors, match: Match, noise: Tensors) -> Tensors:
        series = self.model.generate_series(self._told(inputs, match), noise)
        names = [tensor_of(name) for name in self.model.signals_present]
        return dict(zip(names, tf.unstack(series, axis=1), strict=True))

    def _quasi_video(self, inputs: Tensors) -> Tensor:
        """Shape `(rows, channel, depth, height, width)`; an absent signal is 0."""
        some = inputs[tensor_of(self.model.signals_present[0])]
        by_name = {name: inputs.get(tensor_of(name), tf.zeros_like(some)) for name in SIGNALS}
        planes = plane_signals(DEPTH)
        video = tf.stack([tf.stack([by_name[n] for n in row], axis=1) for row in planes], axis=1)
        frame = [self.height, self.width]
        return tf.reshape(video, [-1, *video.shape[1:3], *frame])

    def _condition_specs(self) -> Specs:
        specs = {EOL: _spec(EOL, tf.int64), ECL: _spec(ECL, tf.int64)}
        if self.with_policy:
            specs[POLICY_STEPS] = _spec(POLICY_STEPS, tf.float32, MAX_STEPS, 2)
        return specs

    def _charge_specs(self) -> Specs:
        points = self.height * self.width
        names = [tensor_of(name) for name in self.model.signals_present]
        return {name: _spec(name, tf.float32, points) for name in names}


def in_whole_blocks(function: Callable[[Tensors], Tensors]) -> Callable[[Tensors], Tensors]:
    """A function whose answer for a row does not depend on how many rows come with it.

    Matrix products of few rows are summed in another order than those of many, and where a current
    steps down the last bit of the time shows. In whole blocks the order is the same.
    """

    def of_blocks(inputs: Tensors) -> Tensors:
        num_rows = tf.shape(inputs[EOL])[0]
        # Rows that are repeated fill the last block; without a row there is nothing to repeat.
        num_more = tf.math.floormod(-num_rows, ROWS_OF_BLOCK)
        index = tf.minimum(tf.range(num_rows + num_more), tf.maximum(num_rows - 1, 0))
        whole = function({name: tf.gather(rows, index) for name, rows in inputs.items()})
        return {name: rows[:num_rows] for name, rows in whole.items()}

    return of_blocks


def _spec(name: str, dtype: tf.DType, *shape: int) -> tf.TensorSpec:
    return tf.TensorSpec([None, *shape], dtype, name)
