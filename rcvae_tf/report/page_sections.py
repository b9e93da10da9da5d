"""The sections of the page: which tables and figures, in which order, under which words."""

from dataclasses import dataclass, field, replace
from typing import Any

from rcvae_tf.report import page_facts, page_figures
from rcvae_tf.report.page_ablation import ablation_tables
from rcvae_tf.report.page_figures import PlannedFigure
from rcvae_tf.report.page_sources import Material, RunResults
from rcvae_tf.report.paper_tables import look_ups_text, table_1, table_baselines
from rcvae_tf.report.report_table import ReportTable

# Of t-SNE and k-means: the picture of an embedding, not the embedding.
MAP_SEED = 0

TEXTS = {
    "errors": (
        "Ours is the paper's way to test, mode reconstruct: the encoder sees the curve that it is "
        "to give. Modes mean (z = 0) and prior (z drawn) generate from the condition alone. A "
        "difference is ours less the paper's: below zero is better. Total is the mean over V, I, "
        "T and three planes of Qc, whatever their units. The last four columns are look-ups of "
        "the training data, no model: the mean of all, that of the nearest age (ECL), the sample "
        "of the nearest condition, and the mean of the k nearest. They get what the model beside "
        "them was trained on (preset paper: the validation split too, preset default: not), and "
        "nearest_label its weight of EOL in (14); the weight that the search found for preset "
        "paper replaces the 0.9 of assumption 0006. So the same look-up differs between "
        "the presets. A dash: no such number."
    ),
    "frames": "Charges as the network sees them, each generated frame above the measured one.",
    "ablation": (
        "Every row is a model that was trained again: without one layer of its encoder or decoder, "
        "whole (None), or without the embedding. Beyond the paper: latent, where the decoder gets "
        "z = 0, and labels, trained on shuffled labels. Ours is mode reconstruct. Column z = 0 is "
        "the same model generating from the condition alone; the row latent is a model trained "
        "without z. A dash: not run, or not in the paper."
    ),
    "embedding": "What the embedding has learned of the conditions (EOL, ECL).",
    "search": (
        "Bayesian optimisation of the validation MAE over the settings that the paper leaves open."
    ),
    "data": "What was measured, and what cleaning did to it.",
    "assumptions": (
        "Where the paper is silent, ambiguous or contradicts itself. Each has a page in "
        "docs/decisions."
    ),
    "how": "All that is needed to make this page again.",
}


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        anchor: Where the table of contents leads.
        title: Heading.
        tables: Of results, with fixed decimals; written as CSV too.
        facts: Other tables.
        figures: As planned; drawn while the page is written.
    """

    anchor: str
    title: str
    tables: list[ReportTable] = field(default_factory=list)
    facts: list[ReportTable] = field(default_factory=list)
    figures: list[PlannedFigure] = field(default_factory=list)

    @property
    def text(self) -> str:
        """How to read it."""
        return TEXTS[self.anchor]


def sections_of(material: Material) -> list[Section]:
    """Everything that the page shows, in order."""
    record = material.record
    return [
        Section(
            "errors",
            "Errors",
            tables=_error_tables(material),
            figures=page_figures.error_figures(material),
        ),
        Section("frames", "Frames", figures=page_figures.frame_figures(material)),
        Section(
            "ablation",
            "Ablation",
            tables=ablation_tables(material),
            figures=page_figures.ablation_figures(material),
        ),
        Section(
            "embedding", "Embedding", figures=page_figures.embedding_figures(material, MAP_SEED)
        ),
        Section(
            "search",
            "Search",
            facts=[page_facts.best_table(material), page_facts.trials_table(material.trials)],
            figures=page_figures.search_figures(material),
        ),
        Section(
            "data",
            "Data",
            facts=[
                page_facts.cleaning_table(material.cards),
                page_facts.sources_table(material.cards),
            ],
            figures=page_figures.data_figures(material),
        ),
        Section("assumptions", "Assumptions", facts=[page_facts.assumptions_table()]),
        Section(
            "how",
            "Settings, seeds, versions, times",
            facts=[
                page_facts.settings_table(record),
                page_facts.seeds_table(material),
                page_facts.versions_table(record),
                page_facts.times_table(record),
            ],
        ),
    ]


def _error_tables(material: Material) -> list[ReportTable]:
    paper, default = _metrics(material.runs), _metrics(material.default_runs)
    title = "total MAE on the test set beside the baselines"
    first = table_1(paper)
    # Their sentences, one for each n, repeat the numbers; the summary has that of the largest n.
    return [
        replace(first, note=f"{first.note} {look_ups_text(paper)}".strip()),
        replace(
            table_baselines(paper, f"Preset paper: {title}", "baselines_paper"),
            note=look_ups_text(paper),
        ),
        replace(
            table_baselines(default, f"Preset default: {title}", "baselines_default"),
            note=look_ups_text(default),
        ),
    ]


def _metrics(runs: dict[int, RunResults]) -> dict[int, dict[str, Any]]:
    return {cycles: run.metrics for cycles, run in runs.items()}
