"""What the commands left, read for the page; what is not there is noted, not refused."""

from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_prep.dataset_card import CARD_NAME, DatasetCard, read_card
from data_prep.errors import SettingsError
from rcvae_tf.embedding_matrix import EmbeddingMatrix, load_embedding_matrix
from rcvae_tf.presets import read_stored
from rcvae_tf.report.ablation_tables import read_ablation
from rcvae_tf.report.figure_embedding import can_be_mapped
from rcvae_tf.report.labels import BASELINES, ERRORS, MODES, TOTAL
from rcvae_tf.report.search_figures import read_trials
from rcvae_tf.run_directory import RunDirectory, read_json
from rcvae_tf.test_samples import TestSamples, load_test_samples

Row = dict[str, Any]

ANEW = "Make it anew with the command that writes it."


@dataclass(frozen=True)
class Sources:
    """Folders that the commands filled; those of one kind in any order.

    Args:
        runs: Of preset `paper`, one for each number of early cycles.
        default_runs: Of preset `default`, likewise.
        ablations: One for each number of early cycles.
        data: Data sets, likewise.
        search: Of the tuning.
        record: `reproduce.json`.
    """

    runs: tuple[Path, ...] = ()
    default_runs: tuple[Path, ...] = ()
    ablations: tuple[Path, ...] = ()
    data: tuple[Path, ...] = ()
    search: Path | None = None
    record: Path | None = None


@dataclass(frozen=True)
class RunResults:
    """What a run left: its `metrics.json`, its `config.json`, its samples and its embedding."""

    metrics: dict[str, Any]
    config: dict[str, Any]
    samples: TestSamples | None
    embedding: EmbeddingMatrix | None


@dataclass(frozen=True)
class Absent:
    """What was looked for in vain.

    Args:
        path: As it was given.
        reason: Why what is there is of no use; empty where nothing is there.
    """

    path: Path
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.path}{self.reason}"

    @property
    def short(self) -> str:
        """For a page that others read: no place on anybody's disk."""
        return f"{Path(*self.path.parts[-3:])}{self.reason}"


@dataclass
class Material:
    """All that a page shows; by number of early cycles, ascending.

    Args:
        runs: Of preset `paper`.
        default_runs: Of preset `default`.
        ablation: Rows of all `ablation.csv`.
        generated: Rows of all `ablation_generated.csv`.
        cards: Of the data sets.
        folders: Of the data sets.
        trials: Of the search.
        best: Settings that the search found.
        record: Content of `reproduce.json`.
        missing: What was looked for and is not there.
    """

    runs: dict[int, RunResults] = field(default_factory=dict)
    default_runs: dict[int, RunResults] = field(default_factory=dict)
    ablation: list[Row] = field(default_factory=list)
    generated: list[Row] = field(default_factory=list)
    cards: dict[int, DatasetCard] = field(default_factory=dict)
    folders: dict[int, Path] = field(default_factory=dict)
    trials: list[Row] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    missing: list[Absent] = field(default_factory=list)


def gather(sources: Sources) -> Material:
    """Reads everything that is there.

    Raises:
        SettingsError: A file is damaged, two folders of one kind are of one number of early
            cycles, or a run is not one of its preset.
        DatasetError: A card is damaged.
    """
    material = Material()
    material.runs = _gather_runs(sources.runs, "paper", material.missing)
    material.default_runs = _gather_runs(sources.default_runs, "default", material.missing)
    for folder in sources.ablations:
        _gather_ablation(folder, material)
    for folder in sources.data:
        _gather_data(folder, material)
    if sources.search:
        _gather_search(sources.search, material)
    if sources.record:
        material.record = read_json(sources.record, ANEW)
    return material


def _gather_runs(
    folders: tuple[Path, ...], preset: str, missing: list[Absent]
) -> dict[int, RunResults]:
    found: dict[int, RunResults] = {}
    for folder in folders:
        directory = RunDirectory(folder)
        if not _is_there(directory.metrics, missing):
            continue
        config = directory.read_config()
        _check_whole(config, preset, folder)
        metrics = _metrics(directory.metrics)
        cycles = int(metrics["cycles"])
        _check_new(cycles, found, folder)
        samples = _is_there(directory.test_samples, missing)
        found[cycles] = RunResults(
            metrics=metrics,
            config=config,
            samples=load_test_samples(directory.test_samples) if samples else None,
            embedding=_embedding(directory.embeddings, missing),
        )
    return dict(sorted(found.items()))


def _check_whole(config: dict[str, Any], preset: str, folder: Path) -> None:
    """A row of an ablation, or a run of the other preset, would pass for what it is not."""
    given = config.get("preset")
    detached = config.get("model", {}).get("detach", "none")
    shuffled = config.get("training", {}).get("shuffle_labels", False)
    if given != preset or detached != "none" or shuffled:
        raise SettingsError(
            f"{folder}: expected a run of preset {preset}, nothing detached, labels not shuffled. "
            f"Received: preset {given}, detach {detached}, shuffle_labels {shuffled}. Give another."
        )


def _metrics(path: Path) -> dict[str, Any]:
    metrics = read_json(path, ANEW)
    try:
        int(metrics["cycles"])
        for kind, names in (("modes", MODES), ("baselines", BASELINES)):
            for by_signal in (metrics[kind][name] for name in names):
                for errors in (by_signal[TOTAL], *by_signal.values()):
                    [float(errors[error]) for error in ERRORS]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SettingsError(
            f"{path}: not what a run measured ({type(error).__name__}: {error}). Make it anew with "
            "`python -m rcvae_tf.evaluate`."
        ) from error
    return metrics


def _embedding(path: Path, missing: list[Absent]) -> EmbeddingMatrix | None:
    if not _is_there(path, missing):
        return None
    matrix = load_embedding_matrix(path)
    if can_be_mapped(matrix.embeddings):
        return matrix
    missing.append(Absent(path, " (no map: too few conditions, or all embeddings equal)"))
    return None


def _gather_ablation(folder: Path, material: Material) -> None:
    for name, rows in (
        ("ablation.csv", material.ablation),
        ("ablation_generated.csv", material.generated),
    ):
        if _is_there(folder / name, material.missing):
            added = read_ablation(folder / name)
            earlier = {row["early_cycles"] for row in rows}
            for cycles in sorted({row["early_cycles"] for row in added}):
                _check_new(cycles, earlier, folder)
            rows += added


def _gather_data(folder: Path, material: Material) -> None:
    if not _is_there(folder / CARD_NAME, material.missing):
        return
    card = read_card(folder)
    cycles = int(card.preparation["cycles"])
    _check_new(cycles, material.cards, folder)
    material.cards[cycles], material.folders[cycles] = card, folder


def _gather_search(folder: Path, material: Material) -> None:
    if _is_there(folder / "trials.csv", material.missing):
        material.trials = read_trials(folder / "trials.csv")
    if _is_there(folder / "best.json", material.missing):
        material.best = read_stored(folder / "best.json")


def _is_there(path: Path, missing: list[Absent]) -> bool:
    if path.is_file():
        return True
    missing.append(Absent(path))
    return False


def _check_new(cycles: int, found: Container[int], folder: Path) -> None:
    if cycles in found:
        raise SettingsError(
            f"{folder}: of {cycles} early cycles, as another one that was given. Give one of each."
        )
