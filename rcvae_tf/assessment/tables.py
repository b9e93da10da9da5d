"""The tables of the page of an assessment."""

from typing import Any

from rcvae_tf.assessment.layout import COPY, GENERATED, REAL, SET_LABELS, SETS, SOURCE_LABELS
from rcvae_tf.assessment.regressors import REGRESSOR_LABELS
from rcvae_tf.assessment.summary import summary_rows
from rcvae_tf.report.labels import SIGNAL_LABELS
from rcvae_tf.report.report_table import Cell, ReportTable
from rcvae_tf.report.tables import rule_labels

SIGNALS = {**SIGNAL_LABELS, "elapsed_time_s": "t (s)"}
ADDED_LABELS = {
    "none": "nothing",
    GENERATED: "generated charges",
    COPY: "nearest-label copies",
    REAL: "more real charges",
}
OF_SETS = tuple(SET_LABELS[name] for name in SETS)


def summary_table(scores: dict[str, Any]) -> ReportTable:
    """Every measure in a row."""
    rows = [(what, *cells, perfect) for what, cells, perfect in summary_rows(scores)]
    return _table("summary", "Every measure", ("measure", *OF_SETS, "perfect data"), rows)


def transfer_table(name: str, found: dict[str, Any]) -> ReportTable:
    """R2 and MAE on unseen cells by what was learned from."""
    rows: list[tuple[Cell, ...]] = []
    for kind, by_source in found["scores"].items():
        for source, label in SOURCE_LABELS.items():
            score = by_source[source]
            of_best = found["share_of_real"][source] if kind == found["regressor"] else None
            spread = (score["r2_spread"], score["mae"], score["mae_spread"])
            rows.append((REGRESSOR_LABELS[kind], label, score["r2"], *spread, of_best))
    rows.append(("no input", "mean of the real ones", None, None, found["guess_mae"], None, None))
    columns = ("regressor", "learned from", "R2", "± R2", "MAE", "± MAE", "share of the real R2")
    return _table(f"{name}_transfer", "Tested on real charges of unseen cells", columns, rows)


def augmentation_table(name: str, found: dict[str, Any]) -> ReportTable:
    """MAE by the number of real cells and by what was added."""
    curves, counts = found["augmentation"]["curves"], found["augmentation"]["cells"]
    rows: list[tuple[Cell, ...]] = []
    for added, label in ADDED_LABELS.items():
        for count, score in zip(counts, curves[added], strict=True):
            better = None if added == "none" else score["share_better"]
            rows.append((label, str(count), score["mae"], score["mae_spread"], better))
    columns = ("added", "real cells", "MAE", "± MAE", "share of choices improved")
    return _table(
        f"{name}_augmentation", "Charges added to those of a few real cells", columns, rows
    )


def adherence_table(found: dict[str, Any]) -> ReportTable:
    """Errors of reading EOL and ECL, in cycles."""
    rows = [
        (f"{name.upper()}, MAE in cycles", *(part["mae"][key] for key in SETS), part["guess"])
        for name, part in found.items()
    ]
    columns = ("read from the charge", *OF_SETS, "mean, read nothing")
    return _table("adherence", "EOL and ECL as read from charges", columns, rows)


def discrimination_table(found: dict[str, Any]) -> ReportTable:
    """Accuracies of telling a set from real charges."""
    rows = [
        (label, *(found[name][view]["accuracy"] for name in SETS), found[REAL][view]["chance"])
        for view, label in (("points", "points"), ("bends", "second differences"))
    ]
    columns = ("told by", *OF_SETS, "chance, one standard deviation")
    return _table("discrimination", "Accuracy of telling a set from real charges", columns, rows)


def mmd_table(found: dict[str, Any]) -> ReportTable:
    """Squared MMD beside chance."""
    parts = {
        "mmd2": "MMD squared",
        "chance_mean": "by chance, mean",
        "chance_95": "by chance, exceeded by 5 %",
        "p_value": "p-value",
    }
    return _by_set("mmd", "Squared MMD from real charges", found, parts)


def neighbours_table(found: dict[str, Any]) -> ReportTable:
    """Precision, recall, density, coverage."""
    parts = {name: name for name in ("precision", "recall", "density", "coverage")}
    table = _by_set("neighbours", f"k nearest neighbours, k = {found[REAL]['k']}", found, parts)
    note = f"Coverage expected of perfect data: {found['expected_coverage']:.3f}."
    return ReportTable(table.name, table.title, note, table.columns, table.rows)


def intervals_table(found: dict[str, Any]) -> ReportTable:
    """Interval coverage and CRPS by signal."""
    rows: list[tuple[Cell, ...]] = [
        ("draws a charge", "", *(float(found[name]["draws"]) for name in SETS))
    ]
    labels = {
        "coverage_90": "share inside the 90 % interval",
        "width_90": "width of that interval",
        "crps": "CRPS",
    }
    for part, label in labels.items():
        for signal in found[REAL][part]:
            values = (found[name][part][signal] for name in SETS)
            rows.append((label, SIGNALS[signal], *values))
    return _table("intervals", "Draws beside what was measured", ("", "signal", *OF_SETS), rows)


def spread_table(found: dict[str, Any]) -> ReportTable:
    """Spread ratios by signal."""
    rows = [(SIGNALS[s], *(found[name][s] for name in SETS)) for s in found[REAL]]
    return _table("spread", "Spread within bins over that of real", ("signal", *OF_SETS), rows)


def memorisation_table(found: dict[str, Any]) -> ReportTable:
    """Distances to training charges, and the attack."""
    parts = {
        "distance": "distance to the nearest training charge, median",
        "distance_ratio": "over that of held-out real charges",
        "near_share": "nearer than the nearest 5 % of held-out real charges",
        "neighbour_ratio": "nearest / second nearest, median",
        "neighbour_ratio_held_out": "the same of held-out real charges",
        "membership_auc": "membership AUC",
    }
    return _by_set("memorisation", "Training charges given back", found, parts)


def physics_table(found: dict[str, Any]) -> ReportTable:
    """Shares of charges that break a rule."""
    return _by_set(
        "physics", "Share of charges that break a rule", found, rule_labels(found["limits"])
    )


def _by_set(name: str, title: str, found: dict[str, Any], parts: dict[str, str]) -> ReportTable:
    rows = [(label, *(found[key][part] for key in SETS)) for part, label in parts.items()]
    return _table(name, title, ("", *OF_SETS), rows)


def _table(name: str, title: str, columns: tuple[str, ...], rows: list[Any]) -> ReportTable:
    return ReportTable(name, title, "", columns, tuple(rows))
