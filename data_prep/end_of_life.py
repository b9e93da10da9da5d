"""End of life of a cell: from its file, its discharge capacities, or as the user says."""

from data_prep.records import Cell, DroppedCell


def end_of_life(cell: Cell, eol_threshold: float, eol_fallback: str) -> int | DroppedCell:
    """The cycle at which a cell's life ends.

    Args:
        cell: Its `eol_cycles` counts where the file gives one; else the first cycle whose
            discharge capacity is below the threshold. A capacity of 0 is a discharge that was
            broken off (NASA has such), not one of the cell.
        eol_threshold: Share of the nominal capacity that ends a life.
        eol_fallback: `drop`, or `last` to take the last cycle on record where the threshold is
            never crossed, or was crossed before the first measured discharge.

    Returns:
        The number of the cycle, or the dropped cell with the reason.
    """
    if cell.eol_cycles is not None:
        return cell.eol_cycles
    limit_ah = eol_threshold * cell.nominal_capacity_ah
    measured = sorted((n, q) for n, q in cell.discharge_capacity_ah.items() if q > 0)
    below = [n for n, q in measured if q < limit_ah]
    if below and below[0] > measured[0][0]:
        return below[0]
    if eol_fallback == "last":
        return max(cell.last_cycle, 1)
    if below:
        reason, event = "eol_before_record", f"is below {limit_ah:.3g} Ah from cycle {below[0]} on"
    else:
        reason, event = "eol_not_reached", f"never falls below {limit_ah:.3g} Ah"
    detail = f"discharge capacity {event} (threshold {eol_threshold:g} of nominal)"
    return DroppedCell(cell.cell_id, cell.source_file, reason, detail)
