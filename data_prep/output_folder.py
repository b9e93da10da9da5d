"""The folder of a data set: where it may be made, and that it is never seen half done."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_prep.dataset_card import CARD_NAME
from data_prep.errors import SettingsError


def check_output(output: Path, overwrite: bool) -> None:
    """Refuses a place where something else lies, before hours of work.

    Raises:
        SettingsError: A file, the working folder, a folder that is not empty and may not be
            overwritten, or one that holds no data set.
    """
    if output.exists() and not output.is_dir():
        raise SettingsError(f"--output {output}: is a file, expected a folder to make.")
    if Path.cwd().is_relative_to(output.resolve()):
        raise SettingsError(
            f"--output {output}: is the working folder or holds it, expected a folder to make."
        )
    if output.exists() and any(output.iterdir()):
        if not overwrite:
            raise SettingsError(
                f"--output {output}: is not empty. Choose another folder, or add --overwrite."
            )
        if not (output / CARD_NAME).is_file():
            raise SettingsError(
                f"--output {output}: holds something else than a data set ({CARD_NAME} is "
                f"missing), which --overwrite does not delete. Choose another folder."
            )


@contextmanager
def made_beside(output: Path) -> Iterator[Path]:
    """A folder that takes the place of `output` when the block ends well, and else vanishes.

    Raises:
        SettingsError: No folder can be made there.
    """
    directory = _folder_beside(output)
    try:
        yield directory
        directory.chmod(0o755)
        if output.exists():
            shutil.rmtree(output)
        os.replace(directory, output)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _folder_beside(output: Path) -> Path:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise SettingsError(
            f"--output {output}: cannot be made ({error}). Choose another folder."
        ) from error
