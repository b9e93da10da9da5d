"""A part in a process of its own: it ends with its parent, and never runs twice at a time."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from data_prep.errors import SettingsError

OWN_LOCK, PART_LOCK = ".reproduce.lock", ".part.lock"
TICK_S = 1.0
# A training writes its last epoch after the first signal.
GRACE_S = 60.0

# Runs a command, appends what it says to a file, calls back every second; its exit code.
Runner = Callable[[list[str], Path, Callable[[], None]], int]


@contextmanager
def children_of(output: Path) -> Iterator[Runner]:
    """Gives the runner of a reproduction, and keeps a second reproduction out of its folder.

    A killed reproduction leaves its part behind: that part is ended first.

    Raises:
        SettingsError: Another reproduction is at work there.
    """
    with (output / OWN_LOCK).open("a") as own, (output / PART_LOCK).open("a+") as part:
        if not _lock(own):
            raise SettingsError(
                f"--output {output}: another reproduction is at work there. "
                f"Wait for it, or choose another folder."
            )
        if not _lock(part):
            _end_leftover(part, output)

        def run(argv: list[str], log: Path, tick: Callable[[], None]) -> int:
            return _run(argv, log, tick, part)

        yield run


def _run(argv: list[str], log: Path, tick: Callable[[], None], lock: IO[str]) -> int:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    # The lock is inherited: it is held for as long as the part lives, whoever dies first.
    with log.open("ab") as file:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=(lock.fileno(),),
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends the part
        )
    try:
        _note(lock, child.pid)
        while True:
            try:
                return child.wait(timeout=TICK_S)
            except subprocess.TimeoutExpired:
                tick()
    except BaseException:
        _end_group(child.pid, lambda: child.poll() is not None)
        raise


def _note(lock: IO[str], pid: int) -> None:
    lock.seek(0)
    lock.truncate()
    lock.write(str(pid))
    lock.flush()


def _end_leftover(lock: IO[str], output: Path) -> None:
    lock.seek(0)
    noted = lock.read()
    if noted.isdecimal():
        _end_group(int(noted), lambda: _lock(lock))
    if not _lock(lock):
        raise SettingsError(
            f"--output {output}: a part of an earlier reproduction is still at work there. "
            f"End it first."
        )


def _end_group(pid: int, ended: Callable[[], bool]) -> None:
    """Ends a part with the processes that it started: by request, then by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        limit = time.monotonic() + GRACE_S
        while time.monotonic() < limit:
            if ended():
                return
            time.sleep(0.05)


def _lock(file: IO[str]) -> bool:
    """Whether nobody else holds the file; it is ours until all who inherit it are gone."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
