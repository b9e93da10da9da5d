"""Draws charges from a run, and says how far what was asked is from what is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from data_prep.protocol import policy_numbers
from data_prep.records import FloatArray
from rcvae_tf.conditions import Condition
from rcvae_tf.generation.policies import PolicyMatch, example_policy, match_policy
from rcvae_tf.generation.support import check_support
from rcvae_tf.physical import Curves
from rcvae_tf.run import Run, conditions_on_policy

# Charges are drawn so many at a time, whatever number is wanted; what is too many is left out.
BLOCK = 512


@dataclass(frozen=True)
class GeneratedCharges:
    """Charges of one condition.

    Args:
        condition: As it was asked for.
        policy: Likewise; empty for a run that is not conditioned on the charge policy.
        policy_match: The nearest policy of the training data; None where none is known.
        matched: The known condition that is nearest.
        distance: Between the two under Eq. 14, in weighted cycles.
        in_support: Whether EOL and ECL lie within those of the training data.
        curves: By signal, in physical units, each of shape `(samples, points)`.
        projected: Charges that were changed to keep to physics, shape `(samples,)`.
    """

    condition: Condition
    policy: str
    policy_match: PolicyMatch | None
    matched: Condition
    distance: float
    in_support: bool
    curves: Curves
    projected: NDArray[np.bool_]


def generate(
    run: Run,
    condition: Condition,
    samples: int,
    seed: int,
    *,
    mean: bool = False,
    policy: str | None = None,
    extrapolate: bool = False,
) -> GeneratedCharges:
    """Charges of a condition, each drawn for itself.

    Args:
        run: A trained run.
        condition: Wanted EOL and ECL; known to the run or not.
        samples: How many; 1 or more.
        seed: Same seed, same charges; the first of many are those of few.
        mean: Take the expected charge instead of draws; all samples are then alike.
        policy: Charge policy as text, for a run that is conditioned on it; known or not.
        extrapolate: Generate also beyond the EOL and ECL of the training data.

    Raises:
        SettingsError: Less than one sample; a policy that the run cannot use, or none where it
            needs one.
        ConditionError: EOL or ECL beyond the training data, and not `extrapolate`.
        UserError: The policy is not one.
    """
    if samples < 1:
        raise SettingsError(f"`samples` must be 1 or more. Received: samples={samples}.")
    if not extrapolate:
        check_support(run.vocabulary, condition)
    known_policies = run.data.get("training_policies", [])
    _check_policy(run, policy, known_policies)
    steps = policy_numbers(policy or "")[None]
    _check_steps(run, policy, steps)
    label = np.array([[condition.eol, condition.ecl]])
    index, distance = run.vocabulary.nearest(label)
    if mean:
        expected = run.mean_curves(label, steps)
        curves = {name: np.repeat(values, samples, axis=0) for name, values in expected.items()}
    else:
        curves = _drawn_curves(run, label, steps, samples, seed)
    return GeneratedCharges(
        condition=condition,
        policy=" ".join((policy or "").split()),  # a file has it on one line
        policy_match=match_policy(policy, known_policies) if policy else None,
        matched=run.vocabulary.conditions[index[0]],
        distance=float(distance[0]),
        in_support=bool(run.vocabulary.in_support(label)[0]),
        curves=curves,
        projected=np.zeros(samples, np.bool_),
    )


def _check_steps(run: Run, policy: str | None, steps: FloatArray) -> None:
    """The canvas has room for as many fast steps as the training policies have."""
    if not policy:
        return
    from rcvae_tf.model.policy import count_fast_steps

    most, count = run.model.data_facts["canvas"]["num_fast_steps"], count_fast_steps(steps)
    if count > most:
        raise SettingsError(
            f"--policy has {count} steps before the last one, those of the training data have "
            f"{most} at the most. Received: policy={policy!r}."
        )


def _drawn_curves(run: Run, label: NDArray, steps: FloatArray, samples: int, seed: int) -> Curves:
    """Whole blocks, each with noise of its own: so a draw does not depend on how many follow."""
    labels, policy_steps = np.repeat(label, BLOCK, axis=0), np.repeat(steps, BLOCK, axis=0)
    blocks = [
        run.draw_curves(labels, policy_steps, np.random.default_rng([seed, block]))
        for block in range(-(-samples // BLOCK))
    ]
    return {name: np.concatenate([b[name] for b in blocks])[:samples] for name in blocks[0]}


def _check_policy(run: Run, policy: str | None, known_policies: list[str]) -> None:
    if conditions_on_policy(run) and not policy:
        raise SettingsError(
            f"the run is conditioned on the charge policy: give --policy, such as "
            f'--policy "{example_policy(known_policies)}".'
        )
    if policy is not None and not conditions_on_policy(run):
        raise SettingsError(
            f"the run is not conditioned on the charge policy: leave out --policy, or train one "
            f"with --condition eol,ecl,policy. Received: policy={policy!r}."
        )
