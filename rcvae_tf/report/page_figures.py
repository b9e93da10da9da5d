"""The figures of the page: which there are, what they show, and how each is drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep.dataset_card import FIGURES_FOLDER
from rcvae_tf.report.ablation_tables import signals_of
from rcvae_tf.report.figure_ablation import heat_map_figure
from rcvae_tf.report.figure_curves import figure_4
from rcvae_tf.report.figure_embedding import embedding_figure
from rcvae_tf.report.figure_errors import figure_5
from rcvae_tf.report.figure_frames import colour_frames_figure, grey_frames_figure
from rcvae_tf.report.labels import QUANTITIES
from rcvae_tf.report.page_sources import Material, RunResults
from rcvae_tf.report.search_figures import objective_figure, slices_figure
from rcvae_tf.test_samples import TestSamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEAT_MAPS = {
    "voltage_v": ("figure_6", "Figure 6"),
    "current_c_rate": ("figure_s3", "Figure S3"),
    "temperature_degc": ("figure_s4", "Figure S4"),
    "charge_capacity_ah": ("figure_s5", "Figure S5"),
}
OF_DATA = {
    "capacity_fade": ("Figure 2a", "discharge capacity of every cell over its cycles"),
    "charges": ("Figures 2b, 2c", "voltage and temperature of one cell in its charges"),
    "cycles": ("Beside Figure 2", "kept and rejected cycles of every cell"),
}
# The paper shows the embedding of 100 cycles in its supplement.
SUPPLEMENT_CYCLES = 100


@dataclass(frozen=True)
class PlannedFigure:
    """A figure before it is drawn.

    Args:
        name: Of its file, without the suffix.
        label: "Figure 4, n = 20".
        caption: What it shows.
        alternative: The same for who cannot see it.
        draw: Makes it; a path is a picture that lies there already.
    """

    name: str
    label: str
    caption: str
    alternative: str
    draw: "Callable[[], Figure] | Path"


def data_figures(material: Material) -> list[PlannedFigure]:
    """Fig. 2: the measured data of the largest number of early cycles."""
    if not material.folders:
        return []
    cycles = max(material.folders)
    folder = material.folders[cycles] / FIGURES_FOLDER
    return [
        PlannedFigure(
            f"figure_2_{name}",
            f"{label}, n = {cycles}",
            f"Measured data: {what}.",
            f"Measured data: {what}.",
            folder / f"{name}.png",
        )
        for name, (label, what) in OF_DATA.items()
        if (folder / f"{name}.png").is_file()
    ]


def error_figures(material: Material) -> list[PlannedFigure]:
    """Fig. 4 of each number of early cycles and preset, and Fig. 5."""
    figures = []
    for preset, runs in (("paper", material.runs), ("default", material.default_runs)):
        for cycles, samples in _samples(runs).items():
            label = f"Figure 4, preset {preset}, n = {cycles}"
            figures.append(
                PlannedFigure(
                    f"figure_4_{preset}_n{cycles:03d}",
                    label,
                    "Four signals of the test charge with the median error, generated from its "
                    "condition alone (z = 0) over measured, with the R² of each; beside them "
                    "frames of charges from the smallest to the largest error.",
                    f"Curves of voltage, current, temperature and charge capacity, generated and "
                    f"measured, and eight pairs of frames; preset {preset}, {cycles} early cycles.",
                    partial(figure_4, samples, label),
                )
            )
    if all_samples := _samples(material.runs):
        figures.append(
            PlannedFigure(
                "figure_5",
                "Figure 5, preset paper",
                "Errors of each test charge by number of early cycles: the paper's mode, in which "
                "the encoder sees the curve, and generation at z = 0.",
                "Box plots of MAE and RMSE of each signal and in total, by number of early cycles.",
                partial(figure_5, all_samples),
            )
        )
    return figures


def frame_figures(material: Material) -> list[PlannedFigure]:
    """Figs. S1 and S2 of each number of early cycles."""
    kinds = (
        ("figure_s1", "Figure S1", grey_frames_figure, "Charge capacity as grey frames"),
        (
            "figure_s2",
            "Figure S2",
            colour_frames_figure,
            "Voltage, current, temperature as colours",
        ),
    )
    return [
        PlannedFigure(
            f"{name}_n{cycles:03d}",
            f"{label}, n = {cycles}",
            f"{what}: test charges, generated at z = 0 above measured.",
            f"{what}: rows of small square pictures in pairs, {cycles} early cycles.",
            partial(draw, samples, f"{label}, n = {cycles}"),
        )
        for name, label, draw, what in kinds
        for cycles, samples in _samples(material.runs).items()
    ]


def ablation_figures(material: Material) -> list[PlannedFigure]:
    """Figs. 6, S3, S4 and S5: a heat map for each signal."""
    figures = []
    for signal in signals_of(material.ablation):
        name, label = HEAT_MAPS[signal]
        what = f"Errors of the {QUANTITIES[signal]} with one layer or part detached"
        figures.append(
            PlannedFigure(
                name,
                label,
                f"{what}, by number of early cycles; each cell is a model trained again.",
                f"Two heat maps, MAE and RMSE. {what}.",
                partial(heat_map_figure, material.ablation, signal),
            )
        )
    return figures


def embedding_figures(material: Material, seed: int) -> list[PlannedFigure]:
    """Figs. 7 and S6: the map of the embedding, for each number of early cycles."""
    figures = []
    for cycles, run in material.runs.items():
        if run.embedding is None:
            continue
        label = "Figure S6" if cycles == SUPPLEMENT_CYCLES else "Figure 7"
        figures.append(
            PlannedFigure(
                f"{label.lower().replace(' ', '_')}_n{cycles:03d}",
                f"{label}, n = {cycles}",
                "t-SNE of the embedding matrix, a point for each condition; clusters by k-means, "
                "each with its mean EOL, mean ECL and the weighted value of (14) from (0, 0). The "
                "paper names its clustering KNN and describes k-means.",
                f"Coloured points in clusters with three numbers each; {cycles} early cycles.",
                partial(embedding_figure, run.embedding, f"{label}, n = {cycles}", seed),
            )
        )
    return figures


def search_figures(material: Material) -> list[PlannedFigure]:
    """How the search went."""
    if not material.trials:
        return []
    return [
        PlannedFigure(
            "search_objective",
            "Search, objective",
            "Validation MAE (total) of each trial, and the lowest so far.",
            "Validation MAE over the number of the trial.",
            partial(objective_figure, material.trials),
        ),
        PlannedFigure(
            "search_slices",
            "Search, slices",
            "Validation MAE over each setting that was searched.",
            "Scatter plots, one for each setting: validation MAE over its value.",
            partial(slices_figure, material.trials),
        ),
    ]


def _samples(runs: dict[int, RunResults]) -> dict[int, TestSamples]:
    return {cycles: run.samples for cycles, run in runs.items() if run.samples is not None}
