"""What a view asks for: read from the query of an address, each fault told with its field."""

from collections.abc import Mapping
from dataclasses import dataclass

from data_prep.errors import SettingsError, UserError
from data_prep.protocol import parse_policy
from data_prep.records import MOST_CYCLES
from rcvae_tf.generation.policies import example_policy, match_policy
from rcvae_tf.servable.facts import ServedFacts

MOST_DRAWS, DEFAULT_DRAWS = 50, 20
MOST_SEED, DEFAULT_SEED = 2**31 - 1, 0

# Longer is no number that could be meant, and `int` need not look at it.
MOST_DIGITS = 20
MOST_POLICY_CHARACTERS = 200
MOST_SHOWN = 40


class FieldError(SettingsError):
    """A field of the page holds something that it cannot.

    Args:
        field: Name in the query.
        message: One line: what was expected, what came.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Asked:
    """A view.

    Args:
        eol: Cycles, 1 to `MOST_CYCLES`.
        ecl: Likewise.
        draws: Number of charges drawn, 1 to `MOST_DRAWS`.
        seed: Of the first draw; those behind it have the seeds that follow.
        policy: Charge policy; empty for a model that is not told it.
    """

    eol: int
    ecl: int
    draws: int
    seed: int
    policy: str = ""

    @property
    def seeds(self) -> range:
        """Of the draws, in order."""
        return range(self.seed, self.seed + self.draws)


def asked_of(query: Mapping[str, str], facts: ServedFacts) -> Asked:
    """Reads a query: `eol`, `ecl`, and where they are not the defaults `draws`, `seed`, `policy`.

    Raises:
        FieldError: Names the field and what is expected in it.
    """
    return Asked(
        eol=_whole(query, "eol", "EOL", 1, MOST_CYCLES),
        ecl=_whole(query, "ecl", "ECL", 1, MOST_CYCLES),
        draws=_whole(query, "draws", "draws", 1, MOST_DRAWS, DEFAULT_DRAWS),
        seed=_whole(query, "seed", "seed", 0, MOST_SEED, DEFAULT_SEED),
        policy=_policy(query.get("policy", "").strip(), facts),
    )


def _whole(
    query: Mapping[str, str], name: str, label: str, low: int, high: int, default: int | None = None
) -> int:
    if name not in query and default is not None:
        return default
    text = query.get(name, "").strip()
    digits = text.removeprefix("-")
    is_whole = digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS
    if is_whole and low <= int(text) <= high:
        return int(text)
    received = f"{label}={_shortened(text)}" if text else "nothing"
    raise FieldError(
        name, f"{label} must be a whole number from {low} to {high}. Received: {received}."
    )


def _policy(text: str, facts: ServedFacts) -> str:
    if not facts.with_policy:
        if text:
            raise FieldError("policy", "policy: this model is not told a policy. Leave it out.")
        return ""
    if not text:
        example = example_policy(facts.training_policies)
        raise FieldError("policy", f"policy: this model needs one, such as {example}.")
    if len(text) > MOST_POLICY_CHARACTERS:
        raise FieldError("policy", f"policy: at most {MOST_POLICY_CHARACTERS} characters.")
    _check_steps(text, facts)
    return text


def _check_steps(policy: str, facts: ServedFacts) -> None:
    """Refuses a policy that cannot be read, or that is longer than any that was trained on."""
    try:
        fast_steps = len(parse_policy(policy)) - 1
    except UserError as error:
        raise FieldError("policy", str(error)) from error
    match = match_policy(policy, facts.training_policies)
    is_known = match is not None and match.seen
    if fast_steps > facts.most_fast_steps and not is_known:
        raise FieldError(
            "policy",
            f"policy has {fast_steps} steps before the last one, those of the training data have "
            f"{facts.most_fast_steps} at the most. Received: policy={_shortened(policy)!r}.",
        )


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."
