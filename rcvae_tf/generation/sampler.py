"""Draws charges from a run, and says how far what was asked is from what is known."""

from dataclasses import dataclass

import numpy as np

from data_prep.errors import SettingsError
from rcvae_tf.conditions import Condition
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run


@dataclass(frozen=True)
class GeneratedCharges:
    """Charges of one condition.

    Args:
        condition: As it was asked for.
        matched: The known condition whose embedding was used.
        distance: Between the two under Eq. 14, in weighted cycles.
        in_support: Whether EOL and ECL lie within those of the training data.
        curves: By signal, in physical units, each of shape `(samples, points)`.
    """

    condition: Condition
    matched: Condition
    distance: float
    in_support: bool
    curves: Curves


def generate(
    run: Run, condition: Condition, samples: int, seed: int, mean: bool = False
) -> GeneratedCharges:
    """Charges of a condition, each from its own draw of z.

    Args:
        run: A trained run.
        condition: Wanted EOL and ECL.
        samples: How many; 1 or more.
        seed: Same seed, same charges; the first of many are those of few.
        mean: Take z = 0 instead of a draw; all samples are then alike.

    Raises:
        SettingsError: Less than one sample.
    """
    if samples < 1:
        raise SettingsError(f"`samples` must be 1 or more. Received: samples={samples}.")
    label = np.array([[condition.eol, condition.ecl]])
    index, distance = run.vocabulary.nearest(label)
    z = np.zeros((samples, run.latent_dim))
    if not mean:
        z = np.random.default_rng(seed).standard_normal((samples, run.latent_dim))
    return GeneratedCharges(
        condition=condition,
        matched=run.vocabulary.conditions[index[0]],
        distance=float(distance[0]),
        in_support=bool(run.vocabulary.in_support(label)[0]),
        curves=run.decode(np.repeat(label, samples, axis=0), z),
    )
