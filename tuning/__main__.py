"""`python -m tuning`: searches the settings that the paper does not give."""

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate
from rcvae_tf.config import PRESETS, ModelConfig, TrainConfig, resolve

NAME = "python -m tuning"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuningCommand:
    """What to search on, and for how long."""

    data: str = setting(help="folder of a data set")
    output: str = setting(help="folder of the search; an unfinished search there goes on")
    trials: int = setting(30, minimum=1, help="trials in all")
    preset: str = setting("paper", choices=tuple(PRESETS), help="settings that are not searched")
    search_seed: int = setting(1, minimum=1, help="seed of the search")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_tune, argv, NAME)


def _tune(argv: list[str] | None) -> None:
    given, *parts = command_line.parse(NAME, __doc__, argv, TuningCommand, ModelConfig, TrainConfig)
    command = TuningCommand(**given)
    flags = {name: value for part in parts for name, value in part.items()}
    base = resolve(command.preset, None, flags)

    import_tensorflow()
    from rcvae_tf.dataset import open_dataset
    from tuning.search import search

    dataset = open_dataset(Path(command.data))
    output = Path(command.output)
    result = search(base, dataset, output, command.trials, command.search_seed)
    best = min(row["val_mae"] for row in result.trials if row["val_mae"] is not None)
    print(f"{output}: {len(result.trials)} trials, lowest val_mae {best:.5f}")
    print(f"next: python -m rcvae_tf.train --data {command.data} --config {output}/best.json")


if __name__ == "__main__":
    sys.exit(main())
