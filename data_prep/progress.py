"""A moving line on a terminal while many like things are done; on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LONGEST_NAME = 24  # what is left of 80 columns


class Advance(Protocol):
    """Says that some things more are done, the last of them by its name."""

    def __call__(self, name: str, count: int = 1) -> None:
        """Moves the line on."""


@contextmanager
def progress_line(what: str, total: int) -> Iterator[Advance]:
    """Shows how many are done; nothing where standard error is no terminal.

    Args:
        what: "reading cells".
        total: How many there are.

    Yields:
        To be called after each, or after several.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[name]}"),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        task = progress.add_task(what, total=total, name="")

        def advance(name: str, count: int = 1) -> None:
            progress.update(task, advance=count, name=name[:LONGEST_NAME])

        yield advance
