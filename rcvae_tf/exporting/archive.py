"""A version of a model on the disk: it appears when it is complete."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import SettingsError
from rcvae_tf.cards.writing import write_model_card
from rcvae_tf.exporting.endpoints import Endpoints
from rcvae_tf.exporting.examples import example_requests, write_examples, write_warm_up
from rcvae_tf.exporting.facts_of_run import facts_of_run, measured_of_run
from rcvae_tf.exporting.saved_model import write_saved_model
from rcvae_tf.run import Run
from rcvae_tf.servable.facts import write_facts
from rcvae_tf.servable.layout import VersionDirectory
from rcvae_tf.servable.measured import write_measured


@dataclass(frozen=True)
class Exported:
    """A version that was written.

    Args:
        directory: Where it lies.
        endpoints: What it answers.
        notes: What it lacks.
    """

    directory: VersionDirectory
    endpoints: Endpoints
    notes: tuple[str, ...]


def export_run(run: Run, folder: Path, data: Path | None, num_measured: int) -> Exported:
    """Writes the next version of a model.

    Args:
        run: A trained run.
        folder: Of the model, as TensorFlow Serving's `model_base_path`; its versions lie in it.
        data: Folder of the data set of the run; None takes the one that it was trained on.
        num_measured: Measured charges that go with it, at the most; 0 for none.

    Raises:
        SettingsError: The folder is none, or holds something else than versions.
        DatasetError: No data set at `data`, or another one.
        OSError: The disk does not take it.
    """
    measured = measured_of_run(run, data, num_measured) if num_measured else None
    endpoints = Endpoints(run)
    requests = example_requests(run, endpoints)
    with next_version(folder) as version:
        directory = version.scratch
        write_saved_model(endpoints, directory.path)
        directory.extra.mkdir()
        write_examples(requests, directory)
        write_warm_up(requests, folder.resolve().name, directory.warm_up)
        write_facts(facts_of_run(run), directory.facts)
        if measured is not None:
            write_measured(measured, directory.measured)
        _, notes = write_model_card(run, data, directory.extra)
    if measured is None and num_measured:
        notes.append("no measured charges in it: the data set is not there, say where with --data")
    return Exported(version.written, endpoints, tuple(notes))


def check_folder(folder: Path) -> None:
    """Refuses a place that is not a model's.

    Raises:
        SettingsError: A file, or a folder with something else in it than numbered versions.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--output {folder}: is a file, expected the folder of a model.")
    others = [p.name for p in sorted(folder.glob("*")) if not _may_lie_there(p)]
    if others:
        raise SettingsError(
            f"--output {folder}: holds {others[0]}, expected a folder with numbered versions of a "
            f"model and nothing besides. Choose another folder."
        )


@dataclass
class NextVersion:
    """A version that is being written.

    Args:
        scratch: Where it is written.
        written: Where it lies in the end; until then `scratch`.
    """

    scratch: VersionDirectory
    written: VersionDirectory


@contextmanager
def next_version(folder: Path) -> Iterator[NextVersion]:
    """A folder that becomes the next version when the block ends well, and else vanishes.

    Raises:
        SettingsError: No folder can be made there.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise SettingsError(f"--output {folder}: cannot be made ({error}).") from error
    try:
        version = NextVersion(VersionDirectory(scratch), VersionDirectory(scratch))
        yield version
        scratch.chmod(0o755)
        version.written = _put_in_place(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _put_in_place(scratch: Path, folder: Path) -> VersionDirectory:
    """Takes the next free number; another export may take one at the same time."""
    number = max((int(p.name) for p in folder.glob("*") if _is_version(p)), default=0) + 1
    while True:
        try:
            # Unlike `replace`, this refuses a folder that is there and not empty.
            return VersionDirectory(scratch.rename(folder / str(number)))
        except OSError:
            if not (folder / str(number)).exists():
                raise
            number += 1


def _is_version(path: Path) -> bool:
    return path.is_dir() and path.name.isascii() and path.name.isdigit()


def _may_lie_there(path: Path) -> bool:
    return path.name.startswith(".") or _is_version(path)
