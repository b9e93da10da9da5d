"""The numbers of a view: all that the page shows, ready for JSON."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from data_prep.records import FloatArray
from rcvae_tf.conditions import condition_distance
from rcvae_tf.physical import Curves
from rcvae_tf.report.frames import colour_frames, grey_frames
from rcvae_tf.report.labels import SYMBOLS
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.servable.layout import tensor_of
from rcvae_tf.servable.measured import Measured
from rcvae_tf.serving.explorer.asked import Asked
from rcvae_tf.serving.explorer.drawn import Drawn
from rcvae_tf.serving.explorer.indicator_rows import indicator_rows
from rcvae_tf.serving.explorer.support import support_of

BAND = (0.05, 0.95)


def view_of(
    asked: Asked, drawn: Drawn, facts: ServedFacts, measured: Measured | None
) -> dict[str, Any]:
    """Everything that `/explorer/charges` says beside the name and version of the model.

    Args:
        asked: The view.
        drawn: Its charges.
        facts: Of the model.
        measured: Charges of the training data, if there are any.

    Returns:
        `curves` by kind (`draws`, of shape `(draws, points)`; `expected`, `low` and `high`, of
        shape `(points,)`) and tensor; `measured`, a charge likewise with its label, or None;
        `match`; `frames`; `indicators`; `asked`.
    """
    nearest = _nearest(asked, measured)
    return {
        "asked": {**vars(asked), "last_seed": asked.seeds[-1]},
        "curves": {
            "draws": _by_tensor(drawn.draws),
            "expected": _by_tensor(_first(drawn.expected)),
            **_band(drawn.draws),
        },
        "measured": None if nearest is None else _label(asked, nearest),
        "match": support_of(asked, drawn, facts),
        "frames": {
            "generated": _frames(drawn.expected, facts),
            "measured": None if nearest is None else _frames(nearest.curves, facts),
        },
        "indicators": indicator_rows(drawn.draws, nearest.curves if nearest else None, facts),
    }


def _band(draws: Curves) -> dict[str, Curves]:
    """Quantiles over the draws at each point; of the time there is none."""
    signals = {name: values for name, values in draws.items() if name in SYMBOLS}
    ends = {name: np.quantile(v, BAND, axis=0).astype(np.float32) for name, v in signals.items()}
    return {
        side: _by_tensor({name: values[k] for name, values in ends.items()})
        for k, side in enumerate(("low", "high"))
    }


def _nearest(asked: Asked, measured: Measured | None) -> Measured | None:
    """The measured charge nearest to a view, alone."""
    if measured is None or not len(measured):
        return None
    row = measured.nearest(asked.eol, asked.ecl, asked.policy)
    rows = slice(row, row + 1)
    return replace(
        measured,
        curves={name: values[rows] for name, values in measured.curves.items()},
        labels=measured.labels[rows],
        cell_ids=measured.cell_ids[rows],
        policies=measured.policies[rows],
    )


def _label(asked: Asked, nearest: Measured) -> dict[str, Any]:
    eol, ecl = nearest.labels[0].tolist()
    distance = condition_distance(asked.eol, asked.ecl, eol, ecl, nearest.condition_weight)
    return {
        "cell": str(nearest.cell_ids[0]),
        "eol": eol,
        "ecl": ecl,
        "policy": str(nearest.policies[0]),
        "distance": round(float(distance), 3),
        "curves": _by_tensor(_first(nearest.curves)),
    }


def _frames(curves: Curves, facts: ServedFacts) -> dict[str, FloatArray]:
    """The grey and the colour frame of one charge, 0 to 255, rows of a frame first."""
    signals = {name: values for name, values in curves.items() if name in SYMBOLS}
    ranges = {name: (low, high) for name, (low, high) in facts.signal_ranges.items()}
    grid = (facts.height, facts.width)
    return {
        name: np.rint(255 * frames(signals, ranges, grid)[0]).astype(np.uint8, "C")
        for name, frames in (("grey", grey_frames), ("colour", colour_frames))
    }


def _by_tensor(curves: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """By the names that the REST interface has; contiguous, as the JSON needs them."""
    return {tensor_of(name): np.ascontiguousarray(values) for name, values in curves.items()}


def _first(curves: Curves) -> Curves:
    return {name: values[0] for name, values in curves.items()}
