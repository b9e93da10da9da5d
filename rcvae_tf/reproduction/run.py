"""Runs the parts in order; finished ones are kept, an unfinished one goes on."""

import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data_prep.dataset_card import sha256
from data_prep.errors import SettingsError
from rcvae_tf.reproduction import layout
from rcvae_tf.reproduction.children import Runner, children_of
from rcvae_tf.reproduction.parts import Argument, Part, parts_of
from rcvae_tf.reproduction.progress import last_line, part_line, say
from rcvae_tf.reproduction.record import Record, open_record, versions
from rcvae_tf.reproduction.settings import ReproduceSettings

# How often the time of a part that is at work is written down; what a SIGKILL loses of it.
WRITE_EVERY_S = 10.0
INPUT_AT_FAULT = 2  # exit code of a part
RUN_AGAIN = ". Run again to go on."


class PartFailed(Exception):
    """A part ended for another reason than the user's input; its last words in one line."""


def reproduce(
    settings: ReproduceSettings, output: Path, jobs: int | None = None, overwrite: bool = False
) -> None:
    """Makes the paper: all parts that are not done yet.

    Args:
        settings: What is reproduced.
        output: Folder of the reproduction, new or with one of the same settings.
        jobs: Processes of a part that can use several; None leaves it to the part.
        overwrite: Remove the reproduction that lies there first.

    Raises:
        SettingsError: The folder holds something else, or a part does not take its input.
        PartFailed: A part ended otherwise.
    """
    check_output(output)
    output.mkdir(parents=True, exist_ok=True)
    with children_of(output) as runner:
        if overwrite:
            clear(output)
        record = open_record(output, settings)
        record.write()
        run_parts(parts_of(settings, jobs), record, runner)


def check_output(output: Path) -> None:
    """Refuses a place where something else than a reproduction lies.

    Raises:
        SettingsError: A file, a folder of something else, or a name that lists cannot hold.
    """
    if "," in str(output):
        raise SettingsError(f"--output {output}: has a comma in its name. Choose another folder.")
    if output.exists() and not output.is_dir():
        raise SettingsError(f"--output {output}: is a file, expected a folder to make.")
    names = [path.name for path in output.iterdir()] if output.is_dir() else []
    visible = [name for name in names if not name.startswith(".")]  # locks, a record half written
    if visible and layout.RECORD.name not in visible:
        raise SettingsError(
            f"--output {output}: holds something else than a reproduction ({layout.RECORD} is "
            f"missing). Choose another folder."
        )


def clear(output: Path) -> None:
    """Removes a reproduction; other files are not touched."""
    for name in layout.FOLDERS:
        shutil.rmtree(output / name, ignore_errors=True)
    # The record last: as long as it is there the folder is known for a reproduction.
    for name in (layout.PAGE, layout.RECORD):
        (output / name).unlink(missing_ok=True)


def run_parts(parts: list[Part], record: Record, runner: Runner) -> None:
    """Runs what is not done, in order; a failed part that is not needed is told at the end again.

    Args:
        parts: Each after those whose files it reads.
        record: What is done; kept up to date.
        runner: Runs one command.

    Raises:
        SettingsError: A part did not take its input.
        PartFailed: A part ended otherwise, or one that is not needed failed.
    """
    failures = []
    for number, part in enumerate(parts, 1):
        title = f"part {number} of {len(parts)}: {part.title}"
        inputs = _inputs(part, record.output)
        if is_done(part, record, inputs):
            say(f"{title} ... kept")
            continue
        try:
            _run_part(part, title, inputs, record, runner)
        except (SettingsError, PartFailed) as error:
            if part.needed:
                raise
            failures.append(str(error).removesuffix(RUN_AGAIN))
            say(f"{failures[-1]}. Going on without it.")
    if failures:
        raise PartFailed(f"{'; '.join(failures)}{RUN_AGAIN}")


def _inputs(part: Part, output: Path) -> dict[str, str]:
    return {str(p): sha256(output / p) for p in part.inputs if (output / p).is_file()}


