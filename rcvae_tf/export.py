"""`python -m rcvae_tf.export`: what others need of a trained run."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.errors import SettingsError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.export"


@dataclass(frozen=True)
class ExportCommand:
    """What to export, and where to."""

    run: str = setting(help="folder of the run")
    output: str = setting(help="folder to write to; made where it is missing")
    cards: bool = setting(
        False, help="write README.md, the card of the model with the header of Hugging Face"
    )
    data: str | None = setting(None, help="folder of the data set; the one of the training if left")
    overwrite: bool = setting(False, help="replace what lies at --output")

    def __post_init__(self) -> None:
        validate(self)
        if not self.cards:
            raise SettingsError("nothing to export. Add --cards.")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_export, argv, NAME)


def _export(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, ExportCommand)
    command = ExportCommand(**given)

    import_tensorflow()
    from rcvae_tf.cards.writing import check_card, write_model_card
    from rcvae_tf.run import load_run

    output = Path(command.output)
    check_card(output, command.overwrite)
    data = None if command.data is None else Path(command.data)
    path, notes = write_model_card(load_run(command.run), data, output)
    print(f"{path}: card of the model", *notes, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
