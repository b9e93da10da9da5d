"""What is said of generated charges beside the file that they are in."""

from rcvae_tf.conditions import Vocabulary
from rcvae_tf.generation.policies import PolicyMatch
from rcvae_tf.generation.projection import ProjectionReport
from rcvae_tf.generation.sampler import GeneratedCharges
from rcvae_tf.generation.support import describe_outside
from rcvae_tf.report.labels import QUANTITIES, UNITS


def describe_charges(charges: GeneratedCharges, vocabulary: Vocabulary) -> list[str]:
    """Lines on the condition: what was matched, what lies beyond the data, the policy.

    Args:
        charges: What was generated.
        vocabulary: Of the run.
    """
    asked, matched = charges.condition, charges.matched
    lines = [
        f"asked EOL {asked.eol} ECL {asked.ecl}; matched EOL {matched.eol} ECL {matched.ecl} "
        f"at distance {charges.distance:.3g} (weight {vocabulary.weight:g}); "
        f"{'in' if charges.in_support else 'NOT in'} the support of the data"
    ]
    lines += [f"extrapolated: {line}" for line in describe_outside(vocabulary, asked)]
    if charges.policy:
        lines.append(f"policy {charges.policy}: {_describe_match(charges.policy_match)}")
    return lines


def describe_projection(report: ProjectionReport) -> list[str]:
    """Lines on what was repaired, a signal a line."""
    lines = [f"projected: {report.changed.sum()} of {report.changed.size} charges changed"]
    for name, change in report.signals.items():
        unit = UNITS[name]
        lines.append(
            f"  {QUANTITIES[name]}: {change.charges} changed, by {change.largest:.2g} {unit} at "
            f"the most and {change.mean:.2g} {unit} in the mean"
        )
    if report.integral_left_alone:
        lines.append(f"  not held to the integral of the current: {report.integral_left_alone}")
    return lines


def _describe_match(match: PolicyMatch | None) -> str:
    if match is None:
        return "the policies of the training data are not known"
    if match.seen:
        return "seen in training"
    return (
        f"not seen in training; the nearest, {match.nearest}, differs by "
        f"{match.c_rate_difference:.2f} C (RMS up to 80 % charged)"
    )
