"""The summary of an assessment for the terminal."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from rcvae_tf.assessment.summary import summary_rows, verdicts
from rcvae_tf.report.report_table import Cell

HEADINGS = ("generated", "copy", "real half", "perfect")


def print_assessment(scores: dict[str, Any], console: Console) -> None:
    """Prints what was compared, the summary, and what it cannot say."""
    facts = scores["facts"]
    cells, charges = facts["cells"], facts["charges"]
    console.print(
        f"run {facts['run']}, {facts['split']} split: trained on {charges['trained']} charges of "
        f"{cells['trained']} cells\n{charges['held_out']} charges held out; likeness is taken of "
        f"{charges['in_a_half_of_unseen']}, usefulness of {charges['in_a_half_learned_from']} "
        "charges a set"
    )
    console.print(summary_table(scores))
    for line in verdicts(scores):
        console.print(line)


def summary_table(scores: dict[str, Any]) -> Table:
    """A row for each measure, a column for each set, and what perfect data score."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("measure", no_wrap=True)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for what, cells, perfect in summary_rows(scores):
        table.add_row(what, *map(_text, cells), perfect)
    return table


def _text(cell: Cell) -> str:
    if not isinstance(cell, float):
        return "-"
    return f"{cell:.4f}" if 0 < abs(cell) < 0.01 else f"{cell:.2f}"
