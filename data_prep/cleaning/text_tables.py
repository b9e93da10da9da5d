"""Tables of text, for the screen and the log."""

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from data_prep.cleaning.rules import RULES

if TYPE_CHECKING:
    from rich.table import Table

NAME_WIDTH = max(len(rule.name) for rule in RULES)

# What is counted, how often, and one example.
Row = tuple[str, int | str, str]


def text_of(
    sections: Mapping[str, list[Row]], notes: list[tuple[str, str]], width: int
) -> Iterator[str]:
    """The lines of titled tables, and of the notes below them.

    Args:
        sections: Rows by title.
        notes: Of which cells a note holds, and the note.
        width: Columns of the screen.
    """
    from rich.console import Console

    text = io.StringIO()
    # A bracket in a message is no style.
    console = Console(file=text, width=width, color_system=None, highlight=False, markup=False)
    for title, rows in sections.items():
        console.print(title)
        console.print(_table(rows))
    if notes:
        console.print("notes")
        console.print(_note_table(notes))
    yield from (line.rstrip() for line in text.getvalue().splitlines())


def _table(rows: list[Row]) -> "Table":
    """What is counted, how often, and an example that takes the lines it needs."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)  # with its padding, the indent
    table.add_column(width=NAME_WIDTH)
    table.add_column(width=7, justify="right")
    table.add_column(overflow="fold")
    for name, count, example in rows:
        table.add_row("", name, str(count), example)
    return table


def _note_table(rows: list[tuple[str, str]]) -> "Table":
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=0)
    table.add_column(max_width=NAME_WIDTH, overflow="ellipsis", no_wrap=True)
    table.add_column(overflow="fold")
    for cells, note in rows:
        table.add_row("", cells, note)
    return table
