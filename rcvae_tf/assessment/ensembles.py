"""Many draws for a charge that was measured: their intervals and their CRPS."""

from typing import Any

import numpy as np

from rcvae_tf.assessment.charges import ChargeSet, joined
from rcvae_tf.assessment.layout import COPY, GENERATED, REAL
from rcvae_tf.assessment.material import Material, copied
from rcvae_tf.dataset import SplitData
from rcvae_tf.evaluation.intervals import interval_metrics, score_draws
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run

NUM_DRAWS = 20
MOST_MEASURED = 400


def ensemble_scores(
    run: Run, known: SplitData, material: Material, rng: np.random.Generator
) -> dict[str, Any]:
    """Coverage of the central 90 % interval, its width, and CRPS, by set.

    As `evaluation.intervals`, for charges of the second half of the test split, at most 400. The
    real ensemble of a charge are the 20 measured charges of its own cell that are nearest in age,
    which knows more than any condition says. A copy is a single curve.
    In theory: coverage 0.90 for draws of the truth; CRPS has no such value, the lower the better,
    and that of a single curve is its MAE.
    """
    measured = material.unseen.compared[REAL]
    if len(measured) > MOST_MEASURED:
        measured = measured.rows(np.sort(rng.choice(len(measured), MOST_MEASURED, replace=False)))
    others = joined([material.trained, material.unseen.reference])
    copy = copied(known, measured, run).curves
    ensembles = {
        GENERATED: (_draws(run, measured, rng), False),
        COPY: ({name: values[None] for name, values in copy.items()}, True),
        REAL: (own_neighbours(others, measured), False),
    }
    found: dict[str, Any] = {}
    for name, (draws, are_all) in ensembles.items():
        scores = score_draws(draws, measured.curves, are_all)
        metrics = interval_metrics(scores, measured.curves, measured.labels)
        count = len(next(iter(draws.values())))
        kept = {part: metrics[part] for part in ("coverage_90", "width_90", "crps")}
        found[name] = {"draws": count, **kept}
    return found


def own_neighbours(others: ChargeSet, measured: ChargeSet) -> Curves:
    """For each charge the charges of its own cell that are nearest in age.

    Args:
        others: Where they are looked for.
        measured: The charges; every cell has some in `others`.

    Returns:
        By signal, each of shape `(neighbours, samples, points)`: up to 20, as many as the cell
        with the fewest has.
    """
    counts = [int(np.sum(others.cell_ids == cell_id)) for cell_id in np.unique(measured.cell_ids)]
    most = min(NUM_DRAWS, *counts)
    nearest = np.empty((most, len(measured)), np.int64)
    for row, (cell_id, (_, ecl)) in enumerate(zip(measured.cell_ids, measured.labels, strict=True)):
        own = np.flatnonzero(others.cell_ids == cell_id)
        order = np.argsort(np.abs(others.labels[own, 1] - ecl), kind="stable")
        nearest[:, row] = own[order[:most]]
    return {name: values[nearest] for name, values in others.curves.items()}


def _draws(run: Run, measured: ChargeSet, rng: np.random.Generator) -> Curves:
    labels = np.tile(measured.labels, (NUM_DRAWS, 1))
    policy_steps = np.tile(measured.policy_steps, (NUM_DRAWS, 1, 1))
    flat = run.draw_curves(labels, policy_steps, rng)
    return {name: v.reshape(NUM_DRAWS, len(measured), -1) for name, v in flat.items()}
