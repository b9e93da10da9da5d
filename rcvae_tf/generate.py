"""`python -m rcvae_tf.generate`: charges of a wanted EOL and ECL into a file."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from data_prep import command_line
from data_prep.errors import ConditionError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.records import Condition
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.generate"


@dataclass(frozen=True)
class GenerateCommand:
    """What to generate, and where to."""

    run: str = setting(help="folder of the run")
    eol: str = setting(help="wanted cycle life of the cell, cycles")
    ecl: str = setting(help="wanted age of the cell, cycles already made")
    output: str = setting(help="file to write: .csv or .npz")
    samples: int = setting(1, minimum=1, maximum=10**6, help="charges to draw")
    seed: int = setting(0, minimum=0, help="same seed, same charges")
    policy: str | None = setting(
        None, help='charge policy, as "5.4C(40%)-3.6C", for a run that is conditioned on it'
    )
    mean: bool = setting(False, help="the one charge that is expected, in place of draws")
    extrapolate: bool = setting(False, help="generate also beyond the EOL and ECL of the data")
    project: bool = setting(False, help="repair what breaks physics, and say by how much")
    overwrite: bool = setting(False, help="replace a file that lies at --output")

    def __post_init__(self) -> None:
        validate(self)

    @property
    def condition(self) -> Condition:
        """The condition asked for.

        Raises:
            ConditionError: EOL or ECL is not a number of cycles.
        """
        return Condition(_cycles("EOL", self.eol), _cycles("ECL", self.ecl))


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_generate, argv, NAME)


def _generate(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, GenerateCommand)
    command = GenerateCommand(**given)
    condition = command.condition
    output = Path(command.output)

    import_tensorflow()
    from rcvae_tf.generation.printing import describe_charges, describe_projection
    from rcvae_tf.generation.projection import limits_of, project
    from rcvae_tf.generation.sampler import generate
    from rcvae_tf.generation.writers import check_output, write_charges
    from rcvae_tf.run import load_run

    check_output(output, command.overwrite)
    run = load_run(command.run)
    charges = generate(
        run,
        condition,
        1 if command.mean else command.samples,
        command.seed,
        mean=command.mean,
        policy=command.policy,
        extrapolate=command.extrapolate,
    )
    lines = describe_charges(charges, run.vocabulary)
    if command.project:
        curves, report = project(charges.curves, limits_of(run))
        charges = replace(charges, curves=curves, projected=report.changed)
        lines += describe_projection(report)
    write_charges(charges, output, command.overwrite)
    samples, num_points = charges.curves["voltage_v"].shape
    print(f"{output}: {samples} synthetic charges of {num_points} points", *lines, sep="\n")


def _cycles(name: str, text: str) -> int:
    """A number of cycles as the user wrote it; the range is the condition's to check."""
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ConditionError(f"--{name.lower()} must be a whole number of cycles. Received: {text}.")


if __name__ == "__main__":
    sys.exit(main())
