"""One evaluation: four modes of the model and four baselines, on one test split."""

from typing import Any, NamedTuple

import numpy as np

from data_prep.errors import DatasetError
from data_prep.records import FloatArray
from rcvae_tf.dataset import Dataset, SplitData, model_inputs
from rcvae_tf.evaluation.baselines import baselines
from rcvae_tf.evaluation.draws import PRIOR_DRAWS, judge_draws
from rcvae_tf.evaluation.indicators import LOOK_UPS, MEAN, cell_facts, indicator_metrics
from rcvae_tf.evaluation.metrics import Errors, latent_summary, signal_errors, skill
from rcvae_tf.evaluation.physics import physics_limits
from rcvae_tf.physical import Curves, generated_curves
from rcvae_tf.run import DECODE_BATCH, Run


class Evaluation(NamedTuple):
    """What was measured on the test split, and what was generated for it.

    Args:
        metrics: The content of `metrics.json`.
        generated: Curves of all test samples, by mode: `reconstruct` and `mean`.
    """

    metrics: dict[str, Any]
    generated: dict[str, Curves]


def evaluate(run: Run, dataset: Dataset, seed: int = 0) -> Evaluation:
    """Errors of a run and of the baselines.

    Args:
        run: The trained run.
        dataset: The data set that it was trained on; its test split is evaluated.
        seed: Of the draws.

    Raises:
        DatasetError: The data set has another grid or other signals than the run.
    """
    _check_fits(run, dataset)
    test = dataset.test
    reconstructed, z_mean, kl_per_dim = reconstruct(run, test)
    mean_curves = run.mean_curves(test.labels, test.policy_steps)
    training = run.config.training
    trained = dataset.known(training.merge_validation)
    facts = cell_facts(dataset.card, test.cell_ids)
    drawn = judge_draws(run, test, physics_limits(dataset.card, trained), facts, seed)
    modes: dict[str, Errors] = {
        "reconstruct": signal_errors(test.curves, reconstructed),
        "prior": drawn.errors,
        "mean": signal_errors(test.curves, mean_curves),
        "median": signal_errors(test.curves, drawn.median),
    }
    # The look-ups get what the model was trained on, no less and no more.
    rules = baselines(
        dataset.train,
        dataset.validation,
        test.labels,
        training.condition_weight,
        training.merge_validation,
    )
    errors = {name: signal_errors(test.curves, rule.curves) for name, rule in rules.items()}
    whole_charges = {MEAN: mean_curves, **{name: rules[name].curves for name in LOOK_UPS}}
    metrics = {
        "split": dataset.card.preparation["split"],
        "cycles": dataset.card.preparation["cycles"],
        "last_cycle": _last_cycle(dataset),
        "samples": {"train": len(trained), "test": len(test)},
        "modes": modes,
        "prior_draws": PRIOR_DRAWS,
        "baselines": errors,
        "baseline_settings": {name: rule.setting for name, rule in rules.items()},
        "skill": skill(modes["mean"], errors["nearest_label"]),
        "intervals": drawn.intervals,
        "physics": drawn.physics,
        "indicators": indicator_metrics(
            facts.indicators_of(test.curves),
            {name: facts.indicators_of(curves) for name, curves in whole_charges.items()},
            drawn.indicators,
        ),
        "latent": {
            **latent_summary(kl_per_dim, z_mean),
            "label_response": label_response(test.curves, mean_curves),
        },
    }
    return Evaluation(metrics, {"reconstruct": reconstructed, "mean": mean_curves})


def reconstruct(run: Run, data: SplitData) -> tuple[Curves, FloatArray, FloatArray]:
    """Forward propagation: the encoder sees the curve that is to be generated.

    Returns:
        The curves, `z_mean` of shape `(samples, latent_dim)`, and the mean KLD by dimension.
    """
    import tensorflow as tf

    from rcvae_tf.model.losses import kld

    inputs = model_inputs(data, run.vocabulary)
    videos, means, divergences = [], [], []
    for start in range(0, len(data), DECODE_BATCH):
        batch = {k: tf.constant(v[start : start + DECODE_BATCH]) for k, v in inputs.items()}
        z_mean, z_log_var = run.model.encode(batch)
        videos.append(run.model.decode(run.model.sampling(z_mean, z_log_var), batch).numpy())
        means.append(z_mean.numpy())
        divergences.append(kld(z_mean, z_log_var).numpy())
    curves = generated_curves(np.concatenate(videos), run.model.signals_present)
    return curves, np.concatenate(means), np.concatenate(divergences).mean(axis=0)


def check_same_data(data: dict[str, Any], dataset: Dataset) -> None:
    """Compares the shards of a data set with those that a run was trained on.

    Raises:
        DatasetError: Others, of which some may have been trained on that are tested here.
    """
    if data.get("shards") != dataset.card.shards:
        raise DatasetError(
            f"{dataset.directory}: is not the data set that the run was trained on: its shards "
            f"are others. Give --data the data set of the run, made at {data.get('directory')}."
        )


def _last_cycle(dataset: Dataset) -> int:
    """The highest ECL of all splits: cells may have fewer cycles than were asked for."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return max(int(split.labels[:, 1].max(initial=0)) for split in splits)


def _check_fits(run: Run, dataset: Dataset) -> None:
    card, facts = dataset.card, run.model.data_facts
    theirs = (card.height, card.width, list(card.signals_present))
    ours = (facts["height"], facts["width"], list(facts["statistics"]))
    if theirs != ours:
        described = [f"{h} x {w} points of {', '.join(s)}" for h, w, s in (theirs, ours)]
        raise DatasetError(
            f"{dataset.directory}: holds {described[0]}; the run {run.directory.path} was trained "
            f"on {described[1]}. Give --data the data set of the run."
        )
    check_same_data(run.data, dataset)


def label_response(measured: Curves, mean_curves: Curves) -> float:
    """How much generated curves differ between conditions, against how much measured ones do.

    Returns:
        The mean over the signals of the ratio of standard deviations over the samples; 0 where
        the decoder ignores the condition.
    """
    ratios = []
    for name, values in mean_curves.items():
        spread = float(np.std(measured[name] - measured[name].mean(axis=0)))
        if spread:
            ratios.append(float(np.std(values - values.mean(axis=0))) / spread)
    return float(np.mean(ratios)) if ratios else 0.0
