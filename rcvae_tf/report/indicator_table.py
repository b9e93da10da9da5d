"""The state indicators on the terminal: generated against measured, beside the look-ups."""

import textwrap
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from rcvae_tf.indicators.table import INDICATORS, Indicator

LINE_LENGTH = 80
# Headings of the errors, by their names in `metrics.json`.
ERROR_HEADINGS = {"mean": "MAE", "nearest_label": "nearest", "k_nearest_mean": "k near"}


def print_indicators(metrics: dict[str, Any], console: Console) -> None:
    """Prints the table, and names the indicators that are valid for no measured charge.

    Args:
        metrics: The section `indicators` of `metrics.json`; of an empty one nothing is said.
        console: Where to.
    """
    if not metrics:
        return
    console.print(indicator_table(metrics))
    missing = [row.label for row in INDICATORS if row.name not in metrics]
    if missing:
        line = f"valid for no measured charge: {', '.join(missing)}"
        console.print(textwrap.fill(line, LINE_LENGTH, subsequent_indent="  "))


def indicator_table(metrics: dict[str, Any]) -> Table:
    """A row an indicator: its mean as measured, the MAE of z = 0 and of the look-ups, and more.

    The bias is that of z = 0; "90 %" is the share of measured values inside the 90 % interval of
    the draws; n are the charges that are compared.

    Args:
        metrics: The section `indicators` of `metrics.json`.
    """
    # Narrow enough for 80 columns.
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0, 0, 1))
    table.add_column("indicator", no_wrap=True)
    for heading in ("value", *ERROR_HEADINGS.values(), "bias", "90 %", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in INDICATORS:
        if row.name in metrics:
            found = metrics[row.name]
            errors = [_shown(found["mae"][mode], row) for mode in ERROR_HEADINGS]
            inside = found["coverage_90"]
            table.add_row(
                f"{row.label} ({row.unit})",
                f"{found['measured_mean'] * row.scale:.4g}",
                *errors,
                _shown(found["bias"], row, "+.2g"),
                "" if inside is None else f"{inside:.2f}",
                str(found["charges"]["compared"]),
            )
    return table


def _shown(value: float | None, row: Indicator, number_format: str = ".3g") -> str:
    return "" if value is None else format(value * row.scale, number_format)
