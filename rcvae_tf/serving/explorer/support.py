"""What a condition was matched with, and how far it lies beyond the training data, in words."""

from typing import Any

import numpy as np

from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.generation.policies import match_policy
from rcvae_tf.generation.support import describe_outside
from rcvae_tf.servable.facts import ServedFacts
from rcvae_tf.serving.explorer.asked import Asked
from rcvae_tf.serving.explorer.drawn import Drawn


def support_of(asked: Asked, drawn: Drawn, facts: ServedFacts) -> dict[str, Any]:
    """Match and support of a view, ready for JSON.

    Returns:
        `eol`, `ecl` and `distance` of the match; `in_support`; `beyond`, a line for each of EOL and
        ECL that lies beyond the training data; `policy`, None for a model that is not told it.
    """
    return {
        "eol": drawn.matched_eol,
        "ecl": drawn.matched_ecl,
        "distance": round(drawn.distance, 3),
        "in_support": drawn.in_support,
        "beyond": describe_outside(_corners(facts), np.array([[asked.eol, asked.ecl]])),
        "policy": _policy(asked, facts),
    }


def _corners(facts: ServedFacts) -> Vocabulary:
    """Two conditions that span the range of the training data."""
    corners = zip(facts.eol_range, facts.ecl_range, strict=True)
    return Vocabulary([Condition(*corner) for corner in corners], facts.condition_weight)


def _policy(asked: Asked, facts: ServedFacts) -> dict[str, Any] | None:
    match = match_policy(asked.policy, facts.training_policies) if facts.with_policy else None
    if match is None:
        return None
    return {
        "nearest": match.nearest,
        "seen": match.seen,
        "c_rate_difference": round(match.c_rate_difference, 3),
    }
