"""The search: suggest, train, judge, write down; again and again, and on after a kill."""

import gc
import logging
import time
from dataclasses import dataclass, replace
from typing import Any

import keras
import tensorflow as tf
from keras_tuner.engine.trial import Trial, TrialStatus

from data_prep.errors import SettingsError
from rcvae_tf.dataset import Dataset
from rcvae_tf.presets import RunConfig
from rcvae_tf.report.figures import save_figure
from rcvae_tf.report.search_figures import objective_figure, read_trials, slices_figure
from tuning.hypermodel import RCVAEHyperModel
from tuning.oracle import SearchOracle
from tuning.outcome import Outcome
from tuning.plan import SearchPlan
from tuning.progress import TrialProgress
from tuning.results import best_config, best_row, number_of, trial_line, write_results
from tuning.search_directory import SearchDirectory
from tuning.search_space import plain_values
from tuning.summaries import TrialSummaries, write_experiment

# In a row, of the trials of one call: one bad corner of the space is found by chance, not thrice.
MOST_FAILURES = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Args:
        best: Complete settings; what `train --config` takes.
        best_trial: Its row.
        trials: A row of `trials.csv` for each trial that has ended, in order.
    """

    best: RunConfig
    best_trial: dict[str, Any]
    trials: list[dict[str, Any]]


def search(
    plan: SearchPlan, dataset: Dataset, directory: SearchDirectory, trials: int
) -> SearchResult:
    """Runs trials until there are as many as asked for; those of an earlier call count.

    Args:
        plan: What is searched, and how.
        dataset: Prepared data.
        directory: Where everything goes, ready for a search of this plan.
        trials: How many in all.

    Raises:
        SettingsError: Files of an earlier call are damaged, or trial after trial fails.
    """
    oracle = SearchOracle(plan, directory.oracle)
    if oracle.was_begun:
        oracle.reload()
        logger.info("%s", _going_on(len(oracle.finished), oracle.was_killed, trials))
    else:
        # From now on a missing file is a damage, not a search that was killed at its beginning.
        oracle.save()
    write_experiment(directory.tensorboard, plan.space)
    tf.get_logger().addFilter(_is_worth_saying)
    try:
        _run_trials(RCVAEHyperModel(plan, dataset), oracle, directory, trials)
    finally:
        rows = write_results(plan, oracle, directory)
        if rows:
            _draw(directory)
    best = best_row(rows)
    if best is None:
        raise SettingsError(
            f"{directory.path}: none of {len(rows)} trials came to a finite val_mae. Raise "
            f"--trials, or fix --learning-rate at a lower value in another --output."
        )
    return SearchResult(best_config(plan, best), best, rows)


def _going_on(done: int, was_killed: bool, trials: int) -> str:
    if done >= trials:
        return f"{done} trials are done, {trials} are asked for: nothing to add"
    rerun = f"; trial {done + 1} was cut short and runs again" if was_killed else ""
    return f"going on: {done} of {trials} trials are done{rerun}"


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """TensorFlow warns of compiling again and again; here each trial is another model."""
    return "tf.function retracing" not in record.getMessage()


def _run_trials(
    hypermodel: RCVAEHyperModel, oracle: SearchOracle, directory: SearchDirectory, trials: int
) -> None:
    failures = 0
    while len(oracle.finished) < trials:
        trial = oracle.next_trial()
        if trial.status == TrialStatus.STOPPED:
            logger.warning(
                "warning: no new settings are left to try: the search ends with %d of %d trials",
                len(oracle.finished),
                trials,
            )
            return
        outcome = _run(trial, hypermodel, oracle, directory, trials)
        rows = write_results(hypermodel.plan, oracle, directory)
        logger.info("%s", trial_line(rows, outcome.reason, hypermodel.plan, trials))
        failures = failures + 1 if outcome.val_mae is None else 0
        if failures == MOST_FAILURES:
            raise SettingsError(
                f"{directory.path}: {failures} trials in a row failed ({outcome.reason}); "
                f"{len(rows)} of {trials} are done. Go on with the same command, or fix "
                f"--learning-rate at a lower value in another --output."
            )


def _run(
    trial: Trial,
    hypermodel: RCVAEHyperModel,
    oracle: SearchOracle,
    directory: SearchDirectory,
    trials: int,
) -> Outcome:
    """Trains a trial and writes down what came of it."""
    number = number_of(trial)
    values = plain_values(trial.hyperparameters.values, hypermodel.plan.space)
    summaries = TrialSummaries(directory.tensorboard, number, values)
    summaries.begin()
    started_at = time.monotonic()
    with TrialProgress(f"trial {number}/{trials}", hypermodel.plan.trial_epochs) as progress:
        outcome = _train(trial, hypermodel, [summaries, progress])
    outcome = replace(outcome, seconds=round(time.monotonic() - started_at, 1))
    summaries.end(outcome)
    # The trial counts once the oracle has written it, so everything else comes first.
    outcome.write(oracle.trial_folder(trial))
    oracle.report(trial, outcome)
    return outcome


def _train(
    trial: Trial, hypermodel: RCVAEHyperModel, callbacks: list[keras.callbacks.Callback]
) -> Outcome:
    # Models of earlier trials would stay in memory.
    keras.backend.clear_session()
    gc.collect()
    try:
        model = hypermodel.build(trial.hyperparameters)
        return hypermodel.fit(trial.hyperparameters, model, callbacks=callbacks)
    except (tf.errors.ResourceExhaustedError, MemoryError):
        return Outcome(None, None, 0, reason="the model does not fit into memory")


def _draw(directory: SearchDirectory) -> None:
    trials = read_trials(directory.trials)
    save_figure(objective_figure(trials), directory.objective_figure)
    save_figure(slices_figure(trials), directory.slices_figure)
