"""What the page of an assessment shows: each measure with its definition."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rcvae_tf.assessment import tables
from rcvae_tf.assessment.adherence import adherence
from rcvae_tf.assessment.discrepancy import mmd
from rcvae_tf.assessment.discrimination import discriminative_score
from rcvae_tf.assessment.ensembles import ensemble_scores
from rcvae_tf.assessment.figures import augmentation_figure
from rcvae_tf.assessment.memorisation import membership_auc, memorisation
from rcvae_tf.assessment.neighbours import neighbour_scores
from rcvae_tf.assessment.spread import spread_ratios
from rcvae_tf.assessment.usefulness import augmentation, transfer
from rcvae_tf.evaluation.physics import violations
from rcvae_tf.report.report_table import ReportTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        anchor: Where the table of contents leads.
        title: Heading.
        texts: Paragraphs.
        tables: Of scores.
        figure: Drawn already; None where there is none.
        alternative: What the figure shows, for who cannot see it.
    """

    anchor: str
    title: str
    texts: list[str]
    tables: list[ReportTable] = field(default_factory=list)
    figure: "Figure | None" = None
    alternative: str = ""


def sections_of(scores: dict[str, Any]) -> list[Section]:
    """Everything below the summary, in order."""
    measures = scores["measures"]
    return [
        Section("summary", "Summary", _HOW_TO_READ, [tables.summary_table(scores)]),
        _usefulness("soh", "Usefulness: state of health", _soh_texts(measures["soh"]), measures),
        _usefulness("eol", "Usefulness: end of life", _EOL_TEXTS, measures),
        _measure("adherence", "Adherence to the condition", measures, adherence),
        _measure("discrimination", "Discriminative score", measures, discriminative_score),
        _measure("mmd", "Maximum mean discrepancy", measures, mmd),
        _measure("neighbours", "Precision, recall, density, coverage", measures, neighbour_scores),
        _measure("intervals", "Intervals and CRPS", measures, ensemble_scores),
        _measure("spread", "Spread", measures, spread_ratios),
        _measure("memorisation", "Memorisation", measures, memorisation, membership_auc),
        _measure("physics", "Physics", measures, violations),
    ]


_HOW_TO_READ = [
    "Real charges of the test split are dealt into two halves, by pairs of the same cell and "
    "neighbouring age, by a coin. The first half is the reference. Three sets of the same size are "
    "compared with it: what was generated for the conditions of the second half, a copy of the "
    "training charge of the nearest label for each of these, and the second half itself. That "
    "last column is what perfect data score here; what theory says of them is beside it. A copy is "
    "real, so it looks perfect in all that asks for likeness alone; memorisation tells it.",
]
_EOL_TEXTS = [
    "From one charge, the means of 16 parts of every signal and the duration, a regressor tells "
    "how many cycles the cell will live. No number of a charge is the answer.",
]


def _soh_texts(found: dict[str, Any]) -> list[str]:
    if "not_assessed" in found:
        return [f"Not assessed: {found['not_assessed']}."]
    return [
        "SOH of a charge is its throughput over the nominal capacity. Inputs are means of voltage, "
        "current (and temperature) over 16 equal stretches of the first "
        f"{found['window_s']:.0f} s, which is 60 % of the shortest real charge: what a battery "
        "management system sees while the charge still runs. Charge capacity, duration and all "
        "later points are left out, for they are the answer or its last part. At the end of the "
        f"window {found['share_within']:.0%} of the charge has been put in (median); a straight "
        "line through that number alone, which the currents hold, has R2 "
        f"{found['integral_r2']:.2f} on the cells that it was drawn through.",
    ]


def _usefulness(name: str, title: str, texts: list[str], measures: dict[str, Any]) -> Section:
    found = measures[name]
    if "not_assessed" in found:
        return Section(name, title, texts)
    unit = "SOH" if name == "soh" else "EOL / cycles"
    return Section(
        name,
        title,
        [*texts, *definition(transfer), *definition(augmentation)],
        [tables.transfer_table(name, found), tables.augmentation_table(name, found)],
        augmentation_figure(found, f"MAE of {unit}, unseen cells"),
        f"MAE of {unit} over the number of real cells, by what was added; in the table above.",
    )


def _measure(
    name: str, title: str, measures: dict[str, Any], *functions: Callable[..., Any]
) -> Section:
    make = getattr(tables, f"{name}_table")
    texts = [text for function in functions for text in definition(function)]
    return Section(name, title, texts, [make(measures[name])])


def definition(function: Callable[..., Any]) -> list[str]:
    """What the docstring of a measure says before its arguments, paragraph by paragraph."""
    text = (inspect.getdoc(function) or "").replace("`", "")
    for part in ("Args:", "Returns:", "Raises:"):
        text = text.split(f"\n{part}")[0]
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
