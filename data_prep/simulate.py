"""`python -m data_prep.simulate`: simulated cells in the layout of the MATR files.

Needs the extra `simulate`. What it writes is no measurement and says so; see
`data_prep.simulation.charging` for what the simulation leaves out.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep.command_line import parse, run
from data_prep.errors import SettingsError
from data_prep.settings import setting, validate

NAME = "python -m data_prep.simulate"


@dataclass(frozen=True)
class SimulateConfig:
    """What to simulate and where to write it."""

    output: str = setting(help="folder to write to; for fewer than 124 cells, or a file (.mat)")
    cells: int = setting(
        12,
        help="cells to train on; 124 are those of MATR, with its three files and their defects, "
        "more are new ones",
        minimum=1,
        maximum=10_000,
    )
    cycles: int = setting(
        20,
        help="cycles of each cell, from the first to the end of its life at most",
        minimum=1,
        maximum=2500,
    )
    seed: int = setting(0, help="of the cells' spread and the sensors' noise", minimum=0)
    jobs: int | None = setting(
        None, help="processes that simulate (default: one a core)", minimum=1, maximum=1024
    )
    overwrite: bool = setting(False, help="replace files that lie at --output")

    def __post_init__(self) -> None:
        """Checks every setting.

        Raises:
            SettingsError: One that is out of its range.
        """
        validate(self)

    @property
    def num_jobs(self) -> int:
        """Processes to use."""
        return self.jobs or os.cpu_count() or 1

    def paths(self, names: list[str]) -> list[Path]:
        """Where files of these names go.

        Raises:
            SettingsError: `output` is one file and there are several names.
        """
        output = Path(self.output)
        if output.suffix != ".mat":
            return [output / name for name in names]
        if len(names) > 1:
            raise SettingsError(
                f"--output {output}: {self.cells} cells make {len(names)} files. Give a folder."
            )
        return [output]


def main(argv: list[str] | None = None) -> int:
    """Simulates cells and writes their files; returns the exit code."""
    return run(_command, argv, NAME)


def _command(argv: list[str] | None) -> None:
    (given,) = parse(NAME, __doc__, argv, SimulateConfig)
    config = SimulateConfig(**given)

    from data_prep.simulation.catalogue import file_plans
    from data_prep.simulation.writing import refuse_existing, write_files

    plans = file_plans(config.cells, config.seed)
    paths = config.paths([plan.name for plan in plans])
    if not config.overwrite:
        refuse_existing(paths)
    for path in write_files(plans, paths, config.cycles, config.num_jobs):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
