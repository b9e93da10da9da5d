"""`python -m tuning`: searches the settings that the paper does not give."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep import command_line
from data_prep.errors import SettingsError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate
from rcvae_tf.config import ModelConfig, TrainConfig
from rcvae_tf.presets import PRESETS, of_card, resolve
from tuning.plan import SearchPlan
from tuning.results import settings_line
from tuning.search_directory import SearchDirectory
from tuning.search_space import SPACE, check_space, free_dimensions

if TYPE_CHECKING:
    from data_prep.dataset_card import DatasetCard

NAME = "python -m tuning"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuningCommand:
    """What to search on, and for how long."""

    data: str = setting(help="folder of a data set")
    output: str = setting(help="folder of the search; an unfinished search there goes on")
    trials: int = setting(30, minimum=1, help="trials in all, those of an earlier call included")
    preset: str = setting("paper", choices=tuple(PRESETS), help="settings that are not searched")
    trial_epochs: int = setting(100, minimum=1, help="epochs of a trial at the most")
    trial_patience: int = setting(
        20, minimum=1, help="epochs without a lower val_mae after which a trial ends"
    )
    search_seed: int = setting(
        1, minimum=1, maximum=2**31 - 1, help="seed of the search; 0 would be a random one"
    )
    overwrite: bool = setting(False, help="replace the search that lies at --output")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_tune, argv, NAME)


def _tune(argv: list[str] | None) -> None:
    given, *parts = command_line.parse(NAME, __doc__, argv, TuningCommand, ModelConfig, TrainConfig)
    command = TuningCommand(**given)
    flags = {name: value for part in parts for name, value in part.items()}
    _plan(command, flags)
    directory = SearchDirectory(Path(command.output))
    import_tensorflow()
    from rcvae_tf.dataset import open_dataset
    from tuning.search import search

    dataset = open_dataset(Path(command.data))
    plan = _plan(command, flags, dataset.card)
    directory.begin(plan.facts(dataset.card, str(dataset.directory.resolve())), command.overwrite)
    with command_line.log_file(directory.log):
        names = ", ".join(dimension.name for dimension in plan.space)
        logger.info("search %s, preset %s, data %s", directory.path, command.preset, command.data)
        logger.info("searched: %s", names)
        result = search(plan, dataset, directory, command.trials)

    best = result.best_trial
    print(
        f"best of {len(result.trials)} trials: trial {best['trial']}, "
        f"val_mae {best['val_mae']:.5f} at epoch {best['best_epoch']}"
    )
    print(f"      {settings_line(best, plan)}")
    print(f"next: python -m rcvae_tf.train --data {command.data} --config {directory.best}")
    print(f"      tensorboard --logdir {directory.tensorboard}")


def _plan(
    command: TuningCommand, flags: dict[str, Any], card: "DatasetCard | None" = None
) -> SearchPlan:
    """A flag of a searched setting fixes it."""
    base = resolve(command.preset, None, flags, **of_card(card))
    if base.training.shuffle_labels:
        raise SettingsError("--shuffle-labels is a control of the ablation: leave it out here.")
    space = free_dimensions(flags, SPACE)
    check_space(space, base)
    return SearchPlan(
        base, space, command.trial_epochs, command.trial_patience, command.search_seed
    )


if __name__ == "__main__":
    sys.exit(main())
