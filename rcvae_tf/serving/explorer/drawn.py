"""The charges of a view, as the model gives them."""

import asyncio
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.protocol import policy_numbers
from rcvae_tf.physical import Curves
from rcvae_tf.servable import layout
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.serving.explorer.asked import Asked
from rcvae_tf.serving.explorer.explorable import Arrays, Explorable


@dataclass(frozen=True)
class Drawn:
    """Charges in physical units.

    Args:
        draws: By signal, each of shape `(draws, points)`; the first has the seed that was asked.
        expected: The charge of z = 0, by signal, each of shape `(1, points)`.
        matched_eol: The condition of the training data that was taken, cycles.
        matched_ecl: Likewise.
        distance: To it, in weighted cycles.
        in_support: Whether EOL and ECL lie within those of the training data.
    """

    draws: Curves
    expected: Curves
    matched_eol: int
    matched_ecl: int
    distance: float
    in_support: bool


async def draw(model: Explorable, asked: Asked) -> Drawn:
    """Asks the model for the draws and for the expected charge, both at a time."""
    facts = model.facts
    seeds = {layout.SEED: np.array(asked.seeds, np.int64)}
    z = {layout.Z: np.zeros((1, facts.latent_dim), np.float32)}
    drawn, expected = await asyncio.gather(
        model.predict(layout.GENERATE, _condition(asked, asked.draws, facts) | seeds),
        model.predict(layout.DECODE, _condition(asked, 1, facts) | z),
    )
    return Drawn(
        draws=_curves(drawn, facts),
        expected=_curves(expected, facts),
        matched_eol=int(drawn[layout.MATCHED_EOL][0]),
        matched_ecl=int(drawn[layout.MATCHED_ECL][0]),
        distance=float(drawn[layout.DISTANCE][0]),
        in_support=bool(drawn[layout.IN_SUPPORT][0]),
    )


def _condition(asked: Asked, rows: int, facts: ServedFacts) -> Arrays:
    inputs: Arrays = {
        layout.EOL: np.full(rows, asked.eol, np.int64),
        layout.ECL: np.full(rows, asked.ecl, np.int64),
    }
    if facts.with_policy:
        steps: NDArray = policy_numbers(asked.policy).astype(np.float32)
        inputs[layout.POLICY_STEPS] = np.repeat(steps[None], rows, axis=0)
    return inputs


def _curves(tensors: Arrays, facts: ServedFacts) -> Curves:
    return {name: tensors[layout.tensor_of(name)] for name in facts.signals}
