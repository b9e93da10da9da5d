"""`python -m rcvae_tf.train`: trains a run, evaluates it, and prints it beside the baselines."""

import logging
import sys
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep import command_line
from data_prep.config import DEMO_OUTPUT, PrepConfig
from data_prep.dataset_card import CARD_NAME
from data_prep.errors import SettingsError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate
from rcvae_tf.config import ModelConfig, TrainConfig
from rcvae_tf.presets import PRESETS, RunConfig, of_card, read_stored, resolve
from rcvae_tf.run_directory import RunDirectory

if TYPE_CHECKING:
    from data_prep.dataset_card import DatasetCard
    from rcvae_tf.dataset import Dataset

NAME = "python -m rcvae_tf.train"
DEMO_DATA = Path(DEMO_OUTPUT)
RUNS = Path("runs")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainCommand:
    """Where things lie, and which settings to start from."""

    data: str | None = setting(None, help="folder of a data set; without it the demo is prepared")
    output: str | None = setting(None, help="folder of the run; without it the next free runs/...")
    preset: str | None = setting(
        None, choices=tuple(PRESETS), help="default: best measured; paper: the paper, literally"
    )
    config: str | None = setting(None, help="config.json of a run, or best.json of a search")
    resume: bool = setting(False, help="go on with the run at --output")
    overwrite: bool = setting(False, help="replace the run that lies at --output")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_train, argv, NAME)


def _train(argv: list[str] | None) -> None:
    given, *parts = command_line.parse(NAME, __doc__, argv, TrainCommand, ModelConfig, TrainConfig)
    command = TrainCommand(**given)
    flags = {name: value for part in parts for name, value in part.items()}
    config = _resolved(command, flags)
    directory = _run_directory(command, config)
    import_tensorflow()
    dataset = _open_data(command, directory)
    config = _resolved(command, flags, dataset.card)

    from rcvae_tf.evaluation.collapse import collapse_warnings
    from rcvae_tf.training.fit import fit

    if command.overwrite:
        directory.clear()
    directory.path.mkdir(parents=True, exist_ok=True)
    with command_line.log_file(directory.log):
        logger.info("run %s, preset %s, data %s", directory.path, config.preset, dataset.directory)
        run, metrics = fit(config, dataset, directory, command.resume)
        for line in collapse_warnings(metrics, config):
            logger.warning("warning: %s", line)

    from rich.console import Console

    from rcvae_tf.report.tables import print_metrics

    print_metrics(metrics, Console(soft_wrap=True, highlight=False))
    print(f"run: {directory.path}")
    print(f"next: tensorboard --logdir {directory.tensorboard}")
    condition = run.vocabulary.conditions[len(run.vocabulary) // 2]
    policies = run.data["training_policies"] if config.model.with_policy else []
    policy = f'--policy "{policies[0]}" ' if policies else ""
    print(
        f"      python -m rcvae_tf.generate --run {directory.path} --eol {condition.eol} "
        f"--ecl {condition.ecl} {policy}--samples 5 --output charges.csv"
    )


def _resolved(
    command: TrainCommand, flags: dict[str, object], card: "DatasetCard | None" = None
) -> RunConfig:
    stored = read_stored(Path(command.config)) if command.config else {}
    if command.preset and stored.get("preset", command.preset) != command.preset:
        raise SettingsError(
            f"--preset {command.preset}: {command.config} holds the settings of preset "
            f"{stored['preset']}. Leave out one of the two."
        )
    if command.resume and command.overwrite:
        raise SettingsError("--resume goes on with a run, --overwrite replaces it: give one.")
    if command.resume:
        if not command.output:
            raise SettingsError("--resume needs --output, the run to go on with.")
        if flags or command.config or command.preset:
            raise SettingsError("--resume goes on with the settings of the run: leave out others.")
        stored = RunDirectory(Path(command.output)).read_config()
    return resolve(command.preset, stored, flags, **of_card(card))


def _run_directory(command: TrainCommand, config: RunConfig) -> RunDirectory:
    if command.output is None:
        names = (RUNS / f"{config.preset}-{k}" for k in count(1))
        return RunDirectory(next(path for path in names if not path.exists()))
    path = Path(command.output)
    if path.exists() and not path.is_dir():
        raise SettingsError(f"--output {path}: is a file, expected a folder to make.")
    directory = RunDirectory(path)
    # A training that was killed before it could write its settings leaves its log alone.
    occupied = path.is_dir() and any(file != directory.log for file in path.iterdir())
    if occupied and not (command.overwrite or command.resume):
        raise SettingsError(
            f"--output {path}: is not empty. Choose another folder, add --resume to go on, "
            f"or --overwrite."
        )
    if occupied and command.overwrite:
        directory.read_config()  # what is replaced must be a run
    return directory


def _open_data(command: TrainCommand, directory: RunDirectory) -> "Dataset":
    from rcvae_tf.dataset import open_dataset

    if command.resume:
        stored = Path(directory.read_config()["data"]["directory"])
        return open_dataset(Path(command.data) if command.data else stored)
    if command.data is not None:
        return open_dataset(Path(command.data))
    if not (DEMO_DATA / CARD_NAME).is_file():
        from data_prep.pipeline import prepare

        logger.info("no --data given: preparing the demo, simulated cells, in %s", DEMO_DATA)
        prepare(PrepConfig(source="demo", output=str(DEMO_DATA)))
    return open_dataset(DEMO_DATA)


if __name__ == "__main__":
    sys.exit(main())
