"""What the simulated cycler can charge with: fast-charge steps to 80 %, then 1 C."""

from data_prep.errors import UserError
from data_prep.protocol import FAST_CHARGE_END_SOC, LAST_C_RATE, ChargeStep, parse_policy

NOMINAL_CAPACITY_AH = 1.1  # A123 APR18650M1A; 1 C is 1.1 A
MAX_FAST_STEPS = 4  # as many as the longest published policies have (Attia et al. 2020)


def fast_charge_steps(text: str) -> tuple[ChargeStep, ...]:
    """The steps of a policy before 80 %, in order.

    Raises:
        UserError: A text that is no policy, or one that does not go on with 1 C from 80 %.
    """
    *fast, last = parse_policy(text)
    ends_with_1c = last == ChargeStep(LAST_C_RATE, 1.0)
    if not ends_with_1c or not fast or fast[-1].end_soc != FAST_CHARGE_END_SOC:
        raise UserError(
            f"the simulated cycler charges to 80 % and then with 1 C. Received: policy={text!r}."
        )
    if len(fast) > MAX_FAST_STEPS:
        raise UserError(
            f"the simulated cycler has {MAX_FAST_STEPS} steps before 80 %. Received: "
            f"policy={text!r}."
        )
    return tuple(fast)


def policy_code(text: str) -> str:
    """The spelling of MATR's other text field, `policy`: "5_4C-40PER_3_6C"."""
    first, *others = text.replace(".", "_").split("-")
    return "-".join(first.replace("%)", "PER").split("(")) + "".join(f"_{part}" for part in others)
