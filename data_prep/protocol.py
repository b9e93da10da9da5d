"""Charge policies: from the text that a data set has to rates and states of charge as numbers.

"5.4C(40%)-3.6C" charges with 5.4 C to 40 % state of charge and with 3.6 C to 80 %; from there on
every cell of the MATR project charges with 1 C (Severson et al. 2019, doi
10.1038/s41560-019-0356-8, Methods). "0.75C" alone is one rate for the whole charge.

The spelling is that of the data sets of MIT, Stanford and TRI, and what it leaves out is a fact of
them: that a last rate behind steps ends at 80 %, and that 1 C follows. It is added to every text
of this spelling, whichever data set it is from. A protocol of another laboratory has to say all of
its steps: "5C(67%)-4C(100%)".
"""

import re
from dataclasses import dataclass

import numpy as np

from data_prep.errors import UserError
from data_prep.records import FloatArray

MAX_STEPS = 6  # one more than the longest published policies have (Attia et al. 2020)
MAX_C_RATE = 20.0
FAST_CHARGE_END_SOC = 0.8
# What follows the fast charge in MATR and in its sequels where the text does not say it.
LAST_C_RATE = 1.0

_STEP = re.compile(r"(?P<rate>\d+(\.\d+)?)C(\((?P<percent>\d+(\.\d+)?)%\))?", re.IGNORECASE)
# Batch 3 of MATR writes "5C(67%)-4C-newstructure".
_SUFFIX = re.compile(r"[-_ ]?new\w*$", re.IGNORECASE)


@dataclass(frozen=True)
class ChargeStep:
    """A constant current up to a state of charge.

    Args:
        current_c_rate: Positive.
        end_soc: Share of the nominal capacity at which the step ends, up to 1.
    """

    current_c_rate: float
    end_soc: float


def parse_policy(text: str) -> tuple[ChargeStep, ...]:
    """The steps of a policy, in order; the last one ends at a state of charge of 1.

    Args:
        text: As `policy_readable` has it: "5.4C(40%)-3.6C", or all of it,
            "4.8C(20%)-5.2C(40%)-4.16C(80%)-1C". Where steps come before it, a last rate without
            a percentage holds until 80 %, or until 100 % if 80 % are reached; 1 C follows. A
            suffix that begins with "new" says nothing of the charge and is left out.

    Raises:
        UserError: Another spelling, a rate or a state of charge that no policy has.
    """
    parts = [part.strip() for part in _SUFFIX.sub("", text.strip()).split("-")]
    steps: list[ChargeStep] = []
    for position, part in enumerate(parts, start=1):
        match = _STEP.fullmatch(part)
        if match is None:
            raise _policy_error(text, 'steps like "5.4C(40%)-3.6C"')
        if match["percent"] is None and position < len(parts):
            raise _policy_error(text, "a percentage behind every step but the last")
        end_soc = float(match["percent"]) / 100 if match["percent"] else _open_end(steps)
        steps.append(ChargeStep(float(match["rate"]), end_soc))
    return _checked(text, _completed(steps))


def policy_numbers(text: str) -> FloatArray:
    """A policy as numbers for a model, shape `(MAX_STEPS, 2)`: rate in C, state of charge at end.

    Rows beyond the last step repeat it, so that every row is a fact about the charge. All zero
    where the text is empty.

    Raises:
        UserError: As `parse_policy`.
    """
    if not text:
        return np.zeros((MAX_STEPS, 2), np.float32)
    steps = parse_policy(text)
    rows = [(step.current_c_rate, step.end_soc) for step in steps]
    return np.array(rows + [rows[-1]] * (MAX_STEPS - len(rows)), np.float32)


def _open_end(before: list[ChargeStep]) -> float:
    """Where a last rate without a percentage ends."""
    return FAST_CHARGE_END_SOC if before and before[-1].end_soc < FAST_CHARGE_END_SOC else 1.0


def _completed(steps: list[ChargeStep]) -> list[ChargeStep]:
    """With what follows at 80 %.

    MATR writes "4.8C(80%)-4.8C" for one rate to 80 %, and then 1 C as for every other cell; that
    repeated rate has nothing left to do.
    """
    first, *others = steps
    repeats = others and first.current_c_rate == others[-1].current_c_rate
    if len(steps) == 2 and repeats and first.end_soc == FAST_CHARGE_END_SOC:
        steps = [first]
    if steps[-1].end_soc == FAST_CHARGE_END_SOC:
        steps = [*steps, ChargeStep(LAST_C_RATE, 1.0)]
    return steps


def _checked(text: str, steps: list[ChargeStep]) -> tuple[ChargeStep, ...]:
    if any(not 0 < step.current_c_rate <= MAX_C_RATE for step in steps):
        raise _policy_error(text, f"rates above 0 and up to {MAX_C_RATE:g} C")
    ends = [step.end_soc for step in steps]
    if ends != sorted(set(ends)) or ends[0] <= 0 or ends[-1] != 1:
        raise _policy_error(text, "percentages that rise, and a last rate that holds to the end")
    if len(steps) > MAX_STEPS:
        raise _policy_error(text, f"{MAX_STEPS} steps at most")
    return tuple(steps)


def _policy_error(text: str, expected: str) -> UserError:
    return UserError(f"a charge policy must have {expected}. Received: policy={text!r}.")
