"""What `fidelity.py` leaves in its work folder: data sets, runs and results, by their settings."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.command_line import parse
from data_prep.config import PrepConfig
from data_prep.dataset_card import CARD_NAME
from data_prep.pipeline import prepare
from data_prep.settings import to_dict
from rcvae_tf.config import CONDITIONS, ModelConfig, TrainConfig
from rcvae_tf.dataset import Dataset, open_dataset
from rcvae_tf.presets import of_card, resolve
from rcvae_tf.run_directory import FORMAT_VERSION, RunDirectory, write_json

DEFAULT, PAPER = "default", "paper"
BLIND, WITH_POLICY = CONDITIONS
TICK_S = 0.5
# One core each, however many run side by side: the same run whatever --jobs says.
ONE_THREAD = dict.fromkeys(
    ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"
)


class Training(NamedTuple):
    """A run to make.

    Args:
        dataset: What it is trained on.
        preset: `DEFAULT` or `PAPER`.
        condition: What the model is told.
        seed: Of the training.
        merged: Whether it is trained on the validation split too; None leaves it to the preset.
    """

    dataset: Dataset
    preset: str
    condition: str
    seed: int
    merged: bool | None

    @property
    def flags(self) -> list[str]:
        """Of `python -m rcvae_tf.train`, but for places and preset."""
        flags = ["--condition", self.condition, "--seed", str(self.seed)]
        if self.merged is not None:
            flags.append("--merge-validation" if self.merged else "--no-merge-validation")
        return flags


@dataclass(frozen=True)
class Work:
    """The work folder, and what everything in it is made with.

    Args:
        folder: Made where it is missing.
        sources: Folders of measurements, by name.
        jobs: Trainings side by side.
        seeds: Of trainings and trees.
        train_flags: Further flags of each training.
        trees: Trees of ExtraTrees.
    """

    folder: Path
    sources: dict[str, Path | None]
    jobs: int
    seeds: Sequence[int]
    train_flags: Sequence[str]
    trees: int

    def dataset(self, source: str, **split: Any) -> Dataset:
        """A data set of a source, prepared on first use."""
        config = PrepConfig(input=str(self.sources[source]), output="-", **split)
        settings = {**to_dict(config), "input": str(Path(str(config.input)).resolve())}
        words = [source, *(str(value) for value in split.values()), _key(settings)]
        folder = self.folder / "data" / "-".join(words)
        if not (folder / CARD_NAME).is_file():
            _say(f"preparing {folder}")
            folder.parent.mkdir(parents=True, exist_ok=True)
            prepare(PrepConfig(input=config.input, output=str(folder), **split))
        return open_dataset(folder)

    def train(self, trainings: Sequence[Training]) -> list[Path]:
        """Run folders, in order; those that are complete are not trained again."""
        folders = [self._run_folder(training) for training in trainings]
        waiting = [
            (training, folder)
            for training, folder in zip(trainings, folders, strict=True)
            if not RunDirectory(folder).metrics.is_file()
        ]
        _say(f"{len(folders) - len(waiting)} of {len(folders)} runs are there")
        commands = [(self._command(training, folder), folder) for training, folder in waiting]
        run_side_by_side(commands, self.jobs)
        return folders

    def kept(
        self, what: str, dataset: Dataset, settings: dict[str, Any], compute: Callable[[], Any]
    ) -> Any:
        """A result as JSON, computed on first use."""
        path = self.folder / "results" / f"{what}-{_key([dataset.card.shards, settings])}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            words = " ".join(str(value) for value in settings.values())
            _say(f"measuring {what} {words} on {dataset.directory.name}")
            write_json(path, compute())
        return json.loads(path.read_text(encoding="utf-8"))

    def _run_folder(self, training: Training) -> Path:
        given = parse(
            "--train-flags", "Settings of a run.", self._flags(training), ModelConfig, TrainConfig
        )
        card = training.dataset.card
        flags = {name: value for part in given for name, value in part.items()}
        config = resolve(training.preset, None, flags, **of_card(card))
        words = training.condition.replace(",", "-")
        name = f"{training.dataset.directory.name}-{training.preset}-{words}-{training.seed}"
        return (
            self.folder / "runs" / f"{name}-{_key([FORMAT_VERSION, config.to_dict(), card.shards])}"
        )

    def _flags(self, training: Training) -> list[str]:
        return [*training.flags, *self.train_flags]

    def _command(self, training: Training, folder: Path) -> list[str]:
        argv = [sys.executable, "-m", "rcvae_tf.train", "--data", str(training.dataset.directory)]
        argv += ["--output", str(folder), "--preset", training.preset]
        return [*argv, *self._flags(training)]


@dataclass(frozen=True)
class Part:
    """A data set, and what is trained on it.

    Args:
        source: `attia` or `simulated`.
        split: Of the data set.
        folds: Of a cell split; None is the split with 30 of 124 cells.
        merged: Whether all are given the validation split too.
        conditions: What models are told.
    """

    source: str
    split: str
    folds: int | None = None
    merged: bool = False
    conditions: tuple[str, ...] = CONDITIONS

    def datasets(self, work: Work) -> list[Dataset]:
        """One, or one a fold."""
        if self.folds is None:
            return [work.dataset(self.source, split=self.split)]
        return [
            work.dataset(self.source, split=self.split, folds=self.folds, fold=fold)
            for fold in range(1, self.folds + 1)
        ]

    def tree_seeds(self, work: Work) -> Sequence[int]:
        """Seeds of the forests: of large data sets one, a forest of them takes minutes."""
        return work.seeds[:1] if self.source == "simulated" else work.seeds

    def trainings(self, work: Work) -> list[Training]:
        """All runs of preset default."""
        return [
            Training(dataset, DEFAULT, condition, seed, self.merged)
            for condition in self.conditions
            for dataset in self.datasets(work)
            for seed in work.seeds
        ]


PARTS = {
    "attia-sample": Part("attia", "sample", merged=True),
    "attia-cell": Part("attia", "cell", folds=5, merged=True),
    "simulated-sample": Part("simulated", "sample", conditions=(WITH_POLICY,)),
    "simulated-cell": Part("simulated", "cell", conditions=(WITH_POLICY,)),
    "simulated-folds": Part("simulated", "cell", folds=4, conditions=(WITH_POLICY,)),
}


def run_side_by_side(commands: Sequence[tuple[list[str], Path]], jobs: int) -> None:
    """Runs commands that make a folder each, some at a time; what they say lies beside the folder.

    Ends all of them where one fails, or where this process is told to end.
    """
    waiting = list(commands)
    running: dict[subprocess.Popen[bytes], tuple[Path, float]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                argv, folder = waiting.pop(0)
                running[_start(argv, folder)] = folder, time.perf_counter()
            time.sleep(TICK_S)
            for process in [one for one in running if one.poll() is not None]:
                folder, start = running.pop(process)
                if process.returncode:
                    raise SystemExit(f"{_log(folder)}: ended with {process.returncode}")
                seconds = time.perf_counter() - start
                _say(f"trained {folder.name} in {seconds:.0f} s, {len(waiting)} wait")
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _start(argv: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    # What was ended half way is begun anew: a run that went on is not quite the same.
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _log(folder).open("wb") as log:
        return subprocess.Popen(
            argv, env=os.environ | ONE_THREAD, stdout=log, stderr=subprocess.STDOUT
        )


def _log(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _key(settings: Any) -> str:
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
