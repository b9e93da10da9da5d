"""Charge protocols of BatteryML as the text of a charge policy: "5.4C(40%)-3.6C"."""

from typing import Any

# Up to here a policy says its rates; `data_prep.protocol` reads a last rate without a percentage
# as one that holds so long, and 1 C after it.
FAST_CHARGE_END_SOC = 0.8
HIGHEST = 1e6  # of a rate, current or percentage; a number beyond is none of them


def policy_text(protocol: Any, nominal_capacity_ah: float, one_c_follows: bool) -> str | None:
    """The rates of a protocol in the spelling of `data_prep.protocol`.

    Args:
        protocol: `charge_protocol` of a cell, a list of dicts with `rate_in_C` or
            `current_in_A`, and `end_soc` as a share; as percent above 1, as BatteryML writes it
            for MATR. A stage at constant voltage may end the list.
        nominal_capacity_ah: 1 C in A.
        one_c_follows: The protocol leaves out the 1 C after its rates, as that of MATR does.

    Returns:
        None where it gives no rates, or a rate before the last does not say where it ends.
    """
    steps = [step for step in protocol if isinstance(step, dict)] if _is_list(protocol) else []
    while steps and _rate(steps[-1], nominal_capacity_ah) is None and steps[-1].get("voltage_in_V"):
        steps.pop()
    rates = [_rate(step, nominal_capacity_ah) for step in steps]
    ends = [_end_soc(step) for step in steps[:-1]]
    if not rates or None in rates or None in ends:
        return None
    parts = [f"{rate:g}C({100 * end:g}%)" for rate, end in zip(rates, ends, strict=False) if end]
    open_end = not ends or one_c_follows or (ends[-1] or 0) >= FAST_CHARGE_END_SOC
    return "-".join([*parts, f"{rates[-1]:g}C" + ("" if open_end else "(100%)")])


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _rate(step: dict[Any, Any], nominal_capacity_ah: float) -> float | None:
    rate, current_a = _number(step.get("rate_in_C")), _number(step.get("current_in_A"))
    if rate is None and current_a is not None:
        return current_a / nominal_capacity_ah
    return rate


def _end_soc(step: dict[Any, Any]) -> float | None:
    end = _number(step.get("end_soc"))
    return end / 100 if end is not None and end > 1 else end


def _number(value: Any) -> float | None:
    """A number above 0, else None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < HIGHEST else None
