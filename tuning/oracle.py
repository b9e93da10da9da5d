"""Who suggests the trials: keras-tuner's oracle, guarded where it would mislead a search.

The only module that knows the inside of keras-tuner; `search.json` holds its version.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.oracles import BayesianOptimizationOracle
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.run_directory import read_json, write_json
from tuning.outcome import Outcome
from tuning.plan import SearchPlan
from tuning.search_space import hyperparameters

OBJECTIVE = "val_mae"
WORKER = "tuning"
STATE_FILE = "oracle.json"
TRIAL_FILE = "trial.json"
FINISHED = (TrialStatus.COMPLETED, TrialStatus.FAILED)
# What a file that is JSON but not the tuner's makes it stumble over.
DAMAGE = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)

logger = logging.getLogger(__name__)


class SearchOracle(BayesianOptimizationOracle):
    """A Gaussian process that minimises val_mae; it never repeats and can be killed at any point.

    Args:
        plan: Ranges, seed and number of random trials.
        folder: Where its files go.
    """

    trials: dict[str, Trial]

    def __init__(self, plan: SearchPlan, folder: Path) -> None:
        super().__init__(
            objective=keras_tuner.Objective(OBJECTIVE, "min"),
            # Who asks for trials counts them. With a number here the tuner would name the trials
            # by its digits, and another number would name them otherwise.
            max_trials=None,
            num_initial_points=plan.initial_trials,
            seed=plan.seed,
            hyperparameters=hyperparameters(plan.space),
            allow_new_entries=False,
            tune_new_entries=False,
            # It would end the search with a trace, before the trial is written.
            max_consecutive_failed_trials=None,
        )
        self.folder = folder
        self.verbose = 0
        self._set_project_dir(str(folder.parent), folder.name)

    @property
    def finished(self) -> list[Trial]:
        """The trials that have ended, in order."""
        return [trial for trial in self.trials.values() if trial.status in FINISHED]

    @property
    def was_begun(self) -> bool:
        """Whether files of an earlier call lie there."""
        return (self.folder / STATE_FILE).is_file() or any(self.folder.glob("trial_*"))

    @property
    def was_killed(self) -> bool:
        """Whether a trial of an earlier call waits to run again."""
        return bool(self._retry_queue)

    def next_trial(self) -> Trial:
        """The trial that was killed, else a new one; its status is STOPPED where there is none."""
        return self.create_trial(WORKER)

    def report(self, trial: Trial, outcome: Outcome) -> None:
        """Ends a trial."""
        if outcome.val_mae is None:
            trial.status = TrialStatus.FAILED
            trial.message = outcome.reason
        else:
            self.update_trial(trial.trial_id, {OBJECTIVE: outcome.val_mae}, outcome.best_epoch)
            trial.status = TrialStatus.COMPLETED
        self.end_trial(trial)

    def trial_folder(self, trial: Trial) -> Path:
        """Where the files of a trial lie."""
        return self.folder / f"trial_{trial.trial_id}"

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The values of the next trial; those of an earlier one are replaced by random ones."""
        # The tuner does not keep the position of this generator: a search that goes on after a
        # kill would suggest otherwise than one that was left in peace.
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        # Matrices as small as the number of trials are slower with several threads.
        with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            suggestion = super().populate_space(trial_id)
        for warning in caught:
            logger.debug("%s", warning.message)
        values = suggestion["values"]
        if values is not None and self._duplicate(values):
            return self._random_populate_space()
        return suggestion

    def _vectorize_trials(self) -> tuple[FloatArray, FloatArray]:
        """Places and errors of the finished trials, as the Gaussian process sees them.

        The tuner leaves failed trials out, and would suggest their surroundings again: they count
        as the worst. Errors are positive and spread over decades: it sees their logarithm, else
        one trial that was nearly lost would make all the others look alike.
        """
        scores = {t: t.score for t in self.finished if t.status == TrialStatus.COMPLETED}
        worst = max(scores.values())
        places = [
            [self._place(trial, hp) for hp in self._nonfixed_space()] for trial in self.finished
        ]
        errors = [max(scores.get(trial, worst), np.finfo(float).tiny) for trial in self.finished]
        return np.array(places), np.log(errors)

    def _place(self, trial: Trial, hp: Any) -> float:
        """Where between 0 and 1 the value of a trial lies in its range."""
        return float(hp.value_to_prob(trial.hyperparameters.values[hp.name]))

    def save(self) -> None:
        """Writes the state whole or not at all; the tuner's own way may stop in the middle."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / STATE_FILE, self.get_state())

    def _save_trial(self, trial: Trial) -> None:
        folder = self.trial_folder(trial)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / TRIAL_FILE, trial.get_state())

    def reload(self) -> None:
        """Goes on from the files, whenever the process that wrote them was killed.

        Raises:
            SettingsError: A file is missing or damaged.
        """
        way_out = "Restore it, or begin anew with --overwrite."
        files = sorted(self.folder.glob(f"trial_*/{TRIAL_FILE}"))
        for path in (self.folder / STATE_FILE, *files):
            read_json(path, way_out)
        try:
            super().reload()
            self._reconcile()
        except DAMAGE as error:
            raise SettingsError(
                f"{self.folder}: the files in it do not go together: {error!r}. {way_out}"
            ) from error

    def _reconcile(self) -> None:
        """Makes each trial that was begun either finished or waiting to run again, and not both.

        The files of a trial and of the state are written one after the other, and a kill comes
        between them as well.
        """
        never_begun = set(self.trials) - set(self.start_order)
        if any(self.trials[trial_id].status in FINISHED for trial_id in never_begun):
            raise ValueError(f"{STATE_FILE} does not know trials {sorted(never_begun)}")
        # One that was written but not begun is suggested again with the same values. The order
        # matters to the Gaussian process.
        self.trials = {trial_id: self.trials[trial_id] for trial_id in self.start_order}
        self.end_order = [trial.trial_id for trial in self.finished]
        ended = set(self.end_order)
        self._retry_queue = [trial_id for trial_id in self.start_order if trial_id not in ended]
        for trial_id in self._retry_queue:
            trial = self.trials[trial_id]
            # What was reported just before the kill would be averaged with what comes now.
            trial.metrics = type(trial.metrics)()
