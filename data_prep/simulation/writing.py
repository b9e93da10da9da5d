"""Files of simulated cells: planned, simulated, and written one after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from data_prep.errors import UserError
from data_prep.progress import progress_line
from data_prep.simulation.catalogue import FilePlan
from data_prep.simulation.fleet import simulate
from data_prep.simulation.matr_file import write_matr
from data_prep.simulation.sensors import SimulatedCell


def write_files(
    plans: Sequence[FilePlan], paths: Sequence[Path], num_cycles: int, jobs: int
) -> Iterator[Path]:
    """Simulates the cells of all files; yields each file as soon as it is complete.

    Args:
        plans: What is in the files.
        paths: Where they go, one for each plan.
        num_cycles: Cycles of each cell, from the first, to the end of its record at most.
        jobs: Processes; the files have the same bytes for any number.

    Raises:
        UserError: A file cannot be written, or PyBaMM is not installed.
    """
    specs = [spec for plan in plans for spec in plan.cells]
    cells = simulate(specs, range(1, num_cycles + 1), jobs)
    with closing(cells), progress_line("simulating cells", len(specs)) as done:
        for plan, path in zip(plans, paths, strict=True):
            write_matr(path, plan.date, _shown(islice(cells, len(plan.cells)), done))
            yield path


def refuse_existing(paths: Iterable[Path]) -> None:
    """Refuses to write over a file, before hours of work.

    Raises:
        UserError: Names the first one.
    """
    for path in paths:
        if path.exists():
            raise UserError(f"{path}: exists. Choose another --output, or add --overwrite.")


def _shown(cells: Iterable[SimulatedCell], done: Callable[[str], None]) -> Iterator[SimulatedCell]:
    for cell in cells:
        yield cell
        done(cell.spec.barcode)
