"""`python -m rcvae_tf.ablate`: Table 2, the model trained again without each of its parts."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data_prep import command_line
from data_prep.errors import SettingsError, UserError
from data_prep.settings import setting, validate
from rcvae_tf.config import ModelConfig, TrainConfig
from rcvae_tf.presets import PRESETS, RunConfig, of_card, read_stored, resolve

if TYPE_CHECKING:
    from data_prep.dataset_card import DatasetCard

NAME = "python -m rcvae_tf.ablate"
PAPER_PRESET = "paper"


@dataclass(frozen=True)
class AblateCommand:
    """Where things lie, which rows, and which settings to start from."""

    data: str = setting(help="folder of a data set")
    output: str = setting(help="folder of the ablation; one that lies there is gone on with")
    preset: str | None = setting(
        None, choices=tuple(PRESETS), help="settings of the whole model (default: paper)"
    )
    config: str | None = setting(None, help="config.json of a run, or best.json of a search")
    rows: tuple[str, ...] = setting(
        (), help="which rows, as Decoder_8,Embedding,None (default: all, 34 at 16 layers)"
    )
    jobs: int | None = setting(
        None, minimum=1, maximum=1024, help="rows trained at a time (default: one a core)"
    )
    overwrite: bool = setting(False, help="replace an ablation that lies at --output")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault, or a row failed."""
    return command_line.run(_ablate, argv, NAME)


def _ablate(argv: list[str] | None) -> None:
    given, *parts = command_line.parse(NAME, __doc__, argv, AblateCommand, ModelConfig, TrainConfig)
    command = AblateCommand(**given)
    flags = {name: value for part in parts for name, value in part.items()}
    _resolved(command, flags)

    from rich.console import Console

    from rcvae_tf.ablation.directory import AblationDirectory
    from rcvae_tf.ablation.printing import print_ablation
    from rcvae_tf.ablation.rows import parse_rows
    from rcvae_tf.ablation.running import ablate
    from rcvae_tf.ablation.table import ablation_rows
    from rcvae_tf.dataset import open_dataset
    from rcvae_tf.report.labels import GENERATION_MODE, PAPER_MODE

    dataset = open_dataset(Path(command.data))
    whole = _resolved(command, flags, dataset.card)
    rows = parse_rows(command.rows, whole.model.num_hidden_layers)
    directory = AblationDirectory(Path(command.output))
    jobs = command.jobs or os.cpu_count() or 1
    metrics, faults = ablate(whole, dataset, directory, rows, jobs, command.overwrite)
    print_ablation(
        ablation_rows(metrics, PAPER_MODE),
        ablation_rows(metrics, GENERATION_MODE),
        tuple(faults),
        Console(highlight=False),
    )
    print(f"tables: {directory.table}, {directory.generated}")
    print(f"next: tensorboard --logdir {directory.runs}")
    if faults:
        reasons = "; ".join(f"{row} ({fault})" for row, fault in faults.items())
        raise UserError(f"{len(faults)} of {len(rows)} rows failed: {reasons}")


def _resolved(
    command: AblateCommand, flags: dict[str, object], card: "DatasetCard | None" = None
) -> RunConfig:
    stored = read_stored(Path(command.config)) if command.config else {}
    preset = stored.get("preset", PAPER_PRESET)
    if command.preset and command.config and preset != command.preset:
        raise SettingsError(
            f"--preset {command.preset}: {command.config} holds the settings of preset {preset}. "
            f"Leave out one of the two."
        )
    return resolve(command.preset or preset, stored, flags, **of_card(card))


if __name__ == "__main__":
    sys.exit(main())
