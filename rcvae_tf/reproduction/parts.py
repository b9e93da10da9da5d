"""The parts of a reproduction, in order: which command, what it needs, what it leaves."""

from dataclasses import dataclass
from pathlib import Path

from data_prep.dataset_card import CARD_NAME, FIGURES_FOLDER
from rcvae_tf.reproduction import layout
from rcvae_tf.reproduction.settings import PAPER_LAYERS, ReproduceSettings, placed
from rcvae_tf.run_directory import RunDirectory

Argument = str | Path | tuple[Path, ...]  # paths are relative to the folder of the reproduction

PAPER_RUN, DEFAULT_RUN = "paper", "default"
# What the paper gives is not searched.
GIVEN_BY_PAPER = (
    *("--num-hidden-layers", str(PAPER_LAYERS)),
    *("--embedding-dim", "473", "--kl-weight", "1"),
)
BEST = layout.SEARCH / "best.json"
TRIALS = layout.SEARCH / "trials.csv"
ABLATE = "rcvae_tf.ablate"
ABLATION_TABLES = ("ablation.csv", "ablation_generated.csv")


@dataclass(frozen=True)
class Part:
    """One command of a reproduction; all paths are relative to its folder.

    Args:
        name: Of its log and in the record.
        title: What the terminal calls it.
        module: The command, as in `python -m`.
        arguments: With which it starts.
        inputs: Files that earlier parts made; where one changes, this part starts anew. Those of
            a part that is not `needed` may lack.
        outputs: Files that are there when it is done.
        folder: What it fills alone; removed before it starts anew. None: it replaces files.
        resumable: A file whose presence says that an unfinished part can go on.
        resume: The arguments with which it goes on.
        needed: Whether the parts after it stop where it fails.
    """

    name: str
    title: str
    module: str
    arguments: tuple[Argument, ...]
    inputs: tuple[Path, ...]
    outputs: tuple[Path, ...]
    folder: Path | None = None
    resumable: Path | None = None
    resume: tuple[Argument, ...] = ()
    needed: bool = True


def parts_of(settings: ReproduceSettings, jobs: int | None = None) -> list[Part]:
    """All parts, each after those whose files it reads.

    Args:
        settings: What is reproduced.
        jobs: Processes of a part that can use several; None leaves it to the part.
    """
    processes = () if jobs is None else ("--jobs", str(jobs))
    parts = [_preparation(settings, n, processes) for n in settings.cycles]
    parts.append(_search(settings))
    parts += [_paper_training(settings, n) for n in settings.cycles]
    parts += [_default_training(settings, n) for n in settings.with_default]
    parts += [_ablation(settings, n, processes) for n in settings.ablated]
    return [*parts, _page(settings)]


def _preparation(settings: ReproduceSettings, cycles: int, processes: tuple[str, ...]) -> Part:
    folder = layout.data(cycles)
    place = placed(settings)
    source: tuple[str, ...] = ("--source", settings.source)
    source += ("--input", place) if place else ()
    figures = ("capacity_fade.png", "charges.png", "cycles.png")
    return Part(
        name=f"prepare-n{cycles:03d}",
        title=f"prepare, n = {cycles}",
        module="data_prep",
        arguments=(
            *source,
            *("--cycles", str(cycles), "--split", "sample", "--figures"),
            *processes,
            *("--output", folder),
        ),
        inputs=(),
        outputs=(folder / CARD_NAME, *(folder / FIGURES_FOLDER / name for name in figures)),
        folder=folder,
    )


def _search(settings: ReproduceSettings) -> Part:
    data = layout.data(settings.cycles[-1])
    epochs = min(settings.trial_epochs, settings.epochs or settings.trial_epochs)
    seed = str(settings.seed)
    # Seed and compilation go with best.json to every training that takes it.
    arguments: tuple[Argument, ...] = (
        *("--data", data, "--output", layout.SEARCH, "--preset", PAPER_RUN, *GIVEN_BY_PAPER),
        *("--trials", str(settings.trials), "--trial-epochs", str(epochs)),
        *("--search-seed", seed, "--seed", seed, *_compilation(settings)),
    )
    return Part(
        name="tune",
        title=f"tune, n = {settings.cycles[-1]}",
        module="tuning",
        arguments=arguments,
        inputs=(data / CARD_NAME,),
        outputs=(BEST, TRIALS),
        folder=layout.SEARCH,
        resumable=layout.SEARCH / "search.json",
        resume=arguments,
    )


