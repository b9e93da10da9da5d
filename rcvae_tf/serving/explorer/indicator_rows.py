"""State indicators of the draws and of the measured charge beside them, as rows of a table."""

from typing import Any

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.indicators.compute import Indicators, indicators_of
from rcvae_tf.indicators.table import INDICATORS, Indicator
from rcvae_tf.physical import Curves
from rcvae_tf.servable.facts import ServedFacts


def indicator_rows(
    draws: Curves, measured: Curves | None, facts: ServedFacts
) -> list[dict[str, Any]]:
    """The indicators that the draws or the measured charge have, in the order of `INDICATORS`.

    Args:
        draws: By signal, each of shape `(draws, points)`.
        measured: Likewise of one charge, or None.
        facts: Of the model.

    Returns:
        Rows of `label`, `unit`, `meaning`, `mean` and `spread` (standard deviation) of the draws
        that have it, `count` of those, and `measured`; None where there is no such number.
    """
    of_draws = _indicators(draws, facts)
    beside = {} if measured is None else _indicators(measured, facts)
    rows = [_row(row, of_draws[row.name], beside.get(row.name)) for row in INDICATORS]
    return [row for row in rows if row["mean"] is not None or row["measured"] is not None]


def _indicators(curves: Curves, facts: ServedFacts) -> Indicators:
    return indicators_of(curves, facts.nominal_capacity_ah, facts.max_voltage_v)


def _row(row: Indicator, draws: FloatArray, measured: FloatArray | None) -> dict[str, Any]:
    valid = draws[np.isfinite(draws)] * row.scale
    # One number has no spread.
    spread = float(valid.std(ddof=1)) if len(valid) > 1 else None
    is_measured = measured is not None and bool(np.isfinite(measured[0]))
    return {
        "label": row.label,
        "unit": row.unit,
        "meaning": row.meaning,
        "mean": float(valid.mean()) if len(valid) else None,
        "spread": spread,
        "count": len(valid),
        "measured": float(measured[0]) * row.scale if is_measured else None,  # type: ignore[index]
    }
