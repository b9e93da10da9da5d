"""What every indicator is: its unit, its meaning, its source, and where it is valid."""

from typing import NamedTuple

SEVERSON = "Severson et al. 2019, doi 10.1038/s41560-019-0356-8"
ATTIA = "Attia et al. 2020, doi 10.1038/s41586-020-1994-5"
WILLIARD = "Williard et al. 2013, IJPHM 4(1)"
BIOLOGIC = "BioLogic, Application Note 38"
BARAI = "Barai et al. 2018, doi 10.1038/s41598-017-18424-5"
DUBARRY = "Dubarry and Anseán 2022, doi 10.3389/fenrg.2022.1023555"
FENG = "Feng et al. 2013, doi 10.1016/j.jpowsour.2013.01.018"
DEFINITION = "definition"

WITH_TEMPERATURE = "temperature measured"
WITH_HOLD = "charge ends at its voltage limit, current falling; one policy"
SOC_OF_NOMINAL = "cell empty before; SOC is a share of the nominal capacity"


class Indicator(NamedTuple):
    """A row of the table.

    Args:
        name: In the answer of `indicators_of`; it ends with the unit of that.
        label: For tables and axes, without the unit.
        unit: In which tables and figures show it.
        scale: Factor from the unit of `name` to that one.
        meaning: What it is.
        source: Where its definition is from.
        validity: Where it says something; elsewhere it is NaN or does not compare.
    """

    name: str
    label: str
    unit: str
    scale: float
    meaning: str
    source: str
    validity: str


INDICATORS: tuple[Indicator, ...] = (
    Indicator(
        "charge_throughput_ah",
        "throughput",
        "mAh",
        1e3,
        "charge moved, first point to last",
        SEVERSON,
        "the cell's capacity if it was empty before and is full after",
    ),
    Indicator(
        "capacity_soh",
        "capacity SOH",
        "%",
        100.0,
        "throughput over nominal capacity",
        SEVERSON,
        "as throughput; nominal capacity known",
    ),
    Indicator(
        "charge_energy_wh",
        "energy",
        "mWh",
        1e3,
        "integral of V dQ, trapezoid",
        DEFINITION,
        "as throughput; includes heat in the resistance",
    ),
    Indicator(
        "mean_charge_voltage_v",
        "mean voltage",
        "mV",
        1e3,
        "energy over throughput",
        DEFINITION,
        "charge moved; one policy",
    ),
    Indicator(
        "cc_time_s",
        "CC time",
        "s",
        1.0,
        "time below the voltage limit, rests included",
        WILLIARD,
        WITH_HOLD,
    ),
    Indicator(
        "cv_time_s",
        "CV time",
        "s",
        1.0,
        "time at the voltage limit",
        WILLIARD,
        f"{WITH_HOLD}, one cut-off current",
    ),
    Indicator(
        "cv_to_cc_time_ratio",
        "CV time / CC time",
        "%",
        100.0,
        "ratio of the two",
        WILLIARD,
        "as both times",
    ),
    Indicator(
        "time_to_80_soc_s",
        "time to 80 % SOC",
        "s",
        1.0,
        "until 80 % of the nominal capacity has gone in",
        ATTIA,
        f"{SOC_OF_NOMINAL}; set by the policy, unless the voltage limit comes first",
    ),
    Indicator(
        "mean_temperature_degc",
        "mean temperature",
        "°C",
        1.0,
        "over the time of the charge",
        SEVERSON,
        WITH_TEMPERATURE,
    ),
    Indicator(
        "max_temperature_degc",
        "max temperature",
        "°C",
        1.0,
        "highest point",
        SEVERSON,
        f"{WITH_TEMPERATURE}; noise raises it",
    ),
    Indicator(
        "temperature_rise_degc",
        "temperature rise",
        "°C",
        1.0,
        "highest less first point",
        DEFINITION,
        f"{WITH_TEMPERATURE}; depends on the rest before",
    ),
    Indicator(
        "ic_peak_height_ah_per_v",
        "IC peak height",
        "Ah/V",
        1.0,
        "most charge within 10 mV of rise at 1 C, over 10 mV",
        f"{DUBARRY}; {FENG}",
        "10 points at 1 C below the limit; behind a fast charge the turn of the voltage, no peak "
        "of a phase",
    ),
    Indicator(
        "ic_peak_voltage_v",
        "IC peak voltage",
        "mV",
        1e3,
        "middle of those 10 mV",
        f"{DUBARRY}; {FENG}",
        "as its height",
    ),
    Indicator(
        "last_step_resistance_ohm",
        "resistance, last",
        "mΩ",
        1e3,
        "dV/dI 30 s behind the last step of the current, to 1 C at 80 % SOC",
        f"{BIOLOGIC}; {BARAI}",
        "steps of 0.5 C or more between constant currents, points at most 15 s apart; with "
        "diffusion, so twice that of short pulses; one policy",
    ),
    Indicator(
        "fast_step_resistance_ohm",
        "resistance, fast",
        "mΩ",
        1e3,
        "the same over all steps before the last, least squares",
        f"{BIOLOGIC}; {BARAI}",
        "as the last step; policies of two fast steps or more",
    ),
    *(
        Indicator(
            f"voltage_at_{percent}_soc_v",
            f"V at {percent} % SOC",
            "mV",
            1e3,
            f"voltage when {percent} % of the nominal capacity has gone in",
            DEFINITION,
            f"{SOC_OF_NOMINAL}; not at the voltage limit; {comparison}",
        )
        for percent, comparison in (
            (25, "fast charge: one policy"),
            (65, "fast charge: one policy"),
            (85, "at 1 C in MATR: all its policies"),
        )
    ),
)


def indicators_as_markdown() -> str:
    """The table of `docs/indicators.md`."""
    head = "| name | shown in | what | source | valid |\n| --- | --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{row.name}` | {row.unit} | {row.meaning} | {row.source} | {row.validity} |\n"
        for row in INDICATORS
    )
