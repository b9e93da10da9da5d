"""Rows over folds and seeds, the goals that they are judged by, and both as Markdown."""

from collections.abc import Iterable
from typing import Any

import numpy as np

BLIND, TOLD = "default (EOL, ECL)", "default (EOL, ECL, policy)"
TREES = "extra_trees (EOL, ECL, policy)"
KINDS = ("mae", "crps", "coverage_90", "width_90", "broken")
HEADS = {
    "voltage_v": "V",
    "current_c_rate": "I, C",
    "temperature_degc": "T, degC",
    "charge_capacity_ah": "Qc, Ah",
    "elapsed_time_s": "time, s",
    "total": "total",
}
NOT_IN_TOTAL = ("elapsed_time_s", "total")

Row = dict[str, Any]


def pooled(records: Iterable[Row]) -> list[Row]:
    """Rows of a table: folds weighted by their samples, then mean and spread over the seeds.

    Args:
        records: Each with `row`, `seed` (None where chance has no part), `samples`, and numbers by
            kind and signal; those of one row and seed are its folds.
    """
    by_row: dict[str, dict[int | None, list[Row]]] = {}
    for record in records:
        by_row.setdefault(record["row"], {}).setdefault(record["seed"], []).append(record)
    return [_row(name, by_seed) for name, by_seed in by_row.items()]


def goals(parts: dict[str, Row]) -> list[Row]:
    """Each goal with what was measured, its limits, and whether it is met; None is not measured.

    Args:
        parts: By name; those that were not measured are absent.
    """
    rows = {name: {row["row"]: row for row in part["rows"]} for name, part in parts.items()}
    return [
        *_sample_goals(rows),
        *_cell_goals(rows),
        *_physics_goals(rows),
        *_simulated_goals(rows),
    ]


def goals_table(judged: list[Row]) -> str:
    """The goals as a Markdown table."""
    words = {True: "met", False: "NOT met", None: "not measured"}
    lines = [
        [
            goal["goal"],
            "" if goal["measured"] is None else f"{goal['measured']:.4g}",
            _limit(goal),
            words[goal["met"]],
        ]
        for goal in judged
    ]
    return _table(["goal", "measured", "limit", ""], lines)


def part_tables(name: str, parts: dict[str, Row]) -> list[str]:
    """The rows of a part as Markdown: errors, draws, broken rules, as far as it has them."""
    rows = parts.get(name, {}).get("rows", [])
    if name in parts and not rows:
        return [f"{name}: not measured, the package is not installed."]
    having = {kind: [row for row in rows if kind in row["mean"]] for kind in KINDS}
    tables = []
    if having["mae"]:
        signals = [signal for signal in HEADS if signal in having["mae"][0]["mean"]["mae"]]
        heads = [f"{name}: MAE", *(HEADS[signal] for signal in signals)]
        lines = [[row["row"], *(_number(row, "mae", s) for s in signals)] for row in having["mae"]]
        tables.append(_table(heads, lines))
    if having["crps"]:
        signals = [signal for signal in HEADS if signal in having["crps"][0]["mean"]["coverage_90"]]
        heads = [f"{name}: draws", "CRPS, total", *(f"{_word(s)} inside 90 %" for s in signals)]
        lines = [
            [
                row["row"],
                _number(row, "crps", "total"),
                *(_number(row, "coverage_90", s) for s in signals),
            ]
            for row in having["crps"]
        ]
        tables.append(_table(heads, lines))
    if having["broken"]:
        broken = list(having["broken"][0]["mean"]["broken"])
        heads = ["share that breaks", *(rule.replace("_", " ") for rule in broken)]
        lines = [
            [row["row"], *(f"{row['mean']['broken'][rule]:.4%}" for rule in broken)]
            for row in having["broken"]
        ]
        tables.append(_table(heads, lines))
    return tables


def _row(name: str, by_seed: dict[int | None, list[Row]]) -> Row:
    seeds = [_over_folds(folds) for folds in by_seed.values()]
    statistics: dict[str, Row] = {"mean": {}, "spread": {}}
    for kind, signals in seeds[0].items():
        values = {signal: [seed[kind][signal] for seed in seeds] for signal in signals}
        statistics["mean"][kind] = {s: float(np.mean(v)) for s, v in values.items()}
        if len(seeds) > 1:
            statistics["spread"][kind] = {s: float(np.std(v, ddof=1)) for s, v in values.items()}
    samples = sum(record["samples"] for record in next(iter(by_seed.values())))
    return {"row": name, "seeds": list(by_seed), "samples": samples, **statistics}


def _over_folds(folds: list[Row]) -> dict[str, dict[str, float]]:
    weights = [fold["samples"] for fold in folds]
    return {
        kind: {
            signal: float(np.average([fold[kind][signal] for fold in folds], weights=weights))
            for signal in folds[0][kind]
        }
        for kind in KINDS
        if kind in folds[0]
    }


