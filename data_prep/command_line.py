"""What every command shares: a parser that fails in one line, and the exit codes 0, 1 and 2."""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from data_prep.errors import UserError
from data_prep.settings import add_flags, given_flags


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on standard error and exit code 2."""

    def error(self, message: str) -> NoReturn:
        """Prints one line that names the fault and the way out, and exits with 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def parse(
    name: str, description: str | None, argv: list[str] | None, *settings_classes: type
) -> list[dict[str, Any]]:
    """What the user typed, by settings dataclass; settings left out are absent.

    Args:
        name: The command as the user typed it.
        description: Its first help text.
        argv: Arguments without the program's name; None takes them from `sys.argv`.
        settings_classes: Their fields are the flags; from the second on, in a group of their own.
    """
    parser = Parser(prog=name, description=(description or "").splitlines()[0])
    for position, settings_class in enumerate(settings_classes):
        group = parser.add_argument_group(settings_class.__name__) if position else parser
        add_flags(group, settings_class)
    arguments = parser.parse_args(argv)
    return [given_flags(settings_class, arguments) for settings_class in settings_classes]


def run(command: Callable[[list[str] | None], None], argv: list[str] | None, name: str) -> int:
    """Runs a command and turns its end into an exit code.

    Args:
        command: Parses `argv` and does the work.
        argv: Arguments without the program's name; None takes them from `sys.argv`.
        name: The command as the user typed it, for the error line.

    Returns:
        0 when done, 2 when the user's input is at fault, 130 when interrupted, 128 and its
        number when another signal ended it. Any other
        exception is a bug and goes through: Python prints its trace and exits with 1.
    """
    # Standard error is left to errors and to the moving progress line.
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        with _ended_by_signals():
            command(argv)
    except UserError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or error
        print(f"{name}: error: {place}{reason}. Check the place and its rights.", file=sys.stderr)
        return 2
    except Ended as error:
        print(f"{name}: ended by {signal.Signals(error.number).name}", file=sys.stderr)
        return 128 + error.number
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    return 0


class Ended(KeyboardInterrupt):
    """A signal that ends a process came; whatever cleans up after Ctrl-C does so after it.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Lets the signals of a batch system or a closed terminal end a command as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        raise Ended(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Writes what is logged meanwhile into a file as well, with the time."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
