"""What a search has found so far: the table of its trials, and the best settings."""

from typing import TYPE_CHECKING, Any

from rcvae_tf.presets import RunConfig
from rcvae_tf.run_directory import write_json
from tuning.outcome import Outcome, read_outcome, write_table
from tuning.plan import SearchPlan
from tuning.search_directory import SearchDirectory
from tuning.search_space import configuration, plain_values

if TYPE_CHECKING:
    from keras_tuner.engine.trial import Trial

    from tuning.oracle import SearchOracle


def write_results(
    plan: SearchPlan, oracle: "SearchOracle", directory: SearchDirectory
) -> list[dict[str, Any]]:
    """Writes `trials.csv` and `best.json`; gives a row for each trial that has ended, in order."""
    rows = [
        _row(trial, read_outcome(oracle.trial_folder(trial)), plan) for trial in oracle.finished
    ]
    if rows:
        write_table(directory.trials, rows)
    best = best_row(rows)
    if best is not None:
        write_json(directory.best, best_config(plan, best).to_dict())
    return rows


def _row(trial: "Trial", outcome: Outcome, plan: SearchPlan) -> dict[str, Any]:
    return {
        "trial": number_of(trial),
        "status": trial.status,
        "val_mae": outcome.val_mae,
        "best_epoch": outcome.best_epoch,
        "epochs": outcome.epochs,
        "seconds": outcome.seconds,
        **plain_values(trial.hyperparameters.values, plan.space),
    }


def number_of(trial: "Trial") -> int:
    """Counted from 1, as people count; the tuner begins with 0."""
    return int(trial.trial_id) + 1


def best_row(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The row of the lowest error; None where no trial has one."""
    completed = [row for row in rows if row["val_mae"] is not None]
    return min(completed, key=lambda row: row["val_mae"], default=None)


def best_config(plan: SearchPlan, row: dict[str, Any]) -> RunConfig:
    """Complete settings of a row, with the epochs and the patience of a training."""
    return configuration(plain_values(row, plan.space), plan.base)


def settings_line(row: dict[str, Any], plan: SearchPlan) -> str:
    """The searched settings of a row: "hidden_dim 64, learning_rate 0.00123"."""
    return ", ".join(f"{d.name} {row[d.name]:.3g}" for d in plan.space)


def trial_line(rows: list[dict[str, Any]], reason: str, plan: SearchPlan, trials: int) -> str:
    """What the log says of the last trial.

    Args:
        rows: Of the trials that have ended.
        reason: Why the last one failed; "" where it did not.
        plan: Of the search.
        trials: How many are asked for.
    """
    row, best = rows[-1], best_row(rows)
    what = (
        f"failed ({reason})"
        if row["val_mae"] is None
        else f"val_mae {row['val_mae']:.5f} (epoch {row['best_epoch']} of {row['epochs']})"
    )
    so_far = f"best {best['val_mae']:.5f} (trial {best['trial']})" if best else "none has one yet"
    place = f"trial {row['trial']}/{trials}"
    return f"{place}: {what}, {so_far}; {settings_line(row, plan)}; {row['seconds']:.0f} s"