def _sample_goals(rows: dict[str, dict[str, Row]]) -> list[Row]:
    part = rows.get("attia-sample", {})
    paper = rows.get("paper", {}).get("paper")
    blind, told, nearest = part.get(BLIND), part.get(TOLD), part.get("k_nearest_mean")
    others = [part.get(TREES), part.get("cell_interpolation")]
    totals = [row["mean"]["mae"]["total"] for row in others if row]
    return [
        _goal("attia-sample, (EOL, ECL): total over k_nearest_mean", _ratio(blind, nearest), 0.9),
        _goal("the same, signal with the highest ratio", _worst_ratio(blind, nearest), 1.0),
        _goal("the same, total over preset paper", _ratio(blind, paper), 0.2),
        _goal(
            "attia-sample, with policy: total over extra_trees or cell_interpolation, the better",
            told["mean"]["mae"]["total"] / min(totals) if told and len(totals) == 2 else None,
            0.95,
        ),
    ]


def _cell_goals(rows: dict[str, dict[str, Row]]) -> list[Row]:
    part = rows.get("attia-cell", {})
    blind, told = part.get(BLIND), part.get(TOLD)
    spread = _ratio(told, part.get("policy_sampler"), "crps")
    return [
        _goal(
            "attia-cell, with policy: total over policy_mean",
            _ratio(told, part.get("policy_mean")),
            0.95,
        ),
        _goal("the same, CRPS over policy_sampler", spread, 0.9),
        *_coverage_goals("attia-cell, with policy", told),
        _goal(
            "attia-cell, (EOL, ECL): total over ecl_mean", _ratio(blind, part.get("ecl_mean")), 1.0
        ),
        *_coverage_goals("attia-cell, (EOL, ECL)", blind),
    ]


def _coverage_goals(name: str, row: Row | None) -> list[Row]:
    if row is None:
        return [_goal(f"{name}: points inside 90 % intervals", None, 0.95, 0.85)]
    return [
        _goal(f"{name}: {_word(signal)} inside 90 % intervals", share, 0.95, 0.85)
        for signal, share in row["mean"]["coverage_90"].items()
    ]


def _physics_goals(rows: dict[str, dict[str, Row]]) -> list[Row]:
    part = rows.get("physics", {})
    return [
        _goal(
            f"physics, {name}, {row}: share of draws that breaks a rule",
            part[f"{name}, {row}"]["mean"]["broken"]["any"] if f"{name}, {row}" in part else None,
            0.0,
        )
        for name in ("attia-sample", "attia-cell")
        for row in (BLIND, TOLD)
    ]


def _simulated_goals(rows: dict[str, dict[str, Row]]) -> list[Row]:
    found = []
    for name, limit in (
        ("simulated-sample", 0.9),
        ("simulated-cell", 0.8),
        ("simulated-folds", 0.8),
    ):
        part = rows.get(name, {})
        ratio = _ratio(part.get(TOLD), part.get(TREES))
        found.append(_goal(f"{name}, with policy: total over extra_trees", ratio, limit))
    return found


def _goal(name: str, measured: float | None, highest: float, lowest: float | None = None) -> Row:
    met = None
    if measured is not None:
        met = measured <= highest and (lowest is None or measured >= lowest)
    return {"goal": name, "measured": measured, "highest": highest, "lowest": lowest, "met": met}


def _ratio(row: Row | None, reference: Row | None, kind: str = "mae") -> float | None:
    if row is None or reference is None:
        return None
    return row["mean"][kind]["total"] / reference["mean"][kind]["total"]


def _worst_ratio(row: Row | None, reference: Row | None) -> float | None:
    if row is None or reference is None:
        return None
    ours, theirs = row["mean"]["mae"], reference["mean"]["mae"]
    return max(ours[signal] / theirs[signal] for signal in ours if signal not in NOT_IN_TOTAL)


def _limit(goal: Row) -> str:
    if goal["lowest"] is None:
        return f"<= {goal['highest']:g}"
    return f"{goal['lowest']:g} to {goal['highest']:g}"


def _word(signal: str) -> str:
    return HEADS[signal].split(",")[0]


def _number(row: Row, kind: str, signal: str) -> str:
    value = row["mean"][kind].get(signal)
    if value is None:
        return ""
    digits = 1 if signal == "elapsed_time_s" and kind != "coverage_90" else 4
    digits = 3 if kind == "coverage_90" else digits
    spread = row["spread"].get(kind, {}).get(signal)
    return f"{value:.{digits}f}" + ("" if spread is None else f" +- {spread:.{digits}f}")


def _table(heads: list[str], lines: list[list[str]]) -> str:
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
