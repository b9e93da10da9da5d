"""Table 1 for the terminal: the model's modes above the simple baselines."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from rcvae_tf.report.labels import ERRORS, GENERATION_MODE, MODE_NOTES, SIGNAL_LABELS, rule_label


def print_metrics(metrics: dict[str, Any], console: Console) -> None:
    """Prints MAE and RMSE by signal, the skill, and the use of the latent space."""
    signals = [name for name in SIGNAL_LABELS if name in metrics["modes"][GENERATION_MODE]]
    counts = metrics["samples"]
    console.print(
        f"{counts['test']} test charges, {counts['train']} for training; "
        f"{metrics['split']} split, cycles 1 to {metrics['cycles']} at the most"
    )
    for error in ERRORS:
        console.print(error_table(metrics, signals, error))
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
