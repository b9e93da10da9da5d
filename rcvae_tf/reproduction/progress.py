"""Lines on the terminal: which part is at work, for how long, and what it says."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

COLUMNS = 78  # a spinner takes the rest of 80


@contextmanager
def part_line(title: str, log: Path, seconds_before: float) -> Iterator[Callable[[], None]]:
    """Shows a part from its start to its end.

    A terminal gets a moving line with the last line of the log; a file gets the title at the
    start, and the time at the end.

    Args:
        title: "part 3 of 14: train paper, n = 40".
        log: What the part says.
        seconds_before: It was at work already, before it was interrupted.

    Yields:
        To be called every now and then.
    """
    start = time.monotonic() - seconds_before
    console = Console(stderr=True)
    moving = console.is_terminal
    begun = f"{title} ..."
    if not moving:
        print(begun, end=" ", flush=True)
    try:
        with console.status(begun) as status:

            def tick() -> None:
                if moving:
                    line = f"{begun} {duration(time.monotonic() - start)}"
                    status.update(f"{line}  {last_line(log)}"[:COLUMNS].replace("[", r"\["))

            yield tick
    except BaseException:
        print("" if not moving else f"{begun} stopped", flush=True)
        raise
    took = duration(time.monotonic() - start)
    print(took if not moving else f"{begun} {took}", flush=True)


def last_line(log: Path) -> str:
    """The last line of a log that is not empty."""
    try:
        with log.open("rb") as file:
            file.seek(max(log.stat().st_size - 4096, 0))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def duration(seconds: float) -> str:
    """A time as people say it: `45 s`, `2 min 10 s`, `3 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def say(line: str) -> None:
    """A line that stays."""
    print(line, file=sys.stdout, flush=True)
