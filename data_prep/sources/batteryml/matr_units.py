"""MATR cells as pickles: fields named `time_in_s` and `current_in_A` that hold neither.

BatteryML copies the minutes and C-rates of the published files into them; BatteryLife multiplies
the time by 60 and leaves the C-rate. Only the measured capacity tells which of them wrote a file.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SECONDS_PER_MINUTE = 60.0
MAX_VOLTAGE_V = 3.6  # BatteryML writes 3.5 into its pickles

# Cells that the reader of the published files leaves out (its defects.csv has the references);
# here they are named, as a folder of pickles may hold them for a reason.
NOISY, UNFINISHED = "noisy channel", "does not reach 80 % of its nominal capacity"
DEFECTS = {
    **dict.fromkeys(("b1c8", "b1c10", "b1c12", "b1c13", "b1c22"), UNFINISHED),
    **dict.fromkeys(("b3c2", "b3c23", "b3c32", "b3c37", "b3c42", "b3c43"), NOISY),
}

CYCLES_TO_LOOK_AT = 20
LEAST_POINTS = 16
LEAST_CAPACITY_SHARE = 0.05
# The readings are 9 % apart; the current integrates to the capacity within 1 %.
TOLERANCE = 0.04


class Reading(NamedTuple):
    """What the columns of a file are multiplied with to be seconds and C-rates."""

    seconds: float
    c_rates: float


class UnitsTold(NamedTuple):
    """What the columns are multiplied with to be seconds and A; what is to be said of it."""

    seconds: float
    amperes: float
    note: str | None


def is_matr(path: Path, cell_id: Any) -> bool:
    """Whether a pickle is of a MATR cell, by its name or its own `cell_id`."""
    names = (path.stem, cell_id if isinstance(cell_id, str) else "")
    return any(name.upper().startswith("MATR") for name in names)


def defect_notes(path: Path) -> tuple[str, ...]:
    """What is known to be wrong with the cell of a pickle such as `MATR_b3c37.pkl`."""
    defect = DEFECTS.get(path.stem.lower().removeprefix("matr_"))
    if defect is None:
        return ()
    return (f"known defect of MATR: {defect}; --exclude leaves the cell out",)


def told_from_capacity(
    cycles: Iterable[Mapping[str, Any]], nominal_capacity_ah: float
) -> UnitsTold:
    """The units of a MATR pickle, told by what its current adds up to.

    Args:
        cycles: Series `time_s`, `current`, `charge_capacity_ah` as the file has them.
        nominal_capacity_ah: 1 C in A.

    Returns:
        The reading under which the current adds up to the charge capacity; where there is none,
        the columns as they are named, for the check of units to refuse.
    """
    ratios = [
        ratio
        for cycle in islice(cycles, CYCLES_TO_LOOK_AT)
        if (ratio := _ratio(cycle, nominal_capacity_ah)) is not None
    ]
    as_named = UnitsTold(1.0, 1.0, None)
    readings = (
        as_named,
        UnitsTold(1.0, nominal_capacity_ah, "current is a C-rate, told from the capacity"),
        UnitsTold(
            SECONDS_PER_MINUTE,
            nominal_capacity_ah,
            "time is in minutes and current a C-rate, told from the capacity",
        ),
    )
    ratio = float(np.median(ratios)) if ratios else np.nan
    fitting = (r for r in readings if abs(ratio * r.seconds * r.amperes - 1) <= TOLERANCE)
    return next(fitting, as_named)


def _ratio(cycle: Mapping[str, Any], nominal_capacity_ah: float) -> float | None:
    """Charge as the sum of current over time, by the capacity gained meanwhile."""
    series = [cycle["time_s"], cycle["current"], cycle["charge_capacity_ah"]]
    if any(values is None for values in series) or len({values.size for values in series}) > 1:
        return None
    time, current, capacity_ah = series
    if time.size < LEAST_POINTS:
        return None
    mean_current = (current[1:] + current[:-1]) / 2
    charging = mean_current > 0
    summed = float(np.sum((mean_current * np.diff(time))[charging])) / 3600.0
    gained_ah = float(np.sum(np.diff(capacity_ah)[charging]))
    return summed / gained_ah if gained_ah > LEAST_CAPACITY_SHARE * nominal_capacity_ah else None