def is_done(part: Part, record: Record, inputs: dict[str, str]) -> bool:
    """Whether a part ended well, from these inputs, and what it left is still there."""
    entry = record.parts.get(part.name, {})
    there = all((record.output / path).is_file() for path in part.outputs)
    return bool(entry.get("done")) and entry.get("inputs") == inputs and there


def can_go_on(part: Part, record: Record, inputs: dict[str, str]) -> bool:
    """Whether an unfinished part need not start anew: it began from these inputs, and left a state.

    Args:
        part: Not done.
        record: Knows the inputs from which it started before.
        inputs: SHA-256 of its inputs now.
    """
    same = record.parts.get(part.name, {}).get("inputs") == inputs
    return bool(same and part.resumable and (record.output / part.resumable).is_file())


def _clear_place(part: Part, output: Path) -> None:
    if part.folder:
        shutil.rmtree(output / part.folder, ignore_errors=True)
        # What a killed preparation was making lies beside its place.
        for path in (output / part.folder).parent.glob(f".{part.folder.name}-*"):
            shutil.rmtree(path, ignore_errors=True)


def _run_part(
    part: Part, title: str, inputs: dict[str, str], record: Record, runner: Runner
) -> None:
    goes_on = can_go_on(part, record, inputs)
    if not goes_on:
        _clear_place(part, record.output)
    arguments = part.resume if goes_on else part.arguments
    entry = _entry(part, arguments, inputs, record, goes_on)
    log = record.output / layout.log(part.name)
    log.parent.mkdir(exist_ok=True)
    argv = command(part.module, arguments, record.output)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {shlex.join(['python', *argv[1:]])}\n")
    with part_line(title, log, entry["seconds"]) as show, _Timed(entry, record) as count:
        code = runner(argv, log, _both(show, count))
        if code:
            raise _failure(title, code, log)
        entry["done"] = True


def _entry(
    part: Part,
    arguments: tuple[Argument, ...],
    inputs: dict[str, str],
    record: Record,
    goes_on: bool,
) -> dict[str, Any]:
    entry = {
        "title": part.title,
        "argv": command(part.module, arguments, Path())[1:],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": 0.0,
        "done": False,
        "inputs": inputs,
        "versions": [versions()],
    }
    if goes_on:
        before = record.parts[part.name]
        entry |= {name: before[name] for name in ("started", "seconds")}
        others = [used for used in before.get("versions", []) if used != versions()]
        entry["versions"] = [*others, versions()]
    record.parts[part.name] = entry
    record.write()
    return entry


class _Timed:
    """Adds the time that passes to a part's entry, and writes it down now and then.

    Args:
        entry: Of the part, in the record.
        record: On the disk.
    """

    def __init__(self, entry: dict[str, Any], record: Record) -> None:
        self.entry, self.record = entry, record
        self.before = float(entry["seconds"])
        self.start = self.written = time.monotonic()

    def __enter__(self) -> Callable[[], None]:
        return self.tick

    def __exit__(self, *unused: object) -> None:
        self.write()

    def tick(self) -> None:
        """Writes, if the last time is long enough ago."""
        if time.monotonic() - self.written >= WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Writes the record with the time until now."""
        self.written = time.monotonic()
        self.entry["seconds"] = round(self.before + self.written - self.start, 1)
        self.record.write()


def command(module: str, arguments: tuple[Argument, ...], output: Path) -> list[str]:
    """A command line of this Python; paths that are relative to `output` put in place."""
    words = [sys.executable, "-m", module]
    for argument in arguments:
        if isinstance(argument, tuple):
            words.append(",".join(str(output / path) for path in argument))
        else:
            words.append(str(output / argument) if isinstance(argument, Path) else argument)
    return words


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call


def _failure(title: str, code: int, log: Path) -> Exception:
    words = last_line(log)
    if code == INPUT_AT_FAULT:
        return SettingsError(f"{title}: {words} (log: {log})")
    if code < 0:
        name = signal.Signals(-code).name
        end = f"ended by {name}{', often a lack of memory' if name == 'SIGKILL' else ''}"
    else:
        end = f"exit code {code}: {words}"
    return PartFailed(f"{title}: {end} (log: {log}){RUN_AGAIN}")
