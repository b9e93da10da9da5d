"""The table of the rules of cleaning: what each looks for, its threshold and where it is from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data_prep.charges.swings import CHARGING_C_RATE
from data_prep.cleaning import faults, faults_in_cell, odd_signals
from data_prep.records import GENERATED, PREPARED, RECORDED

# Amperes for C-rate are 10 % off in a 1.1 Ah cell; seconds for minutes are 60 times off.
CAPACITY_MISMATCH = 0.05
MIN_POINTS = 16


@dataclass(frozen=True)
class Rule:
    """One rule of cleaning.

    Args:
        name: In reports and cards; "voltage_stuck".
        looks_for: What a cycle has that is rejected.
        threshold: A cycle is sound up to it (or within it); None where there is nothing to set.
        unit: Of the threshold.
        source: Where the threshold is from.
        find: What is found, in words; its arguments are those of its part of the table.
    """

    name: str
    looks_for: str
    threshold: float | tuple[float, float] | None
    unit: str
    source: str
    find: Callable[..., Any]


# On the samples of a cycle, before the charge in it is looked for.
SAMPLE_RULES = (
    Rule(
        "unequal_lengths",
        "signals of one cycle with different numbers of samples",
        None,
        "",
        "samples that belong together have one time",
        faults.unequal_lengths,
    ),
    Rule(
        "time_not_finite",
        "NaN or infinity in the time, wherever in the cycle",
        0,
        "values",
        "where the charge lies and how long it takes is not known",
        faults.time_not_finite,
    ),
)

# On where the charge of a cycle lies.
NO_CHARGE = Rule(
    "no_charge",
    "a current that is never above this for two samples in a row",
    CHARGING_C_RATE,
    "C",
    "between the offset of a resting channel (NASA: 0.0025 C) and any cut-off current",
    faults.no_charge,
)

# On the samples of the charge, before it is cut.
NOT_FINITE = Rule(
    "not_finite",
    "NaN or infinity in a signal within the charge; a column of NaN alone is an absent signal",
    0,
    "values",
    "NASA B0025 cycle 31 has 2 in each signal; what they hide is not known",
    faults.not_finite,
)

# On the charge that was cut from a cycle.
CHARGE_RULES = (
    Rule(
        "too_few_points",
        "fewer samples in the charge",
        MIN_POINTS,
        "samples",
        "one row of the default frame",
        faults.too_few_points,
    ),
    Rule(
        "time_backwards",
        "a clock that starts again within the charge, or stands throughout",
        0.0,
        "s",
        "the length of the pause is lost; lone rows and midnight are mended before",
        faults.time_backwards,
    ),
    Rule(
        "voltage_out_of_range",
        "a voltage outside the range",
        (0.5, 5.0),
        "V",
        "beyond any lithium-ion cell in use; a charge of NASA B0005 has 8.4 V",
        faults.voltage_out_of_range,
    ),
    Rule(
        "voltage_above_limit",
        "a voltage this far above the limit of the charge, where it is known",
        0.15,
        "V",
        "measured overshoot: to 0.034 V (NASA at 4 degC), 0.002 V (attia)",
        faults.voltage_above_limit,
    ),
    Rule(
        "current_out_of_range",
        "a current outside the range",
        (-15.0, 15.0),
        "C",
        "the fastest policy of the fast-charge data is 8 C",
        faults.current_out_of_range,
    ),
    Rule(
        "temperature_out_of_range",
        "a temperature outside the range",
        (-40.0, 100.0),
        "degC",
        "below the electrolyte's freezing, above the separator's softening",
        faults.temperature_out_of_range,
    ),
    Rule(
        "capacity_out_of_range",
        "a charged capacity outside these shares of the nominal one",
        (0.05, 1.5),
        "of nominal",
        "measured: 0.29 to 1.11; near-empty records of NASA B0005 have 0.004",
        faults.capacity_out_of_range,
    ),
    Rule(
        "capacity_falls",
        "measured capacity that falls by more than this share of the nominal one, without a pulse "
        "that takes it out",
        1e-3,
        "of nominal",
        "far above the resolution of a coulomb counter",
        faults.capacity_falls,
    ),
    Rule(
        "capacity_mismatch",
        "integral of the current (or of the charging current alone, where that is nearer) over "
        "measured capacity, off 1 by more",
        CAPACITY_MISMATCH,
        "",
        "amperes for C-rate are off by 0.1 in a cell of 1.1 Ah",
        faults.capacity_mismatch,
    ),
    Rule(
        "gap",
        "a share of the nominal capacity charged between two samples",
        0.1,
        "of nominal",
        "measured: to 0.022 (128 points a charge); 16 even samples have 0.067",
        faults.gap,
    ),
    Rule(
        "voltage_spike",
        "a sample off both neighbours or off the median of 7, the current there quiet (within "
        "0.1 C)",
        0.1,
        "V",
        "measured: to 0.023 in 13 060 charges",
        odd_signals.voltage_spike,
    ),
    Rule(
        "temperature_spike",
        "a sample off both neighbours, or a step between two within 60 s",
        5.0,
        "K",
        "measured: steps to 0.3; the heat capacity of a cell forbids a leap",
        odd_signals.temperature_spike,
    ),
    Rule(
        "voltage_stuck",
        "a share of the charge's time at one voltage to the last digit, not held at the limit, "
        "while the current does not fall by a tenth; more where the digit is coarse",
        0.25,
        "of time",
        "measured: to 0.05 (plateau, 0.1 mV resolution)",
        odd_signals.voltage_stuck,
    ),
)

TEMPERATURE_STUCK = Rule(
    "temperature_stuck",
    "a share of the charge's time at one temperature to the last digit, above 0.5 C; where more "
    "than half of a cell's charges have it, its temperature is left out",
    0.5,
    "of time",
    "measured: to 0.11 (0.1 K resolution, 0.3 C); a digit of 0.5 K or more hides the warming",
    faults_in_cell.stuck_temperatures,
)

# On the charges of one cell that are sound by themselves.
CELL_RULES = (
    Rule(
        "duplicated_charge",
        "an earlier charge of the cell, sample by sample, the voltage within this",
        1e-4,
        "V",
        "measured: two charges of one cell differ by 3e-4 V or more somewhere",
        faults_in_cell.duplicated_charges,
    ),
    Rule(
        "truncated_charge",
        "an end 0.05 V below the limit without a taper, and less than this share of the usual "
        "capacity (median of 5 charges before and 5 behind)",
        0.8,
        "of usual",
        "measured: sound charges have 0.95 or more of the usual",
        faults_in_cell.truncated_charges,
    ),
    Rule(
        "partial_charge",
        "a full end, and less than this share of the usual capacity: a top-up",
        0.8,
        "of usual",
        "measured: 0.51 to 0.77 (NASA, 5 charges), sound charges 0.95 or more",
        faults_in_cell.partial_charges,
    ),
    TEMPERATURE_STUCK,
    Rule(
        "temperature_missing",
        "no temperature, in at most this share of the cell's charges",
        0.5,
        "of charges",
        "in more of them it was not measured, and is left out for all",
        faults_in_cell.missing_temperatures,
    ),
)

RULES = (*SAMPLE_RULES, NO_CHARGE, NOT_FINITE, *CHARGE_RULES, *CELL_RULES)

# A charge that breaks one of the others cannot be brought to the common grid.
OPTIONAL_RULES = tuple(
    rule.name
    for rule in (*CHARGE_RULES, *CELL_RULES)
    if rule.name not in ("too_few_points", "time_backwards")
)


# What befalls a record: lost, repeated and broken-off pieces of it, sensors that leap or stand
# still. What a model generates has no such past; two mean curves of neighbouring cycles are as near
# to each other as a copy would be. A grid may have any number of points.
RECORD_RULES = (
    "too_few_points",
    "gap",
    "voltage_spike",
    "temperature_spike",
    "voltage_stuck",
    *(rule.name for rule in CELL_RULES),
)
# By what the cycles of a cell are, the rules that are not asked. A prepared charge was judged when
# it was a record: what is left of it on a coarse grid would be judged otherwise.
NOT_ASKED = {
    RECORDED: (),
    PREPARED: tuple(
        rule.name for rule in (*CHARGE_RULES, *CELL_RULES) if rule.name != "time_backwards"
    ),
    GENERATED: RECORD_RULES,
}


def rule_rows() -> list[dict[str, str]]:
    """The table of the rules, a row each in the order in which they are asked."""
    return [
        {
            "rule": rule.name,
            "looks for": rule.looks_for,
            "threshold": f"{_written(rule.threshold)} {rule.unit}".strip(),
            "source of the threshold": rule.source,
        }
        for rule in RULES
    ]


def rules_as_markdown() -> str:
    """The table of the rules as the documents have it."""
    rows = rule_rows()
    titles = list(rows[0])
    lines = [titles, ["---"] * len(titles), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def _written(threshold: float | tuple[float, float] | None) -> str:
    if threshold is None:
        return ""
    if isinstance(threshold, tuple):
        return f"{threshold[0]:g} to {threshold[1]:g}"
    return f"{threshold:g}"
