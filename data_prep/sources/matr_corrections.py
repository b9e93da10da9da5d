"""Known defects of the MATR data set (Severson et al. 2019), one row each with its reference.

They hold for the three published files alone; `data_prep.sources.matr` tells those by name and
number of cells.
"""

from typing import NamedTuple

# https://github.com/rdbraatz/data-driven-prediction-of-battery-cycle-life-before-capacity-degradation
LOAD_DATA = "rdbraatz/data-driven-prediction-of-battery-cycle-life: Load Data.ipynb"


class Batch(NamedTuple):
    """One published file: how its name begins, what its cells are called, how many they are."""

    date: str
    name: str
    num_cells: int


class Continuation(NamedTuple):
    """A cell whose test went on in another batch under another name."""

    cell_id: str
    continued_as: str
    added_cycles: int
    reference: str


class Exclusion(NamedTuple):
    """A cell that is left out."""

    cell_id: str
    reason: str
    reference: str


BATCHES = (
    Batch("2017-05-12", "b1", 46),
    Batch("2017-06-30", "b2", 48),
    Batch("2018-04-12", "b3", 46),
)

CONTINUATIONS = (
    Continuation("b1c0", "b2c7", 662, LOAD_DATA),
    Continuation("b1c1", "b2c8", 981, LOAD_DATA),
    Continuation("b1c2", "b2c9", 1060, LOAD_DATA),
    Continuation("b1c3", "b2c15", 208, LOAD_DATA),
    Continuation("b1c4", "b2c16", 482, LOAD_DATA),
)

_UNFINISHED = "does not reach 80 % of its nominal capacity"
# The 2019 list named b3c38 and b3c39 by an index shift, mended in May 2021.
_NOISY = "noisy channel"

EXCLUSIONS = (
    *(Exclusion(f"b1c{k}", _UNFINISHED, LOAD_DATA) for k in (8, 10, 12, 13, 22)),
    *(Exclusion(f"b3c{k}", _NOISY, LOAD_DATA + ", 52713d3") for k in (2, 23, 32, 37, 42, 43)),
)
