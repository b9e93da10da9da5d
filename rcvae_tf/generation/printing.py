"""What is said of generated charges beside the files that they are in."""

from typing import Any

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.plan import Plan
from rcvae_tf.generation.projection import ProjectionTally
from rcvae_tf.generation.support import describe_outside
from rcvae_tf.report.labels import QUANTITIES, UNITS


def describe_set(facts: SetFacts, plan: Plan, vocabulary: Vocabulary) -> list[str]:
    """Lines on the conditions: what they were matched with, what lies beyond the data, policies.

    Args:
        facts: Of the set that was generated.
        plan: What was wanted.
        vocabulary: Of the run.
    """
    conditions = facts.provenance["conditions"]
    lines = [
        _describe_one(conditions) if plan.num_conditions == 1 else _describe_many(conditions),
        *(f"extrapolated: {line}" for line in describe_outside(vocabulary, plan.labels)),
    ]
    for policy, match in facts.provenance["policy"].items():
        lines.append(f"policy {policy}: {_describe_match(match)}")
    return lines


def describe_projection(tally: ProjectionTally) -> list[str]:
    """Lines on what was repaired, a signal a line."""
    lines = [f"projected: {tally.changed} of {tally.charges} charges changed"]
    for name, change in tally.signals.items():
        unit = UNITS[name]
        lines.append(
            f"  {QUANTITIES[name]}: {change.charges} changed, by {change.largest:.2g} {unit} at "
            f"the most and {change.mean:.2g} {unit} in the mean"
        )
    if tally.integral_left_alone:
        lines.append(f"  not held to the integral of the current: {tally.integral_left_alone}")
    return lines


def _describe_one(conditions: dict[str, Any]) -> str:
    (eol, ecl), (matched_eol, matched_ecl) = conditions["asked"][0], conditions["matched"][0]
    return (
        f"asked EOL {eol} ECL {ecl}; matched EOL {matched_eol} ECL {matched_ecl} "
        f"at distance {conditions['distance'][0]:.3g} (weight {conditions['condition_weight']:g}); "
        f"{'in' if conditions['in_support'] else 'NOT in'} the support of the data"
    )


def _describe_many(conditions: dict[str, Any]) -> str:
    (eol, last_eol), (ecl, last_ecl) = conditions["eol"], conditions["ecl"]
    return (
        f"{conditions['number']} conditions, EOL {eol} to {last_eol}, ECL {ecl} to {last_ecl}; "
        f"{conditions['in_support']} in the support of the data; nearest known ones at distance "
        f"{conditions['distance_mean']:.3g} in the mean and {conditions['distance_max']:.3g} at "
        f"the most (weight {conditions['condition_weight']:g})"
    )


def _describe_match(match: dict[str, Any] | None) -> str:
    if match is None:
        return "the policies of the training data are not known"
    if match["seen_in_training"]:
        return "seen in training"
    return (
        f"not seen in training; the nearest, {match['nearest']}, differs by "
        f"{match['c_rate_difference']:.2f} C (RMS up to 80 % charged)"
    )
