"""The assessment in one table: a row for each measure, beside what perfect data score."""

from typing import Any

import numpy as np

from rcvae_tf.assessment.layout import REAL, SETS
from rcvae_tf.report.report_table import Cell

FEW_CELLS = 3

SummaryRow = tuple[str, list[Cell], str]  # what, a cell for each of `SETS`, what perfect data score


def summary_rows(scores: dict[str, Any]) -> list[SummaryRow]:
    """The rows; a cell is None where nothing could be told."""
    measures = scores["measures"]
    return [
        *_usefulness_rows("SOH", measures["soh"]),
        *_usefulness_rows("EOL", measures["eol"]),
        *_adherence_rows(measures["adherence"]),
        *_likeness_rows(measures),
        *_memory_rows(measures),
    ]


def verdicts(scores: dict[str, Any]) -> list[str]:
    """Sentences on what a row cannot say."""
    facts, measures = scores["facts"], scores["measures"]
    if facts["holds_cells_out"]:
        lines = [
            "Cell split: the generator has seen no charge of the cells that are tested. Charges of "
            "its training differ from those held out by the cell already, so the membership AUC "
            "is above 0.5 without any memory."
        ]
    else:
        lines = [
            "Sample split: the generator has seen other charges of the cells that are tested. "
            "Regressors have not: they hold out whole cells (five folds, three times)."
        ]
    for name in ("soh", "eol"):
        lines += _untold(name.upper(), measures[name])
    return lines


def added_ratio(usefulness: dict[str, Any], added: str, cells: int = FEW_CELLS) -> float | None:
    """MAE with charges added to some real cells, over the least that there is without.

    That is the MAE of these cells alone, or of no input at all: a regressor that a few cells lead
    astray must not make the gain look large. None where not measured.
    """
    if "augmentation" not in usefulness or cells not in usefulness["augmentation"]["cells"]:
        return None
    curves = usefulness["augmentation"]["curves"]
    place = usefulness["augmentation"]["cells"].index(cells)
    without = min(curves["none"][place]["mae"], usefulness["guess_mae"])
    return float(curves[added][place]["mae"] / without) if without else None


def _usefulness_rows(target: str, found: dict[str, Any]) -> list[SummaryRow]:
    shares = found.get("share_of_real", {})
    return [
        (f"{target}: share of the real R2", [shares.get(name) for name in SETS], "1"),
        (
            f"{target}: MAE, {FEW_CELLS} cells and these / not",
            [added_ratio(found, name) for name in SETS],
            "below 1",
        ),
    ]


def _untold(target: str, found: dict[str, Any]) -> list[str]:
    if "not_assessed" in found:
        return [f"{target}: not assessed: {found['not_assessed']}."]
    real = found["scores"][found["regressor"]]["reference"]["r2"]
    if found["share_of_real"]["reference"] is None:
        return [
            f"{target}: no share of the real R2, for real charges themselves teach next to "
            f"nothing of unseen cells (R2 {real:.2f})."
        ]
    return []


def _adherence_rows(found: dict[str, Any]) -> list[SummaryRow]:
    rows: list[SummaryRow] = []
    for name, part in found.items():
        real = part["mae"][REAL]
        cells: list[Cell] = [part["mae"][key] / real if real else None for key in SETS]
        rows.append((f"{name.upper()} as read / of real charges", cells, "1"))
    return rows


def _likeness_rows(measures: dict[str, Any]) -> list[SummaryRow]:
    told, near = measures["discrimination"], measures["neighbours"]
    covered, spread = measures["intervals"], measures["spread"]
    expected = f"{near['expected_coverage']:.2f}"
    return [
        ("told from real, by points", [told[n]["points"]["accuracy"] for n in SETS], "0.5"),
        ("told from real, by noise", [told[n]["bends"]["accuracy"] for n in SETS], "0.5"),
        ("MMD: p-value", [measures["mmd"][n]["p_value"] for n in SETS], "0 to 1"),
        ("precision", [near[n]["precision"] for n in SETS], "as real"),
        ("recall", [near[n]["recall"] for n in SETS], "as real"),
        ("density", [near[n]["density"] for n in SETS], "1"),
        ("coverage", [near[n]["coverage"] for n in SETS], expected),
        ("inside the 90 % interval", [_mean(covered[n]["coverage_90"]) for n in SETS], "0.9"),
        ("CRPS, total", [covered[n]["crps"]["total"] for n in SETS], "low"),
        ("spread / measured", [_mean(spread[n]) for n in SETS], "1"),
    ]


def _memory_rows(measures: dict[str, Any]) -> list[SummaryRow]:
    memory, physics = measures["memorisation"], measures["physics"]
    return [
        ("distance to training / real", [memory[n]["distance_ratio"] for n in SETS], "1"),
        ("nearer than the nearest 5 %", [memory[n]["near_share"] for n in SETS], "0.05"),
        ("membership AUC", [memory[n]["membership_auc"] for n in SETS], "0.5"),
        ("breaks a rule of physics", [physics[n]["any"] for n in SETS], "0"),
    ]


def _mean(by_signal: dict[str, float | None]) -> float | None:
    values = [value for value in by_signal.values() if value is not None]
    return float(np.mean(values)) if values else None
