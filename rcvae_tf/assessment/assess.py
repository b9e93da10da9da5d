"""One assessment: every measure, of what was generated, of a copy, and of more real data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_prep.progress import progress_line
from data_prep.records import FloatArray
from rcvae_tf.assessment import inputs, neighbours, usefulness
from rcvae_tf.assessment.adherence import adherence
from rcvae_tf.assessment.charges import ChargeSet, joined
from rcvae_tf.assessment.discrepancy import mmd
from rcvae_tf.assessment.discrimination import discriminative_score
from rcvae_tf.assessment.ensembles import ensemble_scores
from rcvae_tf.assessment.layout import COPY, FORMAT_VERSION, GENERATED, MORE, REAL, REFERENCE
from rcvae_tf.assessment.material import Material, copied, drawn, gather
from rcvae_tf.assessment.memorisation import membership_auc, memorisation
from rcvae_tf.assessment.spread import spread_ratios
from rcvae_tf.assessment.usefulness import Task
from rcvae_tf.dataset import Dataset, SplitData
from rcvae_tf.evaluation.evaluate import check_same_data
from rcvae_tf.evaluation.physics import physics_limits, violations
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run

Scores = dict[str, Any]
# Synthetic charges cost nothing: how far more of them lead.
MORE_DRAWS = 5
NO_TIME = "the run generates no elapsed time, so nothing can be seen at a time of the charge"


@dataclass(frozen=True)
class Context:
    """What a measure is taken of.

    Args:
        run: The trained run.
        dataset: Its data set.
        known: What the run was trained on.
        material: The sets.
        scales: Of the distances, from the training charges.
        seed: Of draws, folds and choices; every measure starts from it anew.
    """

    run: Run
    dataset: Dataset
    known: SplitData
    material: Material
    scales: inputs.Scales
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """Fresh, so that a measure does not depend on those before it."""
        return np.random.default_rng(self.seed)


def assess(run: Run, dataset: Dataset, seed: int = 0) -> Scores:
    """All measures of a run, as `assess.json` holds them.

    Args:
        run: The trained run.
        dataset: The data set that it was trained on.
        seed: Of draws, halves, folds and choices.

    Raises:
        DatasetError: Another data set than the run's; too few cells or charges.
    """
    from threadpoolctl import threadpool_limits

    check_same_data(run.data, dataset)
    known = dataset.known(run.config.training.merge_validation)
    material = gather(run, dataset, np.random.default_rng([seed, 1]))
    scales = inputs.comparable(material.trained.curves)
    context = Context(run, dataset, known, material, scales, seed)
    scores: Scores = {}
    # Thousands of small products: more threads than one wait for each other.
    with threadpool_limits(1), progress_line("assessing", len(MEASURES)) as advance:
        for name, measure in MEASURES.items():
            scores[name] = measure(context)
            advance(name)
    return {"format_version": FORMAT_VERSION, "facts": _facts(context), "measures": scores}


def _facts(context: Context) -> Scores:
    material, card = context.material, context.dataset.card
    return {
        "run": context.run.directory.path.name,
        "data": context.dataset.directory.name,
        "source": card.source["name"],
        "split": card.preparation["split"],
        "holds_cells_out": material.holds_cells_out,
        "condition": context.run.config.model.condition,
        "seed": context.seed,
        "cells": {
            "trained": len(np.unique(material.trained.cell_ids)),
            "tested": len(np.unique(material.asked.cell_ids)),
        },
        "charges": {
            "trained": len(material.trained),
            "held_out": len(material.held_out),
            "in_a_half_of_unseen": len(material.unseen.reference),
            "in_a_half_learned_from": len(material.learned.reference),
        },
    }


def _soh(context: Context) -> Scores:
    """SOH of a charge, its throughput over the nominal capacity, from how the charge begins."""
    asked = context.material.asked
    if inputs.TIME not in asked.curves:
        return {"not_assessed": NO_TIME}
    window_s = inputs.WINDOW_SHARE * float(asked.curves[inputs.TIME][:, -1].min())
    found = _usefulness(
        context,
        lambda charges: inputs.window_means(charges.curves, window_s),
        lambda charges: _throughput_ah(charges.curves) / _nominal_ah(context, charges),
    )
    within_ah = inputs.throughput_at(asked.curves, window_s)
    leak = usefulness.integral_leak(within_ah, _throughput_ah(asked.curves))
    share = float(np.median(within_ah / _throughput_ah(asked.curves)))
    return {"window_s": window_s, "share_within": share, "integral_r2": leak, **found}


def _eol(context: Context) -> Scores:
    """EOL of the cell from one whole charge, which does not hold it."""
    return _usefulness(
        context,
        lambda charges: inputs.whole_charge_means(charges.curves),
        lambda charges: charges.labels[:, 0].astype(np.float64),
    )


def _usefulness(
    context: Context,
    inputs_of: Callable[[ChargeSet], FloatArray],
    target_of: Callable[[ChargeSet], FloatArray],
) -> Scores:
    def task(charges: ChargeSet) -> Task:
        return Task(inputs_of(charges), target_of(charges), charges.cell_ids)

    material = context.material
    compared = {name: task(charges) for name, charges in material.learned.compared.items()}
    conditions, rng = material.learned.compared[REAL], context.rng
    more = joined([drawn(context.run, conditions, rng) for _ in range(MORE_DRAWS)])
    reference, asked = task(material.learned.reference), task(material.asked)
    repetitions = usefulness.folds_of(
        np.unique(reference.cell_ids), np.unique(asked.cell_ids), context.seed
    )
    return {
        **usefulness.transfer(
            {REFERENCE: reference, **compared, MORE: task(more)}, asked, repetitions, context.seed
        ),
        "augmentation": usefulness.augmentation(
            reference, compared, asked, repetitions, context.seed
        ),
    }


def _adherence(context: Context) -> Scores:
    learned = context.material.learned
    asked = {
        name: inputs.whole_charge_means(charges.curves)
        for name, charges in learned.compared.items()
    }
    reference = learned.reference
    return adherence(
        inputs.whole_charge_means(reference.curves),
        reference.labels,
        reference.cell_ids,
        asked,
        learned.compared[REAL].labels,
        context.seed,
    )


def _discrimination(context: Context) -> Scores:
    unseen = context.material.unseen
    found: Scores = {name: {} for name in unseen.compared}
    for view, seen in (("points", inputs.points), ("bends", inputs.bends)):
        reference = seen(unseen.reference.curves)
        for name, charges in unseen.compared.items():
            found[name][view] = discriminative_score(
                reference,
                seen(charges.curves),
                unseen.reference.cell_ids,
                charges.cell_ids,
                context.seed,
            )
    return found


def _mmd(context: Context) -> Scores:
    reference, compared = _vectors(context)
    return {name: mmd(reference, vectors, context.rng) for name, vectors in compared.items()}


def _neighbours(context: Context) -> Scores:
    reference, compared = _vectors(context)
    found = {n: neighbours.neighbour_scores(reference, v) for n, v in compared.items()}
    k = found[REAL]["k"]
    expected = neighbours.expected_coverage(len(reference), len(reference), int(k))
    return {**found, "expected_coverage": expected}


def _intervals(context: Context) -> Scores:
    return ensemble_scores(context.run, context.known, context.material, context.rng)


def _spread(context: Context) -> Scores:
    unseen = context.material.unseen
    return {
        name: spread_ratios(
            unseen.reference.curves, unseen.reference.labels, charges.curves, charges.labels
        )
        for name, charges in unseen.compared.items()
    }


def _memorisation(context: Context) -> Scores:
    material = context.material
    training = context.scales.vectors(material.trained.curves)
    reference, compared = _vectors(context)
    found: Scores = {name: memorisation(training, reference, v) for name, v in compared.items()}
    for name, auc in _membership(context).items():
        found[name]["membership_auc"] = auc
    return found


def _membership(context: Context) -> dict[str, float | None]:
    """Members are as many as there are held-out charges; the sets are for the conditions of both.

    For real data the set is one random half of the held-out charges, and the other is told from
    as many members: a half by pairs would lie nearer to the other than a member can. With cells
    held out there is no such half that is as near to members: None.
    """
    material, rng = context.material, context.rng
    held_out, trained = material.held_out, material.trained
    size = min(len(held_out), len(trained))
    members = trained.rows(rng.choice(len(trained), size, replace=False))
    held_out = held_out.rows(rng.permutation(len(held_out))[:size])
    asked = joined([members, held_out])
    inside, outside = (context.scales.vectors(each.curves) for each in (members, held_out))
    of_generated = context.scales.vectors(drawn(context.run, asked, rng).curves)
    of_copy = context.scales.vectors(copied(context.known, asked, context.run).curves)
    half = size // 2
    return {
        GENERATED: membership_auc(inside, outside, of_generated),
        COPY: membership_auc(inside, outside, of_copy),
        REAL: None
        if material.holds_cells_out
        else membership_auc(inside[:half], outside[:half], outside[half:]),
    }


def _physics(context: Context) -> Scores:
    limits = physics_limits(context.dataset.card, context.known)
    compared = context.material.unseen.compared
    found = {name: violations(charges.curves, limits) for name, charges in compared.items()}
    return {"limits": limits.to_dict(), **found}


def _vectors(context: Context) -> tuple[FloatArray, dict[str, FloatArray]]:
    unseen = context.material.unseen
    compared = {n: context.scales.vectors(c.curves) for n, c in unseen.compared.items()}
    return context.scales.vectors(unseen.reference.curves), compared


def _throughput_ah(curves: Curves) -> FloatArray:
    capacity_ah = np.asarray(curves[inputs.CAPACITY], np.float64)
    return capacity_ah[:, -1] - capacity_ah[:, 0]


def _nominal_ah(context: Context, charges: ChargeSet) -> FloatArray:
    cells = context.dataset.card.cells
    return np.array([cells[str(cell_id)]["nominal_capacity_ah"] for cell_id in charges.cell_ids])


# In the order of the page.
MEASURES: dict[str, Callable[[Context], Scores]] = {
    "soh": _soh,
    "eol": _eol,
    "adherence": _adherence,
    "discrimination": _discrimination,
    "mmd": _mmd,
    "neighbours": _neighbours,
    "intervals": _intervals,
    "spread": _spread,
    "memorisation": _memorisation,
    "physics": _physics,
}
