"""`python -m rcvae_tf.generate`: charges of a wanted EOL and ECL into a file."""

import sys
from dataclasses import dataclass
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
    mean: bool = setting(False, help="one charge from z = 0 in place of draws")
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
    from rcvae_tf.generation.sampler import generate
    from rcvae_tf.generation.writers import check_output, write_charges
    from rcvae_tf.run import load_run

    check_output(output, command.overwrite)
    run = load_run(command.run)
    samples = 1 if command.mean else command.samples
    charges = generate(run, condition, samples, command.seed, command.mean)
    write_charges(charges, output, command.overwrite)
    num_points = charges.curves["voltage_v"].shape[1]
    print(f"{output}: {samples} synthetic charges of {num_points} points")
    print(
        f"asked EOL {condition.eol} ECL {condition.ecl}; matched EOL {charges.matched.eol} "
        f"ECL {charges.matched.ecl} at distance {charges.distance:.3g} "
        f"(weight {run.vocabulary.weight:g}); "
        f"{'in' if charges.in_support else 'NOT in'} the support of the data"
    )


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