def _paper_training(settings: ReproduceSettings, cycles: int) -> Part:
    flags: tuple[Argument, ...] = ("--preset", PAPER_RUN, "--config", BEST)
    flags += _epochs(settings.epochs)
    return _training(PAPER_RUN, cycles, flags, (BEST,))


def _default_training(settings: ReproduceSettings, cycles: int) -> Part:
    epochs = settings.default_epochs or settings.epochs
    seed = ("--seed", str(settings.seed))
    flags = ("--preset", DEFAULT_RUN, *_epochs(epochs), *seed, *_compilation(settings))
    return _training(DEFAULT_RUN, cycles, flags, ())


def _training(
    preset: str, cycles: int, flags: tuple[Argument, ...], inputs: tuple[Path, ...]
) -> Part:
    data, directory = layout.data(cycles), RunDirectory(layout.run(preset, cycles))
    places: tuple[Argument, ...] = ("--data", data, "--output", directory.path)
    return Part(
        name=f"train-{preset}-n{cycles:03d}",
        title=f"train {preset}, n = {cycles}",
        module="rcvae_tf.train",
        arguments=(*places, *flags),
        inputs=(data / CARD_NAME, *inputs),
        outputs=(
            *(directory.config, directory.model, directory.history, directory.metrics),
            directory.test_samples,
        ),
        folder=directory.path,
        resumable=directory.train_state,
        resume=(*places, "--resume"),
    )


def _ablation(settings: ReproduceSettings, cycles: int, processes: tuple[str, ...]) -> Part:
    data, folder = layout.data(cycles), layout.ablation(cycles)
    rows = ("--rows", ",".join(settings.rows)) if settings.rows else ()
    arguments: tuple[Argument, ...] = (
        *("--data", data, "--output", folder, "--config", BEST, *rows),
        *(*_epochs(settings.ablation_epochs or settings.epochs), *processes),
    )
    return Part(
        name=f"ablate-n{cycles:03d}",
        title=f"ablate, n = {cycles}",
        module=ABLATE,
        arguments=arguments,
        inputs=(data / CARD_NAME, BEST),
        outputs=tuple(folder / name for name in ABLATION_TABLES),
        folder=folder,
        resumable=folder / "ablation.json",
        resume=arguments,
        needed=False,
    )


def _page(settings: ReproduceSettings) -> Part:
    data = tuple(layout.data(n) for n in settings.cycles)
    runs = tuple(layout.run(PAPER_RUN, n) for n in settings.cycles)
    beside = tuple(layout.run(DEFAULT_RUN, n) for n in settings.with_default)
    ablations = tuple(layout.ablation(n) for n in settings.ablated)
    return Part(
        name="page",
        title="page",
        module="rcvae_tf.report",
        arguments=(
            *("--data", data, "--search", layout.SEARCH, "--runs", runs),
            *(("--default-runs", beside) if beside else ()),
            *("--ablations", ablations, "--record", layout.RECORD, "--output", Path()),
        ),
        inputs=(
            *(folder / CARD_NAME for folder in data),
            TRIALS,
            *(RunDirectory(run).metrics for run in (*runs, *beside)),
            *(folder / name for folder in ablations for name in ABLATION_TABLES),
        ),
        outputs=(layout.PAGE,),
    )


def _epochs(epochs: int | None) -> tuple[str, ...]:
    return () if epochs is None else ("--epochs", str(epochs))


def _compilation(settings: ReproduceSettings) -> tuple[str, ...]:
    return () if settings.jit_compile else ("--no-jit-compile",)
