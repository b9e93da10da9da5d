"""`python -m rcvae_tf.export`: a trained run as a SavedModel for TensorFlow Serving and others."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.export"


@dataclass(frozen=True)
class ExportCommand:
    """What to export, and where to."""

    run: str = setting(help="folder of the run")
    output: str = setting(
        help="folder of the model, such as models/rcvae; each export is its next version"
    )
    data: str | None = setting(None, help="folder of the data set; the one of the training if left")
    measured: int = setting(
        1000,
        minimum=0,
        maximum=10**5,
        help="measured charges that go with it for the explorer page, at the most; 0 for none",
    )
    cards: bool = setting(
        False, help="write README.md, the card of the model, to --output, and no SavedModel"
    )
    overwrite: bool = setting(False, help="replace a card that lies at --output")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_export, argv, NAME)


def _export(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, ExportCommand)
    command = ExportCommand(**given)
    data = None if command.data is None else Path(command.data)
    (_write_card if command.cards else _write_version)(command, data)


def _write_version(command: ExportCommand, data: Path | None) -> None:
    import_tensorflow()
    from rcvae_tf.exporting.archive import check_folder, export_run
    from rcvae_tf.exporting.printing import describe_export
    from rcvae_tf.run import load_run

    check_folder(Path(command.output))
    exported = export_run(load_run(command.run), Path(command.output), data, command.measured)
    print(*describe_export(exported), sep="\n")


def _write_card(command: ExportCommand, data: Path | None) -> None:
    import_tensorflow()
    from rcvae_tf.cards.writing import check_card, write_model_card
    from rcvae_tf.run import load_run

    output = Path(command.output)
    check_card(output, command.overwrite)
    path, notes = write_model_card(load_run(command.run), data, output)
    print(f"{path}: card of the model", *notes, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
