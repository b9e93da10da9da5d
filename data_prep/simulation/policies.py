"""Fast-charge policies: from the text of the MATR data set to the steps of a charge.

"5.4C(40%)-3.6C" charges with 5.4 C to 40 % state of charge and with 3.6 C to 80 %; what follows
at 80 % is the same for every policy, 1 C to 3.6 V and then constant voltage (Severson et al.
2019, doi 10.1038/s41560-019-0356-8, Methods).
"""

import re
from dataclasses import dataclass

from data_prep.errors import UserError

NOMINAL_CAPACITY_AH = 1.1  # A123 APR18650M1A; 1 C is 1.1 A
FAST_CHARGE_END_SOC = 0.8
MAX_STEPS = 4  # as many as the longest published policies have (Attia et al. 2020)
MAX_C_RATE = 10.0

_STEP = re.compile(r"(?P<rate>\d+(\.\d+)?)C(\((?P<percent>\d+(\.\d+)?)%\))?")


@dataclass(frozen=True)
class ChargeStep:
    """A constant current up to a state of charge.

    Args:
        current_c_rate: Positive.
        end_soc: Share of the nominal capacity at which the step ends, up to 0.8.
    """

    current_c_rate: float
    end_soc: float


def parse_policy(text: str) -> tuple[ChargeStep, ...]:
    """The fast-charge steps of a policy, in order; the last one ends at 80 %.

    Args:
        text: As `policy_readable` has it: "5.4C(40%)-3.6C". More steps are allowed,
            "4.8C(20%)-5.2C(40%)-4.16C(80%)-1C". A last rate without a percentage holds until
            80 %; behind a step that ends there it has nothing left to do.

    Raises:
        UserError: Another spelling, a rate or a state of charge that no policy has.
    """
    parts = text.split("-")
    steps = []
    for position, part in enumerate(parts, start=1):
        match = _STEP.fullmatch(part.strip())
        if match is None:
            raise _policy_error(text, 'steps like "5.4C(40%)-3.6C"')
        if match["percent"] is None and position < len(parts):
            raise _policy_error(text, "a percentage behind every step but the last")
        percent = match["percent"] or 100 * FAST_CHARGE_END_SOC
        steps.append(ChargeStep(float(match["rate"]), float(percent) / 100))
    return _checked(text, steps)


def policy_code(text: str) -> str:
    """The spelling of MATR's other text field, `policy`: "5_4C-40PER_3_6C"."""
    first, *others = text.replace(".", "_").split("-")
    return "-".join(first.replace("%)", "PER").split("(")) + "".join(f"_{part}" for part in others)


def _checked(text: str, steps: list[ChargeStep]) -> tuple[ChargeStep, ...]:
    if any(not 0 < step.current_c_rate <= MAX_C_RATE for step in steps):
        raise _policy_error(text, f"rates above 0 and up to {MAX_C_RATE:g} C")
    if len(steps) > 1 and steps[-2].end_soc == FAST_CHARGE_END_SOC:
        steps = steps[:-1]
    ends = [step.end_soc for step in steps]
    if ends != sorted(set(ends)) or ends[0] <= 0 or ends[-1] != FAST_CHARGE_END_SOC:
        raise _policy_error(text, "percentages that rise to 80 at most")
    if len(steps) > MAX_STEPS:
        raise _policy_error(text, f"{MAX_STEPS} steps at most before 80 %")
    return tuple(steps)


def _policy_error(text: str, expected: str) -> UserError:
    return UserError(f"a charge policy must have {expected}. Received: policy={text!r}.")
