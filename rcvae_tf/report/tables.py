"""Table 1 for the terminal: the model's modes above the simple baselines, and what draws are."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from rcvae_tf.report.indicator_table import print_indicators
from rcvae_tf.report.labels import ERRORS, GENERATION_MODE, MODE_NOTES, SIGNAL_LABELS, rule_label

# Rows below the errors: a part of `intervals` of `metrics.json`, its name, its decimals.
INTERVAL_ROWS = (
    ("crps", "CRPS", 4),
    ("width_90", "width of 90 % interval", 4),
    ("coverage_90", "share inside it", 2),
    ("spread_ratio", "spread / measured", 2),
)
UNCHECKED_INTEGRAL = (
    "not checked: the integral of I needs the elapsed time and the nominal capacity"
)


def print_metrics(metrics: dict[str, Any], console: Console) -> None:
    """Prints MAE and RMSE by signal, the skill, the draws, and the use of the latent space."""
    signals = [name for name in SIGNAL_LABELS if name in metrics["modes"][GENERATION_MODE]]
    counts = metrics["samples"]
    console.print(
        f"{counts['test']} test charges, {counts['train']} for training; "
        f"{metrics['split']} split, cycles 1 to {metrics['last_cycle']} at the most"
    )
    for error in ERRORS:
        console.print(error_table(metrics, signals, error))
    console.print(draws_table(metrics, signals))
    console.print(physics_table(metrics["physics"]))
    if metrics["physics"]["generated"]["capacity_not_integral"] is None:
        console.print(UNCHECKED_INTEGRAL)
    print_indicators(metrics["indicators"], console)
    # A signal that nearest_label copies without error has no skill.
    skills = ", ".join(
        f"{SIGNAL_LABELS[s]} {metrics['skill'][s]:+.2f}" for s in signals if s in metrics["skill"]
    )
    console.print(f"skill, 1 - MAE (mean) / MAE (nearest_label), above 0 is better:\n  {skills}")
    time = metrics["modes"][GENERATION_MODE].get("elapsed_time_s")
    if time:
        copied = metrics["baselines"]["nearest_label"]["elapsed_time_s"]
        console.print(
            f"elapsed time, no part of the total: MAE {time['mae']:.3g} s, "
            f"nearest_label {copied['mae']:.3g} s"
        )
    latent = metrics["latent"]
    console.print(
        f"latent: {latent['active_units']} of {len(latent['kl_per_dim'])} dimensions active, "
        f"KLD {sum(latent['kl_per_dim']):.3g} nats\n"
        f"response to the condition: {latent['label_response']:.2f} of the measured spread"
    )


def error_table(metrics: dict[str, Any], signals: list[str], error: str) -> Table:
    """One error by signal, a row for each mode and each baseline.

    Args:
        metrics: The content of `metrics.json`.
        signals: Columns, names of `SIGNAL_LABELS`.
        error: `mae` or `rmse`.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(error.upper(), no_wrap=True)
    for name in signals:
        table.add_column(SIGNAL_LABELS[name], justify="right", no_wrap=True)
    for mode, errors in metrics["modes"].items():
        cells = [f"{errors[name][error]:.4f}" for name in signals]
        table.add_row(f"{mode} ({MODE_NOTES[mode]})", *cells)
    table.add_section()
    for rule, errors in metrics["baselines"].items():
        cells = [f"{errors[name][error]:.4f}" for name in signals]
        table.add_row(rule_label(rule, metrics["baseline_settings"][rule]), *cells)
    return table


def draws_table(metrics: dict[str, Any], signals: list[str]) -> Table:
    """How draws are spread, a row for each of `INTERVAL_ROWS`.

    Args:
        metrics: The content of `metrics.json`.
        signals: Columns, names of `SIGNAL_LABELS`.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"{metrics['prior_draws']} draws a charge", no_wrap=True)
    for name in signals:
        table.add_column(SIGNAL_LABELS[name], justify="right", no_wrap=True)
    for part, label, decimals in INTERVAL_ROWS:
        values = [metrics["intervals"][part].get(name) for name in signals]
        table.add_row(label, *("" if v is None else f"{v:.{decimals}f}" for v in values))
    return table


def physics_table(physics: dict[str, Any]) -> Table:
    """The share of draws that break a rule, beside that of the measured test charges."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("breaks a rule", no_wrap=True)
    for origin, noun in (("generated", "draws"), ("measured", "measured")):
        table.add_column(f"{physics[origin]['curves']} {noun}", justify="right", no_wrap=True)
    for rule, label in rule_labels(physics["limits"]).items():
        found = [physics[origin][rule] for origin in ("generated", "measured")]
        cells = ["not checked" if share is None else f"{100 * share:.3g} %" for share in found]
        table.add_row(label, *cells)
    return table


def rule_labels(limits: dict[str, Any]) -> dict[str, str]:
    """The rules of physics by their names in `metrics.json`, with their limits."""
    voltages_v = (limits["lowest_voltage_v"], limits["highest_voltage_v"])
    deviation = limits["capacity_deviation"]
    by_more = "" if deviation is None else f" by {100 * deviation:.2g} % of nominal"
    return {
        "capacity_falls": "Qc falls",
        "voltage_outside": "V outside {:.3f} to {:.3f} V".format(*voltages_v),
        "current_negative": f"I below {limits['lowest_current_c_rate']:g} C",
        "capacity_not_integral": f"Qc off integral of I{by_more}",
        "any": "any of these",
    }
