"""Figures of a search from `trials.csv` alone: its error over the trials, and over each setting."""

import csv
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.errors import SettingsError
from rcvae_tf.report.labels import GENERATED_COLOUR, MODE_COLOURS, PAPER_MODE, WIDTH_INCH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# What a trial is; the columns after them are the settings that were searched.
COLUMNS = ("trial", "status", "val_mae", "best_epoch", "epochs", "seconds")
# The search draws these evenly, all other settings by their logarithm.
LINEAR_SETTINGS = ("num_hidden_layers", "condition_weight")
DOUBLED_SETTINGS = ("hidden_dim", "latent_dim", "embedding_dim", "batch_size")
PANELS_IN_A_ROW = 4
TRIAL_COLOUR = MODE_COLOURS[PAPER_MODE]
BEST_COLOUR = GENERATED_COLOUR
FAILED_COLOUR = "0.35"
# Of the height of an axis; failed trials have no error, and stand where the worst are.
FAILED_PLACE = 0.96
# Of the largest to the lowest error.
SPREAD_OF_LOG_AXIS = 4.0


def read_trials(path: Path) -> list[dict[str, Any]]:
    """The rows of a `trials.csv`: numbers, None for empty cells, and `status` as text.

    Raises:
        SettingsError: The file is missing, has no trial, or is not one of a search.
    """
    expected = f"Expected the trials.csv of a search, columns {', '.join(COLUMNS)} and settings."
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: not readable: {error}. {expected}") from error
    if not rows or tuple(rows[0])[: len(COLUMNS)] != COLUMNS:
        found = ", ".join(str(name) for name in rows[0]) if rows else "no trial"
        raise SettingsError(f"{path}: holds {found}. {expected}")
    try:
        return [{name: _cell(name, text) for name, text in row.items()} for row in rows]
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{path}: {error}. {expected}") from error


def _cell(name: str | None, text: str | None) -> Any:
    if text is None or name is None:
        raise ValueError("a row has not as many cells as the header")
    if name == "status":
        return text
    if not text:
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"`{name}` is {text}")
    return int(value) if name in ("trial", "best_epoch", "epochs") else value


def objective_figure(trials: list[dict[str, Any]]) -> "Figure":
    """The error of each trial, and the lowest so far.

    Args:
        trials: From `read_trials`, in order.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(0.7 * WIDTH_INCH, 3.6), layout="constrained")
    axis = figure.subplots()
    completed = _completed(trials)
    places = [row["trial"] for row in completed]
    axis.plot(
        places,
        [row["val_mae"] for row in completed],
        linestyle="",
        marker="o",
        markersize=5,
        color=TRIAL_COLOUR,
        label="trial",
    )
    numbers, lowest = running_best(trials)
    axis.step(numbers, lowest, where="post", color=BEST_COLOUR, label="lowest so far")
    _mark_failed(axis, trials, "trial")
    _set_grid(axis)
    axis.set_xlabel("trial", fontsize=8)
    _set_error_axis(axis, completed)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlim(0.5, max(row["trial"] for row in trials) + 0.5)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


def running_best(trials: list[dict[str, Any]]) -> tuple[list[int], list[float]]:
    """The lowest error so far, from the first completed trial to the last trial of all.

    Args:
        trials: From `read_trials`, in order.

    Returns:
        Numbers of the trials, and the lowest error up to each.
    """
    numbers: list[int] = []
    lowest: list[float] = []
    for row in trials:
        errors = [*lowest[-1:], *([row["val_mae"]] if row["val_mae"] is not None else [])]
        if errors:
            numbers.append(row["trial"])
            lowest.append(min(errors))
    return numbers, lowest


def slices_figure(trials: list[dict[str, Any]]) -> "Figure":
    """The error over each searched setting, a panel each; later trials are darker.

    Args:
        trials: From `read_trials`, in order.
    """
    from matplotlib.figure import Figure

    settings = [name for name in trials[0] if name not in COLUMNS]
    num_rows = math.ceil(len(settings) / PANELS_IN_A_ROW)
    num_columns = min(len(settings), PANELS_IN_A_ROW)
    size = (WIDTH_INCH * max(num_columns, 2) / PANELS_IN_A_ROW, 2.4 * num_rows + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(num_rows, num_columns, squeeze=False, sharey=True)
    completed = _completed(trials)
    for axis, name in zip(axes.flat, settings, strict=False):
        _draw_slice(axis, trials, completed, name)
    for axis in axes.flat[len(settings) :]:
        axis.remove()
    for row in axes:
        _set_error_axis(row[0], completed)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


def _draw_slice(
    axis: "Axes", trials: list[dict[str, Any]], completed: list[dict[str, Any]], name: str
) -> None:
    from matplotlib.ticker import MaxNLocator

    if name not in LINEAR_SETTINGS:
        axis.set_xscale("log")
        _set_round_ticks(axis.xaxis)
    elif name == "num_hidden_layers":
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.scatter(
        [row[name] for row in completed],
        [row["val_mae"] for row in completed],
        c=[row["trial"] for row in completed],
        cmap="Blues",
        vmin=-0.3 * len(trials),
        vmax=len(trials),
        edgecolor=TRIAL_COLOUR,
        linewidth=0.5,
        s=24,
        label="trial (later ones darker)",
    )
    if completed:
        best = min(completed, key=lambda row: row["val_mae"])
        axis.plot(
            best[name],
            best["val_mae"],
            "*",
            markersize=13,
            color=BEST_COLOUR,
            markeredgecolor="white",
            label=f"best (trial {best['trial']})",
        )
    _mark_failed(axis, trials, name)
    if name in DOUBLED_SETTINGS:
        _set_doubled_ticks(axis, [row[name] for row in trials])
    axis.set_xlabel(name, fontsize=8)
    _set_grid(axis)


def _set_doubled_ticks(axis: "Axes", values: list[float]) -> None:
    """The values themselves, with half a step of room on both sides."""
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    ticks = sorted(set(values))
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
    axis.set_xlim(ticks[0] / math.sqrt(2), ticks[-1] * math.sqrt(2))


def _completed(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in trials if row["val_mae"] is not None]


def _mark_failed(axis: "Axes", trials: list[dict[str, Any]], name: str) -> None:
    failed = [row[name] for row in trials if row["val_mae"] is None]
    if failed:
        axis.plot(
            failed,
            [FAILED_PLACE] * len(failed),
            "x",
            color=FAILED_COLOUR,
            transform=axis.get_xaxis_transform(),
            label="failed: no error",
        )


def _set_error_axis(axis: "Axes", completed: list[dict[str, Any]]) -> None:
    """Logarithmic where the errors spread; a narrow range may hold no round number to name."""
    errors = [row["val_mae"] for row in completed]
    if errors and min(errors) > 0 and max(errors) > SPREAD_OF_LOG_AXIS * min(errors):
        axis.set_yscale("log")
        _set_round_ticks(axis.yaxis)
    if not errors:
        axis.set_yticks([])
    axis.set_ylabel("val_mae", fontsize=8)


def _set_round_ticks(axis: "Axis") -> None:
    """1, 2, 5 and their multiples by ten, on a logarithmic axis."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _set_grid(axis: "Axes") -> None:
    axis.grid(axis="y", color="0.92")
    axis.set_axisbelow(True)
    axis.tick_params(labelsize=7)
