"""A moving line on a terminal while many like things are done; on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LONGEST_NAME = 24  # what is left of 80 columns


@contextmanager
def progress_line(what: str, total: int) -> Iterator[Callable[[str], None]]:
    """Shows how many are done; nothing where standard error is no terminal.

    Args:
        what: "reading cells".
        total: How many there are.

    Yields:
        To be called after each with its name.
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
        yield lambda name: progress.update(task, advance=1, name=name[:LONGEST_NAME])
