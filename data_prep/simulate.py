"""`python -m data_prep.simulate`: simulated cells in the layout of the MATR files.

Needs the extra `simulate`. What it writes is no measurement and says so; see
`data_prep.simulation.charging` for what the simulation leaves out.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from data_prep.command_line import parse, run
from data_prep.settings import setting, validate

NAME = "python -m data_prep.simulate"
FILE_NAME = "simulated_batchdata.mat"


@dataclass(frozen=True)
class SimulateConfig:
    """What to simulate and where to write it."""

    output: str = setting(help=f"file to write (.mat), or a folder that gets {FILE_NAME}")
    cells: int = setting(12, help="number of cells", minimum=1, maximum=12)
    # The shortest life of the demo's cells is 335 cycles; the ageing law ends with the life.
    cycles: int = setting(20, help="cycles of each cell, from the first", minimum=1, maximum=300)
    seed: int = setting(0, help="of the cells' spread and the sensors' noise", minimum=0)

    def __post_init__(self) -> None:
        """Checks every setting.

        Raises:
            SettingsError: One that is out of its range.
        """
        validate(self)

    @property
    def file(self) -> Path:
        """The file that `output` names or implies."""
        output = Path(self.output)
        return output if output.suffix == ".mat" else output / FILE_NAME


def main(argv: list[str] | None = None) -> int:
    """Simulates a batch of cells and writes it; returns the exit code."""
    return run(_command, argv, NAME)


def _command(argv: list[str] | None) -> None:
    (given,) = parse(NAME, __doc__, argv, SimulateConfig)
    config = SimulateConfig(**given)

    from data_prep.simulation.cells import demo_cells
    from data_prep.simulation.fleet import simulate
    from data_prep.simulation.matr_file import write_matr

    cells = simulate(demo_cells(config.cells, config.seed), range(1, config.cycles + 1))
    write_matr(config.file, cells)
    megabytes = config.file.stat().st_size / 1e6
    print(f"{config.file}: {config.cells} cells x {config.cycles} cycles, {megabytes:.2f} MB")


if __name__ == "__main__":
    sys.exit(main())
