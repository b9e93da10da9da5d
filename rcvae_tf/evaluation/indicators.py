"""State indicators of generated against measured charges, beside those of two look-ups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.dataset_card import DatasetCard
from data_prep.records import FloatArray
from rcvae_tf.evaluation.intervals import INTERVAL_PERCENT
from rcvae_tf.indicators import INDICATORS, indicators_of
from rcvae_tf.indicators.compute import Indicators
from rcvae_tf.physical import Curves

# The baselines that are told the condition and give whole charges.
LOOK_UPS = ("nearest_label", "k_nearest_mean")
MEAN = "mean"


@dataclass(frozen=True)
class CellFacts:
    """What indicators need to know of the cell of each sample, NaN where the card does not say.

    Args:
        nominal_capacity_ah: Shape `(samples,)`.
        max_voltage_v: Likewise.
    """

    nominal_capacity_ah: FloatArray
    max_voltage_v: FloatArray

    def rows(self, rows: slice) -> "CellFacts":
        """Of some of the samples."""
        return CellFacts(self.nominal_capacity_ah[rows], self.max_voltage_v[rows])

    def indicators_of(self, curves: Curves) -> Indicators:
        """Of one charge for each sample; by signal, each of shape `(samples, points)`."""
        return indicators_of(curves, self.nominal_capacity_ah, self.max_voltage_v)

    def indicators_of_draws(self, draws: Curves) -> Indicators:
        """Each of shape `(draws, samples)`, of draws of shape `(draws, samples, points)`."""
        num_draws, num_samples, _ = next(iter(draws.values())).shape
        flat = {name: values.reshape(-1, values.shape[-1]) for name, values in draws.items()}
        repeated = CellFacts(
            np.tile(self.nominal_capacity_ah, num_draws), np.tile(self.max_voltage_v, num_draws)
        )
        return {
            name: values.reshape(num_draws, num_samples)
            for name, values in repeated.indicators_of(flat).items()
        }


def cell_facts(card: DatasetCard, cell_ids: NDArray[np.str_]) -> CellFacts:
    """The facts of the cell that each sample was measured on, for what is generated for it too."""

    def of_cells(fact: str) -> FloatArray:
        known = [card.cells.get(str(cell_id), {}).get(fact) for cell_id in cell_ids]
        return np.array([np.nan if value is None else value for value in known], np.float64)

    return CellFacts(of_cells("nominal_capacity_ah"), of_cells("max_voltage_v"))


def indicator_metrics(
    measured: Indicators, generated: Mapping[str, Indicators], draws: Indicators
) -> dict[str, Any]:
    """What `metrics.json` says of the indicators, each one by its name.

    Errors are those of the charges for which an indicator is valid in what was measured and in all
    that is compared with it, so that they are errors of the same charges; None where there is
    no such charge. An indicator that is valid for no measured charge is left out.

    Args:
        measured: Each of shape `(samples,)`.
        generated: What `MEAN` and each of `LOOK_UPS` have for the same conditions.
        draws: Each of shape `(draws, samples)`.
    """
    return {
        row.name: _compared(
            measured[row.name],
            {mode: values[row.name] for mode, values in generated.items()},
            draws[row.name],
        )
        for row in INDICATORS
        if np.isfinite(measured[row.name]).any()
    }


def _compared(
    measured: FloatArray, generated: dict[str, FloatArray], draws: FloatArray
) -> dict[str, Any]:
    known = np.isfinite(measured)
    shared = known & np.all([np.isfinite(values) for values in generated.values()], axis=0)
    errors = {mode: (values - measured)[shared] for mode, values in generated.items()}
    return {
        "measured_mean": float(measured[known].mean()),
        "measured_spread": float(measured[known].std()),
        "mae": {mode: _mean(np.abs(error)) for mode, error in errors.items()},
        "bias": _mean(errors[MEAN]),
        f"coverage_{INTERVAL_PERCENT}": _coverage(measured[known], draws[:, known]),
        "charges": {
            "all": len(measured),
            "measured": int(known.sum()),
            MEAN: int(np.isfinite(generated[MEAN]).sum()),
            "compared": int(shared.sum()),
        },
        "draws": float(np.isfinite(draws).mean()),
    }


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if len(values) else None


def _coverage(measured: FloatArray, draws: FloatArray) -> float | None:
    """Share of the measured values within the central interval of the valid draws of each.

    Ends lie at the place level * (draws + 1), as those of `intervals.score_draws`. A charge with
    fewer than half of its draws valid does not count.
    """
    counts = np.isfinite(draws).sum(axis=0)
    enough = counts >= max(len(draws) / 2, 1)
    if not enough.any():
        return None
    ordered = np.sort(draws[:, enough], axis=0)  # NaN come last
    outside = (1 - INTERVAL_PERCENT / 100) / 2
    low, high = (_quantile(ordered, counts[enough], level) for level in (outside, 1 - outside))
    inside = (low <= measured[enough]) & (measured[enough] <= high)
    return float(inside.mean())


def _quantile(ordered: FloatArray, counts: NDArray[np.int64], level: float) -> FloatArray:
    """Of the first `counts` of each column, which ascend."""
    place = np.clip(level * (counts + 1) - 1, 0, counts - 1)
    below = np.minimum(place.astype(np.int64), np.maximum(counts - 2, 0))
    low, high = (
        np.take_along_axis(ordered, points[None], axis=0)[0]
        for points in (below, np.minimum(below + 1, counts - 1))
    )
    return low + (place - below) * (high - low)
