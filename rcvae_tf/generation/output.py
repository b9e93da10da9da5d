"""Where a generated data set goes: it and what lies beside it appear when they are complete."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import SettingsError
from data_prep.output_folder import made_beside
from rcvae_tf.generation.formats import Format
from rcvae_tf.run_directory import read_json

SIDECAR, CARD, INDICATORS = "synthetic.json", "README.md", "indicators.csv"


@dataclass(frozen=True)
class Output:
    """The place of a generated data set.

    Args:
        path: A file, or a folder for a format that is one.
        format: How it is written.
        overwrite: Whether what lies there may be replaced.
    """

    path: Path
    format: Format
    overwrite: bool

    def beside(self, name: str) -> str:
        """The name of a file that goes with the data: in the folder, or after the file's name."""
        return name if self.format.is_folder else f"{self.path.name}.{name}"

    def check(self) -> None:
        """Refuses the place before the work.

        Raises:
            SettingsError: No such folder, or something lies there that would be replaced.
        """
        path = self.path
        if not path.parent.is_dir():
            raise SettingsError(
                f"--output {path}: the folder {path.parent} does not exist. Make it."
            )
        if self.format.is_folder:
            self._check_folder()
            return
        for other in (path, *(path.with_name(self.beside(n)) for n in (SIDECAR, CARD, INDICATORS))):
            if other.is_dir():
                raise SettingsError(f"--output {other}: is a folder, expected a file to make.")
            if other.exists() and not self.overwrite:
                raise SettingsError(
                    f"--output {other}: exists. Choose another name, or add --overwrite."
                )

    def _check_folder(self) -> None:
        path = self.path
        if path.exists() and not path.is_dir():
            raise SettingsError(f"--output {path}: is a file, expected a folder to make.")
        if Path.cwd().is_relative_to(path.resolve()):
            raise SettingsError(
                f"--output {path}: is the working folder or holds it, expected a folder to make."
            )
        if not path.exists() or not any(path.iterdir()):
            return
        if not self.overwrite:
            raise SettingsError(
                f"--output {path}: is not empty. Choose another folder, or add --overwrite."
            )
        others = sorted({p.name for p in path.iterdir()} - set(_files_of(path)))
        if others:
            raise SettingsError(
                f"--output {path}: holds {others[0]}, which is no part of a generated data set, "
                f"and --overwrite does not delete it. Move it, or choose another folder."
            )

    @contextmanager
    def made(self) -> Iterator[Path]:
        """A folder to write to; what it holds takes its place when the block ends well.

        Raises:
            SettingsError: The disk does not take it; what was begun is removed.
        """
        try:
            if self.format.is_folder:
                with made_beside(self.path) as folder:
                    yield folder
            else:
                with self._files_beside() as folder:
                    yield folder
        except OSError as error:
            raise SettingsError(
                f"--output {self.path}: cannot be written ({error.strerror or error}); what was "
                f"begun is removed. Make room, or choose another place."
            ) from error

    @contextmanager
    def _files_beside(self) -> Iterator[Path]:
        folder = self.path.with_name(f".{self.path.name}.part")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
            # The data come last: they never lie there without what says that they are synthetic.
            for file in sorted(folder.iterdir(), key=lambda file: file.name == self.path.name):
                file.replace(self.path.with_name(file.name))
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _files_of(folder: Path) -> list[str]:
    """The files of a generated data set as its sidecar lists them; none where there is none."""
    sidecar = folder / SIDECAR
    if not sidecar.is_file():
        return []
    return [SIDECAR, *read_json(sidecar, "Choose another folder.").get("files", [])]
