"""The folder of a data set: where it may be made, and that it is never seen half done."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep.dataset_card import CARD_NAME, FIGURES_FOLDER, SHARD_SUFFIX
from data_prep.errors import SettingsError


def check_output(output: Path, overwrite: bool, source: Path | None = None) -> None:
    """Refuses a place where something else lies, before hours of work.

    Args:
        output: Where the data set is to be made.
        overwrite: Whether a data set that lies there may be replaced.
        source: Where the measurements lie.

    Raises:
        SettingsError: A file, the working folder, a folder that holds the measurements, one that
            is not empty and may not be overwritten, or one that holds something else than a data
            set.
    """
    if output.exists() and not output.is_dir():
        raise SettingsError(f"--output {output}: is a file, expected a folder to make.")
    if Path.cwd().is_relative_to(output.resolve()):
        raise SettingsError(
            f"--output {output}: is the working folder or holds it, expected a folder to make."
        )
    if source is not None and source.resolve().is_relative_to(output.resolve()):
        raise SettingsError(
            f"--output {output}: holds the measurements of --input {source}. Choose another folder."
        )
    if output.exists() and any(output.iterdir()):
        if not overwrite:
            raise SettingsError(
                f"--output {output}: is not empty. Choose another folder, or add --overwrite."
            )
        _check_nothing_else(output)


def _check_nothing_else(output: Path) -> None:
    """What --overwrite deletes is a data set and nothing besides."""
    if not (output / CARD_NAME).is_file():
        raise SettingsError(
            f"--output {output}: holds something else than a data set ({CARD_NAME} is "
            f"missing), which --overwrite does not delete. Choose another folder."
        )
    others = [
        path.name
        for path in sorted(output.iterdir())
        if path.name not in (CARD_NAME, FIGURES_FOLDER) and path.suffix != SHARD_SUFFIX
    ]
    if others:
        raise SettingsError(
            f"--output {output}: holds {others[0]} beside a data set, which --overwrite does not "
            f"delete. Move it, or choose another folder."
        )


@contextmanager
def made_beside(output: Path) -> Iterator[Path]:
    """A folder that takes the place of `output` when the block ends well, and else vanishes.

    Raises:
        SettingsError: No folder can be made there.
    """
    place = output.resolve()  # of a link, what it leads to
    directory = _folder_beside(place)
    try:
        yield directory
        directory.chmod(0o755)
        _put_in_place(directory, place)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _put_in_place(directory: Path, place: Path) -> None:
    """The old folder is moved aside and deleted last: at no time are both gone."""
    if not place.exists():
        os.replace(directory, place)
        return
    old = directory.with_name(f"{directory.name}-old")
    os.replace(place, old)
    try:
        os.replace(directory, place)
    except BaseException:
        os.replace(old, place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _folder_beside(output: Path) -> Path:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise SettingsError(
            f"--output {output}: cannot be made ({error}). Choose another folder."
        ) from error
