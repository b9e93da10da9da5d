"""Which cells to simulate, and which file holds them: the published ones, and new ones."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from data_prep.simulation.cells import CellSpec
from data_prep.simulation.new_cells import drawn_life, drawn_policy
from data_prep.simulation.severson import (
    BATCHES,
    Batch,
    PublishedCell,
    cell_named,
    severson_cells,
)

NUM_PUBLISHED = 124
CELLS_PER_FILE = 48  # of the files after the three published ones, as in the largest of them
SINGLE_FILE = "simulated_batchdata.mat"
# A MATR file is told by the date that begins its name and by its number of cells.
PUBLISHED_FILE = "{date}_batchdata_updated_struct_errorcorrect_simulated.mat"
FURTHER_FILE = "simulated_batch{number:03d}_batchdata.mat"

# The cells of the demo come first: they differ in policy and life as much as they can, and four
# policies come twice, with different lives.
DEMO_CELLS = (
    *("b1c11", "b1c41", "b2c26", "b3c33", "b2c46", "b1c9"),
    *("b1c45", "b3c38", "b2c3", "b1c42", "b1c21", "b1c7"),
)

# A cell that never reaches 80 %: so long a life, of which the record shows a quarter.
UNFINISHED_LIFE, UNFINISHED_RECORD = 4000, 1000


@dataclass(frozen=True)
class FilePlan:
    """A file to write.

    Args:
        name: Of the file.
        date: What it gives as the date of its batch.
        cells: In order.
    """

    name: str
    date: str
    cells: tuple[CellSpec, ...]


def file_plans(num_cells: int, seed: int) -> list[FilePlan]:
    """The files for a number of usable cells; a cell is the same however many there are.

    Fewer than 124 cells go into one file. With 124 there are three files, in which the further
    cells of the published files lie between them; more cells are new ones, in files of their own.
    """
    if num_cells < NUM_PUBLISHED:
        cells = tuple(published_cells(num_cells, seed))
        return [FilePlan(SINGLE_FILE, BATCHES["b1"].date, cells)]
    return [*_published_files(seed), *_further_files(num_cells - NUM_PUBLISHED, seed)]


def published_cells(num_cells: int, seed: int) -> list[CellSpec]:
    """The first of the 124, those of the demo before all others."""
    ordered = _in_fixed_order()[:num_cells]
    return [
        CellSpec(
            barcode=f"sim-b1-{index:02d}",
            policy=cell.policy,
            eol=_life(cell),
            seed=_seed(seed, index),
            rest_s=BATCHES[cell.batch].rest_s,
        )
        for index, cell in enumerate(ordered)
    ]


def _life(cell: PublishedCell) -> int:
    assert cell.life is not None, cell.cell_id
    return cell.life


def _seed(seed: int, index: int) -> int:
    """Words of a stream: those of the first cells do not depend on how many there are."""
    return int(np.random.SeedSequence(seed).generate_state(index + 1)[index])


def _in_fixed_order() -> list[PublishedCell]:
    usable = {cell.cell_id: cell for cell in severson_cells() if cell.life is not None}
    return [usable.pop(cell_id) for cell_id in DEMO_CELLS] + list(usable.values())


def _published_files(seed: int) -> Iterator[FilePlan]:
    specs = _specs_of_all(seed)
    for name, batch in BATCHES.items():
        cells = [specs[cell.cell_id] for cell in severson_cells() if cell.batch == name]
        yield FilePlan(PUBLISHED_FILE.format(date=batch.date), batch.date, tuple(cells))


def _specs_of_all(seed: int) -> dict[str, CellSpec]:
    """All 140 by name; the 124 have the seeds that they have in a single file."""
    usable = _in_fixed_order()
    order = usable + [cell for cell in severson_cells() if cell.life is None]
    indices = {cell.cell_id: index for index, cell in enumerate(order)}
    specs: dict[str, CellSpec] = {}
    for cell in severson_cells():
        specs[cell.cell_id] = _spec(cell, _seed(seed, indices[cell.cell_id]))
        if cell.continues:
            first = specs[cell.continues]
            begun = _life(cell_named(cell.continues)) - cell.added_cycles
            specs[cell.continues] = dataclasses.replace(
                first, record_cycles=begun, stated_life=float(begun)
            )
            specs[cell.cell_id] = dataclasses.replace(
                specs[cell.cell_id],
                eol=first.eol,
                seed=first.seed,
                cycles_before=begun,
                stated_life=float(cell.added_cycles),
            )
    return specs


def _spec(cell: PublishedCell, seed: int) -> CellSpec:
    batch = BATCHES[cell.batch]
    spec = CellSpec(
        barcode=f"sim-{cell.cell_id}",
        policy=cell.policy,
        eol=cell.life or drawn_life(cell.policy, batch.life_level, np.random.default_rng(seed)),
        seed=seed,
        rest_s=batch.rest_s,
        policy_suffix=batch.policy_suffix,
        noisy=cell.fate == "noisy",
    )
    if cell.fate != "unfinished":
        return spec
    return dataclasses.replace(
        spec, eol=UNFINISHED_LIFE, record_cycles=UNFINISHED_RECORD, stated_life=float("nan")
    )


def _further_files(num_cells: int, seed: int) -> Iterator[FilePlan]:
    cells = (_new_cell(index, seed) for index in range(num_cells))
    number = len(BATCHES) + 1
    while part := tuple(islice(cells, CELLS_PER_FILE)):
        date = _batch_of_file(number).date
        yield FilePlan(FURTHER_FILE.format(number=number), date, part)
        number += 1


def _batch_of_file(number: int) -> Batch:
    """Further files are like the published ones in turn."""
    return list(BATCHES.values())[(number - 1) % len(BATCHES)]


def _new_cell(index: int, seed: int) -> CellSpec:
    number, channel = divmod(index, CELLS_PER_FILE)
    number += len(BATCHES) + 1
    batch = _batch_of_file(number)
    draw = np.random.default_rng([seed, index])
    policy = drawn_policy(draw)
    return CellSpec(
        barcode=f"sim-b{number}c{channel}",
        policy=policy,
        eol=drawn_life(policy, batch.life_level, draw),
        seed=int(draw.integers(2**32)),
        rest_s=batch.rest_s,
    )
