"""Table 1 beside the paper's, and the baselines that it lacks."""

from typing import Any

from rcvae_tf.report.labels import (
    BASELINES,
    ERRORS,
    GENERATION_MODE,
    MODE_NOTES,
    MODES,
    PAPER_MODE,
    SIGNAL_LABELS,
    TOTAL,
    rule_label,
)
from rcvae_tf.report.paper_numbers import paper_rows
from rcvae_tf.report.report_table import OURS, Cell, ReportTable

COPY, NEIGHBOURS, ALL_ALIKE = "nearest_label", "k_nearest_mean", "global_mean"

Metrics = dict[str, Any]


def table_1(metrics: dict[int, Metrics]) -> ReportTable:
    """Table 1: ours, the paper's, the other modes and the baselines.

    Args:
        metrics: Contents of `metrics.json` by the number of early cycles.

    Returns:
        The MAE by number of cycles and signal, then the RMSE; also for the numbers of cycles that
        the paper alone has.
    """
    paper = {(row["early_cycles"], row["signal"]): row for row in paper_rows("table1")}
    all_cycles = sorted({*metrics, *(cycles for cycles, _ in paper)})
    rows = [
        _table_1_row(cycles, signal, error, metrics.get(cycles), paper.get((cycles, signal)))
        for error in ERRORS
        for cycles in all_cycles
        for signal in SIGNAL_LABELS
    ]
    others = [_mode_label(mode) for mode in MODES if mode != PAPER_MODE]
    return ReportTable(
        name="table_1",
        title="Table 1: errors on the test set by number of early cycles n",
        note=_note_of_table_1(metrics),
        columns=(
            "n",
            "signal",
            "error",
            OURS,
            "paper",
            "difference",
            *others,
            *BASELINES,
        ),
        rows=tuple(rows),
    )


def table_baselines(metrics: dict[int, Metrics], title: str, name: str) -> ReportTable:
    """Total MAE of the modes and of the baselines, a row for each number of early cycles.

    Args:
        metrics: Contents of `metrics.json` by the number of early cycles.
        title: Says of which runs.
        name: Of the file.
    """
    rows = []
    for cycles, measured in sorted(metrics.items()):
        modes = [_error(measured, "modes", mode, TOTAL, "mae") for mode in MODES]
        rules = [_error(measured, "baselines", rule, TOTAL, "mae") for rule in BASELINES]
        ratios = [_ratio_to(measured, rule) for rule in (COPY, NEIGHBOURS)]
        rows.append((cycles, *modes, *rules, *ratios))
    return ReportTable(
        name=name,
        title=title,
        note=" ".join(_against_baselines(n, measured) for n, measured in sorted(metrics.items())),
        columns=(
            "n",
            *(_mode_label(mode) for mode in MODES),
            *BASELINES,
            *(f"{GENERATION_MODE} / {rule}" for rule in (COPY, NEIGHBOURS)),
        ),
        rows=tuple(rows),
    )


def look_ups_text(metrics: dict[int, Metrics]) -> str:
    """What the look-ups of each run were told, in words.

    Args:
        metrics: Contents of `metrics.json` by the number of early cycles.
    """
    runs = []
    for cycles, measured in sorted(metrics.items()):
        settings = measured.get("baseline_settings", {})
        rules = [
            rule_label(rule, settings[rule]) for rule in (COPY, NEIGHBOURS) if rule in settings
        ]
        if rules:
            charges = measured["samples"]["train"]
            runs.append(f"n = {cycles}, of {charges} training charges: {', '.join(rules)}")
    return f"Look-ups, w being the weight of EOL in (14): {'; '.join(runs)}." if runs else ""


def difference(ours: float | None, paper: float | None) -> float | None:
    """Ours less the paper's; None without either."""
    return None if ours is None or paper is None else ours - paper


def times(value: float | None, reference: float | None) -> float | None:
    """How many times a reference a value is; None without either, or of 0."""
    return None if value is None or not reference else value / reference


def _table_1_row(
    cycles: int, signal: str, error: str, metrics: Metrics | None, paper: dict[str, Any] | None
) -> tuple[Cell, ...]:
    ours = _error(metrics, "modes", PAPER_MODE, signal, error)
    printed = None if paper is None else paper[error]
    others = [_error(metrics, "modes", m, signal, error) for m in MODES if m != PAPER_MODE]
    rules = [_error(metrics, "baselines", rule, signal, error) for rule in BASELINES]
    head = (cycles, SIGNAL_LABELS[signal], error.upper(), ours, printed, difference(ours, printed))
    return (*head, *others, *rules)


def _error(metrics: Metrics | None, kind: str, of: str, signal: str, error: str) -> float | None:
    """One number of `metrics.json`; None where the run or the signal is not there."""
    if metrics is None or signal not in metrics[kind][of]:
        return None
    return float(metrics[kind][of][signal][error])


def _mode_label(mode: str) -> str:
    return f"{mode} ({MODE_NOTES[mode]})"


def _ratio_to(metrics: Metrics, rule: str) -> float | None:
    """Total MAE of generation over that of a baseline."""
    ours = _error(metrics, "modes", GENERATION_MODE, TOTAL, "mae")
    return times(ours, _error(metrics, "baselines", rule, TOTAL, "mae"))


def _note_of_table_1(metrics: dict[int, Metrics]) -> str:
    if not metrics:
        return ""
    cycles = max(metrics)
    return f"{_against_baselines(cycles, metrics[cycles])} {_against_paper(metrics)}"


def _against_baselines(cycles: int, metrics: Metrics) -> str:
    """How generation stands to the baselines at one number of cycles, in words."""
    ours = metrics["modes"][GENERATION_MODE][TOTAL]["mae"]
    ratios = " and ".join(f"{_times_words(_ratio_to(metrics, r))} {r}" for r in (COPY, NEIGHBOURS))
    mean = metrics["baselines"][ALL_ALIKE][TOTAL]["mae"]
    verdict = "better than" if ours < mean else "no better than"
    return (
        f"At n = {cycles} the total MAE of generation (z = 0) is {ours:.3g}: {ratios}, "
        f"and {verdict} {ALL_ALIKE} ({mean:.3g})."
    )


def _times_words(ratio: float | None) -> str:
    return "not comparable with the exact" if ratio is None else f"{ratio:.3g} times that of"


def _against_paper(metrics: dict[int, Metrics]) -> str:
    """How the total stands to the paper's at the largest number of cycles that both have."""
    paper = {r["early_cycles"]: r["mae"] for r in paper_rows("table1") if r["signal"] == TOTAL}
    shared = [n for n in metrics if n in paper]
    if not shared:
        return "The paper has none of these numbers of cycles."
    cycles = max(shared)
    ours = metrics[cycles]["modes"][PAPER_MODE][TOTAL]["mae"]
    ratio = ours / paper[cycles]
    return (
        f"In the paper's mode ({PAPER_MODE}, the encoder sees the curve) it is {ours:.3g} at "
        f"n = {cycles}, {ratio:.3g} times the paper's {paper[cycles]:.3g}."
    )
