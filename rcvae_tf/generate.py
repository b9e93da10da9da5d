"""`python -m rcvae_tf.generate`: charges of wanted EOL and ECL, as a data set."""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep import command_line
from data_prep.errors import SettingsError
from data_prep.quiet_tensorflow import import_tensorflow
from data_prep.settings import setting, validate

NAME = "python -m rcvae_tf.generate"


@dataclass(frozen=True)
class GenerateCommand:
    """What to generate, and where to."""

    run: str = setting(help="folder of the run")
    output: str = setting(
        help="file or folder to make: .csv, .npz, .mat, .bdf.csv, .bdf.parquet, or any folder "
        "with --format"
    )
    eol: str | None = setting(
        None, help="wanted cycle life: 800, a list 400,800, or a range START:STOP[:STEP]"
    )
    ecl: str | None = setting(
        None, help="wanted age in cycles already made, likewise; 1:800 is a life of 800 charges"
    )
    conditions: str | None = setting(
        None, help="CSV file of conditions in place of --eol and --ecl: eol,ecl or eol,ecl,policy"
    )
    policy: str | None = setting(
        None, help='charge policy, as "5.4C(40%)-3.6C", for a run that is conditioned on it'
    )
    samples: int = setting(
        1, minimum=1, maximum=10**6, help="charges to draw of each condition, each a cell's"
    )
    seed: int = setting(0, minimum=0, help="same seed, same charges")
    mean: bool = setting(False, help="the one charge that is expected, in place of draws")
    noise: str = setting(
        "charge",
        choices=("charge", "cell"),
        help="charge: each charge is drawn for itself; cell: what is drawn for a synthetic cell "
        "stays with it over its life",
    )
    format: str | None = setting(
        None, help="bdf-parquet, bdf-csv, csv, npz, tfrecord or matr, where --output does not tell"
    )
    indicators: bool = setting(False, help="write the state indicators of every charge beside")
    figures: str | None = setting(
        None, help="folder for pictures of what is expected over EOL and ECL"
    )
    extrapolate: bool = setting(False, help="generate also beyond the EOL and ECL of the data")
    project: bool = setting(False, help="repair what breaks physics, and say by how much")
    overwrite: bool = setting(False, help="replace a generated set that lies at --output")
    yes: bool = setting(False, help="make a set that takes much of the disk")

    def __post_init__(self) -> None:
        validate(self)
        grid = [flag for flag in ("eol", "ecl") if getattr(self, flag) is not None]
        if self.conditions is not None and (grid or self.policy is not None):
            other = grid[0] if grid else "policy"
            raise SettingsError(
                f"--conditions and --{other} exclude each other: the file has the columns eol, "
                f"ecl and, if wanted, policy."
            )
        if self.conditions is None and len(grid) < 2:
            raise SettingsError("give --eol and --ecl, or a file with --conditions.")


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 2 the input or the arguments are at fault."""
    return command_line.run(_generate, argv, NAME)


def _generate(argv: list[str] | None) -> None:
    (given,) = command_line.parse(NAME, __doc__, argv, GenerateCommand)
    command = GenerateCommand(**given)

    from rcvae_tf.generation.formats import format_of
    from rcvae_tf.generation.output import Output
    from rcvae_tf.generation.plan import plan_of

    output = Output(
        Path(command.output), format_of(Path(command.output), command.format), command.overwrite
    )
    samples = 1 if command.mean else command.samples
    plan = plan_of(command.eol, command.ecl, command.policy, command.conditions, samples)
    output.check()

    import_tensorflow()
    from rcvae_tf.generation.printing import describe_projection, describe_set
    from rcvae_tf.generation.stream import Drawing, prepare_set, write_set
    from rcvae_tf.run import load_run

    run = load_run(command.run)
    drawing = Drawing(command.seed, command.mean, command.noise, command.project)
    facts = prepare_set(run, plan, drawing, output, command.extrapolate, command.yes)
    tally = write_set(run, plan, drawing, output, facts, command.indicators)
    print(
        f"{output.path}: {facts.num_charges} synthetic charges of {facts.height * facts.width} "
        f"points, {facts.num_cells} synthetic cells ({output.format.name})",
        *describe_set(facts, plan, run.vocabulary),
        *(describe_projection(tally) if command.project else ()),
        sep="\n",
    )
    if command.figures is not None:
        from rcvae_tf.generation.pictures import draw_pictures

        print(*draw_pictures(run, plan, Path(command.figures)), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
