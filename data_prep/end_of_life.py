"""End of life of a cell: from its file, its discharge capacities, or as the user says."""

from dataclasses import dataclass
from statistics import median_high

from data_prep.records import Cell, DroppedCell

# Where an end of life is from.
FILE = "file"
CAPACITY = "capacity"
LAST_CYCLE = "last_cycle"

# Measured discharges that are looked at together: one of three may be broken off.
DISCHARGES_TOGETHER = 3


@dataclass(frozen=True)
class EndOfLife:
    """When a cell's life ends, and how that is known.

    Args:
        cycles: The number of the cycle.
        source: `FILE`, `CAPACITY`, or `LAST_CYCLE` where the user said so.
    """

    cycles: int
    source: str


def find_end_of_life(
    cell: Cell, eol_threshold: float, eol_fallback: str
) -> EndOfLife | DroppedCell:
    """The cycle at which a cell's life ends.

    Args:
        cell: Its `eol_cycles` counts where the file gives one; else the first cycle whose
            discharge capacity is below the threshold and stays there: the median of it and of
            the next two measured ones is below as well, at the end of the record that of as many
            as there are. A single discharge that was broken off ends no life; a capacity of 0
            (NASA has such) is not looked at.
        eol_threshold: Share of the nominal capacity that ends a life.
        eol_fallback: `drop`, or `last` to take the last cycle on record where the threshold is
            never crossed, or was crossed before the first measured discharge.

    Returns:
        The end of life, or the dropped cell with the reason.
    """
    if cell.eol_cycles is not None:
        return EndOfLife(cell.eol_cycles, FILE)
    limit_ah = eol_threshold * cell.nominal_capacity_ah
    measured = sorted((n, q) for n, q in cell.discharge_capacity_ah.items() if q > 0)
    below = _first_below(measured, limit_ah)
    if below is not None and below > measured[0][0]:
        return EndOfLife(below, CAPACITY)
    if eol_fallback == "last":
        return EndOfLife(max(cell.last_cycle, 1), LAST_CYCLE)
    if below is not None:
        reason, event = "eol_before_record", f"is below {limit_ah:.3g} Ah from cycle {below} on"
    else:
        reason, event = "eol_not_reached", f"never falls below {limit_ah:.3g} Ah"
        event += " to stay there" if any(q < limit_ah for _, q in measured) else ""
    detail = f"discharge capacity {event} (threshold {eol_threshold:g} of nominal)"
    return DroppedCell(cell.cell_id, cell.source_file, reason, detail)


def _first_below(measured: list[tuple[int, float]], limit_ah: float) -> int | None:
    """The first cycle from which on the capacity is below; None where it does not stay there."""
    for index, (number, capacity_ah) in enumerate(measured):
        together = [q for _, q in measured[index : index + DISCHARGES_TOGETHER]]
        # Of two that are left, both.
        if capacity_ah < limit_ah and median_high(together) < limit_ah:
            return number
    return None
