"""What the page has to know of the model before it asks for a charge."""

from typing import Any

import numpy as np

from data_prep.records import MOST_CYCLES
from rcvae_tf.report.frames import colour_key_in_words
from rcvae_tf.report.labels import QUANTITIES, SYMBOLS, UNITS
from rcvae_tf.serving.explorer.asked import DEFAULT_DRAWS, DEFAULT_SEED, MOST_DRAWS, MOST_SEED
from rcvae_tf.serving.explorer.downloads import bdf_lacks
from rcvae_tf.serving.explorer.explorable import Explorable


def about(model: Explorable) -> dict[str, Any]:
    """Ranges, signals and the view to begin with, ready for JSON."""
    facts = model.facts
    return {
        "model": {
            "name": model.name,
            "version": model.version,
            "preset": facts.preset,
            "split": facts.split,
            "conditions": facts.num_conditions,
            "nominal_capacity_ah": facts.nominal_capacity_ah,
            "max_voltage_v": facts.max_voltage_v,
            "provenance": facts.provenance,
        },
        "signals": [
            {"name": name, "label": QUANTITIES[name], "symbol": SYMBOLS[name], "unit": UNITS[name]}
            for name in SYMBOLS
            if name in facts.signals
        ],
        "has_time": "elapsed_time_s" in facts.signals,
        "colours": colour_key_in_words({name: np.zeros(0) for name in facts.signals}),
        "limits": {
            "eol": {"least": 1, "most": MOST_CYCLES, "trained": facts.eol_range},
            "ecl": {"least": 1, "most": MOST_CYCLES, "trained": facts.ecl_range},
            "draws": {"least": 1, "most": MOST_DRAWS},
            "seed": {"least": 0, "most": MOST_SEED},
        },
        "policies": facts.training_policies if facts.with_policy else None,
        "bdf_lacks": bdf_lacks(facts),
        "start": _start(model),
    }


def _start(model: Explorable) -> dict[str, Any]:
    """The middle of the training data; where charges travel with the model, the one nearest to it.

    So that the first view has something measured to be compared with.
    """
    facts = model.facts
    eol, ecl = (sum(ends) // 2 for ends in (facts.eol_range, facts.ecl_range))
    policy = next(iter(facts.training_policies), "")
    if model.measured is not None and len(model.measured):
        row = model.measured.nearest(eol, ecl)
        eol, ecl = model.measured.labels[row].tolist()
        policy = str(model.measured.policies[row]) or policy
    start = {"eol": eol, "ecl": ecl, "draws": DEFAULT_DRAWS, "seed": DEFAULT_SEED}
    return {**start, "policy": policy if facts.with_policy else ""}
