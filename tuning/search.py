"""The search itself: Bayesian optimisation of the validation MAE, resumable by trial."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras_tuner

from data_prep.errors import SettingsError
from rcvae_tf.config import RunConfig
from rcvae_tf.dataset import Dataset
from rcvae_tf.run_directory import write_json
from tuning.hypermodel import RCVAEHyperModel
from tuning.search_space import SPACE, suggest

INITIAL_RANDOM_TRIALS = 8


@dataclass(frozen=True)
class SearchResult:
    """The best settings found, and every trial.

    Args:
        best: Complete settings; what `train --config` takes.
        trials: Trial, status, val_mae and the values searched, in order.
    """

    best: RunConfig
    trials: list[dict[str, Any]]


def search(
    base: RunConfig, dataset: Dataset, directory: Path, trials: int, seed: int
) -> SearchResult:
    """Runs trials until there are as many as asked for; those of an earlier call count.

    Args:
        base: Settings that are not searched.
        dataset: Prepared data.
        directory: Where the trials, `trials.csv` and `best.json` go.
        trials: How many in all.
        seed: 1 or more; the tuner takes 0 for a random one.

    Raises:
        SettingsError: No trial came to a finite error.
    """
    tuner = keras_tuner.BayesianOptimization(
        RCVAEHyperModel(base, dataset),
        objective=keras_tuner.Objective("val_mae", "min"),
        max_trials=trials,
        num_initial_points=min(INITIAL_RANDOM_TRIALS, trials),
        seed=seed,
        directory=str(directory),
        project_name="search",
        overwrite=False,
    )
    tuner.search(verbose=0)
    rows = [_row(trial) for _, trial in sorted(tuner.oracle.trials.items())]
    # The tuner's own `get_best_trials` lists failed trials too.
    completed = [t for t in tuner.oracle.trials.values() if t.status == "COMPLETED"]
    if not completed:
        raise SettingsError(f"{directory}: none of {len(rows)} trials came to a finite val_mae.")
    best = suggest(min(completed, key=lambda trial: trial.score).hyperparameters, base)
    write_json(directory / "best.json", best.to_dict())
    with (directory / "trials.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["trial", "status", "val_mae", *(d.name for d in SPACE)])
        writer.writeheader()
        writer.writerows(rows)
    return SearchResult(best, rows)


def _row(trial: Any) -> dict[str, Any]:
    values = trial.hyperparameters.values
    return {
        "trial": trial.trial_id,
        "status": trial.status,
        "val_mae": trial.score,
        **{d.name: values.get(d.name) for d in SPACE},
    }
