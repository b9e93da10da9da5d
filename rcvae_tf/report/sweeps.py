"""Which charges of many differ in one of EOL and ECL alone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_LINES = 40  # more lie over one another
EOL, ECL = 0, 1  # columns of labels
NAMES = {EOL: "EOL", ECL: "ECL"}


class Sweep(NamedTuple):
    """Charges that differ in one of EOL and ECL.

    Args:
        swept: Column of the labels that differs, `EOL` or `ECL`.
        fixed: Value of the other column.
        rows: Of the charges, the swept value ascending.
    """

    swept: int
    fixed: int
    rows: NDArray[np.int64]

    @property
    def held(self) -> int:
        """Column of the labels that does not differ."""
        return EOL if self.swept == ECL else ECL


def find_sweeps(labels: NDArray) -> list[Sweep]:
    """The longest sweep over ECL and the longest one over EOL, each where there is one.

    Of several of one length the middle one is taken, and of a long one `MOST_LINES` charges that
    are spread over it, its ends among them.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`; of charges of one condition the first is taken.
    """
    conditions, first_rows = np.unique(np.asarray(labels), axis=0, return_index=True)
    sweeps = []
    for swept, held in ((ECL, EOL), (EOL, ECL)):
        values, counts = np.unique(conditions[:, held], return_counts=True)
        if counts.max(initial=0) < 2:
            continue
        longest = values[counts == counts.max()]
        fixed = int(longest[len(longest) // 2])
        rows = first_rows[conditions[:, held] == fixed]
        picks = np.linspace(0, len(rows) - 1, MOST_LINES).round().astype(int)
        sweeps.append(Sweep(swept, fixed, rows[np.unique(picks)]))
    return sweeps


def pictured_rows(labels: NDArray) -> NDArray[np.int64]:
    """Rows of the charges that the sweeps of many are made of, ascending.

    Args:
        labels: EOL and ECL, shape `(charges, 2)`.
    """
    rows = [sweep.rows for sweep in find_sweeps(labels)]
    return np.unique(np.concatenate([np.zeros(0, np.int64), *rows]))
