"""`python -m rcvae_tf.reproduce`: the paper in full, every table and figure, on one page."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.settings import setting, validate
from rcvae_tf.reproduction.settings import ReproduceSettings, resolve

NAME = "python -m rcvae_tf.reproduce"


@dataclass(frozen=True)
class ReproduceCommand:
    """Where it goes, and how it is run."""

    output: str = setting(help="folder of the reproduction; one that lies there goes on")
    overwrite: bool = setting(False, help="remove the reproduction that lies there first")
    jobs: int | None = setting(
        None, minimum=1, maximum=1024, help="processes of a part (default: one a core)"
    )

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 a part failed, 2 the input or the arguments are at fault."""
    from rcvae_tf.reproduction.run import PartFailed

    try:
        return command_line.run(_reproduce, argv, NAME)
    except PartFailed as error:
        print(f"{NAME}: error: {error}", file=sys.stderr)
        return 1


def _reproduce(argv: list[str] | None) -> None:
    given, flags = command_line.parse(NAME, __doc__, argv, ReproduceCommand, ReproduceSettings)
    command, settings = ReproduceCommand(**given), resolve(flags)

    from rcvae_tf.reproduction.layout import PAGE
    from rcvae_tf.reproduction.run import reproduce

    reproduce(settings, Path(command.output), command.jobs, command.overwrite)
    print(f"page: {Path(command.output) / PAGE}")


if __name__ == "__main__":
    sys.exit(main())
