"""Names, units and colours of everything that a table or a figure shows."""

from collections.abc import Iterable

from numpy.typing import NDArray

from data_prep.figures import drawable

# Symbols and units as in Table 1; the elapsed time is no part of it.
SYMBOLS = {
    "voltage_v": "V",
    "current_c_rate": "I",
    "temperature_degc": "T",
    "charge_capacity_ah": "Qc",
}
UNITS = {
    "voltage_v": "V",
    "current_c_rate": "C",
    "temperature_degc": "°C",
    "charge_capacity_ah": "Ah",
}
QUANTITIES = {
    "voltage_v": "voltage",
    "current_c_rate": "current",
    "temperature_degc": "temperature",
    "charge_capacity_ah": "charge capacity",
}
TOTAL = "total"
SIGNAL_LABELS = {name: f"{SYMBOLS[name]} ({UNITS[name]})" for name in SYMBOLS} | {TOTAL: "Total"}
AXIS_LABELS = {name: f"{QUANTITIES[name]} / {UNITS[name]}" for name in SYMBOLS}
ERRORS = ("mae", "rmse")

WIDTH_INCH = 11.0  # of a page

# The paper forward-propagates the test set: its encoder sees the curve.
PAPER_MODE, GENERATION_MODE = "reconstruct", "mean"
MODES = (PAPER_MODE, GENERATION_MODE, "prior")
BASELINES = ("global_mean", "ecl_mean", "nearest_label", "k_nearest_mean")
MODE_NOTES = {
    PAPER_MODE: "sees the curve",
    "prior": "z drawn",
    GENERATION_MODE: "z = 0",
    "median": "of draws",
}

# Okabe and Ito: told apart with every kind of colour vision.
MEASURED_COLOUR = "black"
GENERATED_COLOUR = "#D55E00"
DRAWS_COLOUR = "#E69F00"
MODE_COLOURS = {PAPER_MODE: "#0072B2", GENERATION_MODE: GENERATED_COLOUR}
MEASURED, GENERATED, DRAWS = "measured", "generated, z = 0", "generated, z drawn"


def error_label(error: str, signal: str) -> str:
    """An error with the unit of its signal: "MAE / V"; the total has none."""
    return f"{error.upper()} / {UNITS[signal]}" if signal in UNITS else error.upper()


def rule_label(rule: str, setting: dict[str, float]) -> str:
    """A baseline with what it was told: "k_nearest_mean (k 6, w 0.95)"; w weighs EOL in (14)."""
    names = {"k": "k", "condition_weight": "w"}
    told = ", ".join(
        f"{short} {setting[name]:g}" for name, short in names.items() if name in setting
    )
    return f"{rule} ({told})" if told else rule


def sample_title(cell_id: str, eol: int, ecl: int) -> str:
    """A sample as figures call it: "cell b3c0, EOL 1000, ECL 12"."""
    return f"cell {drawable(cell_id)}, EOL {eol}, ECL {ecl}"


def sample_titles(cell_ids: Iterable[str], labels: NDArray) -> list[str]:
    """One title for each sample.

    Args:
        cell_ids: Cell of each.
        labels: EOL and ECL in cycles, shape `(samples, 2)`.
    """
    return [
        sample_title(str(cell_id), int(eol), int(ecl))
        for cell_id, (eol, ecl) in zip(cell_ids, labels, strict=True)
    ]
