"""The cells of the three published MATR files, in their order, from `severson_cells.csv`.

Policy and life of the 124 that the paper uses are published (Severson et al. 2019, doi
10.1038/s41560-019-0356-8, supplementary table 9; the three cells it lists with 4.36 C have 4.8 C in
the files). The other sixteen are in the files but not in the table: five continue cells of batch 1
(`continues`), five never reach 80 % of nominal, six have a noisy channel. What those eleven were
charged with is not published; they have the policy of the cell that follows.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Batch:
    """What the cells of one published file have in common.

    Args:
        date: Of the file.
        rest_s: Between the fast charge and the last step (data.matr.io; batch 2 as batch 3).
        life_level: Of the law of the lives of new cells.
        policy_suffix: What the file writes behind every policy.
    """

    date: str
    rest_s: float
    life_level: float
    policy_suffix: str = ""


BATCHES = {
    "b1": Batch("2017-05-12", rest_s=60.0, life_level=10.38),
    "b2": Batch("2017-06-30", rest_s=5.0, life_level=9.96),
    "b3": Batch("2018-04-12", rest_s=5.0, life_level=10.70, policy_suffix="-newstructure"),
}


@dataclass(frozen=True)
class PublishedCell:
    """A row of `severson_cells.csv`; what is not known is None or empty."""

    cell_id: str
    policy: str
    life: int | None
    fate: str
    continues: str
    added_cycles: int

    @property
    def batch(self) -> str:
        """The batch that its name begins with."""
        return self.cell_id.split("c")[0]


@cache
def severson_cells() -> tuple[PublishedCell, ...]:
    """The 140 cells of the three files, in their order."""
    text = files("data_prep.simulation").joinpath("severson_cells.csv").read_text("utf-8")
    return tuple(
        PublishedCell(
            cell_id=row["cell_id"],
            policy=row["policy"],
            life=int(row["life"]) if row["life"] else None,
            fate=row["fate"],
            continues=row["continues"],
            added_cycles=int(row["added_cycles"] or 0),
        )
        for row in csv.DictReader(text.splitlines())
    )


def cell_named(cell_id: str) -> PublishedCell:
    """The row of a cell."""
    return next(cell for cell in severson_cells() if cell.cell_id == cell_id)
