"""`python -m rcvae_tf.assess`: whether generated charges are useful, true, and no copies."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.assess"


@dataclass(frozen=True)
class AssessCommand:
    """What to assess."""

    run: str = setting(help="folder of the run")
    data: str | None = setting(None, help="folder of its data set, if that was moved")
    output: str | None = setting(
        None, help="folder of assess.json and assess.html (default: assessment/ in the run)"
    )
    seed: int = setting(0, minimum=0, help="seed of draws, halves, folds and choices of cells")

    def __post_init__(self) -> None:
        validate(self)


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_assess, argv, NAME)


def _assess(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, AssessCommand)
    command = AssessCommand(**given)

    import_tensorflow()
    from rich.console import Console

    from rcvae_tf.assessment.printing import print_assessment
    from rcvae_tf.assessment.results import assess_and_write
    from rcvae_tf.dataset import open_dataset
    from rcvae_tf.run import load_run

    run = load_run(command.run)
    dataset = open_dataset(Path(command.data or run.data["directory"]))
    output = Path(command.output) if command.output else None
    scores, files = assess_and_write(run, dataset, output, command.seed)
    print_assessment(scores, Console(soft_wrap=True, highlight=False))
    for name, path in files.items():
        print(f"{name}: {path}")


if __name__ == "__main__":
    sys.exit(main())
