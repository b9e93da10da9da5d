"""Table 2 for the terminal: errors of each row, and how far they are from the whole model's."""

from rich import box
from rich.console import Console
from rich.table import Table

from rcvae_tf.ablation.rows import WHOLE
from rcvae_tf.report.ablation_tables import Rows, column, table_2
from rcvae_tf.report.labels import ERRORS, SIGNAL_LABELS, TOTAL

# As in Table 2; the other signals are in the files.
PRINTED = (TOTAL, "voltage_v", "current_c_rate")


def print_ablation(
    reconstructed: Rows, generated: Rows, failed: tuple[str, ...], console: Console
) -> None:
    """Prints Table 2, what its rows say in words, and what they do not say.

    Args:
        reconstructed: Rows of `ablation.csv`.
        generated: Rows of `ablation_generated.csv`.
        failed: Rows that have no errors.
        console: To print on.
    """
    console.print(ablation_table(reconstructed, failed))
    console.print(table_2(reconstructed, generated).note)
    console.print(
        "One training a row: a difference that another --seed makes as well says nothing of the "
        "part left out."
    )


def ablation_table(rows: Rows, failed: tuple[str, ...]) -> Table:
    """Errors by row, those of the total beside the row `None`.

    Args:
        rows: Of `ablation.csv`.
        failed: Rows that have no errors.
    """
    signals = [s for s in PRINTED if any(row[column("mae", s)] is not None for row in rows)]
    whole = next((row["mae"] for row in rows if row["detach"] == WHOLE), None)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("detached", no_wrap=True)
    table.add_column(f"to {WHOLE}", justify="right", no_wrap=True)
    for signal in signals:
        for error in ERRORS:
            heading = f"{SIGNAL_LABELS[signal]}\n{error.upper()}"
            table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        cells = [f"{row[column(error, signal)]:.4f}" for signal in signals for error in ERRORS]
        difference = "" if row["detach"] == WHOLE else _difference(row["mae"], whole)
        table.add_row(row["detach"], difference, *cells)
    for name in failed:
        table.add_row(name, "failed")
    return table


def _difference(mae: float, whole: float | None) -> str:
    """`+1.6 %` of the total MAE of the whole model; empty where that is not known, or is 0."""
    return f"{mae / whole - 1:+.1%}" if whole else ""
