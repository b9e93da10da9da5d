"""The names of the files in a search directory; of `tuning` no other module spells them.

Those that a page is made of are known to `rcvae_tf` too, which cannot import this package.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.run_directory import read_json, write_json
from tuning.plan import FORMAT_VERSION, differences


@dataclass(frozen=True)
class SearchDirectory:
    """What `python -m tuning` leaves, and what it goes on from."""

    path: Path

    @property
    def facts(self) -> Path:
        """Data, settings, ranges, seed and versions of the search."""
        return self.path / "search.json"

    @property
    def trials(self) -> Path:
        """Every finished trial."""
        return self.path / "trials.csv"

    @property
    def best(self) -> Path:
        """Complete settings of the best trial; `train --config` takes it."""
        return self.path / "best.json"

    @property
    def figures(self) -> Path:
        """Pictures of the search."""
        return self.path / "figures"

    @property
    def objective_figure(self) -> Path:
        """The error over the trials."""
        return self.figures / "objective.png"

    @property
    def slices_figure(self) -> Path:
        """The error over each setting."""
        return self.figures / "slices.png"

    @property
    def tensorboard(self) -> Path:
        """Event files: the table of HParams, and a run for each trial."""
        return self.path / "tensorboard"

    @property
    def oracle(self) -> Path:
        """Folder of keras-tuner's own files."""
        return self.path / "keras_tuner"

    @property
    def log(self) -> Path:
        """What was said during the search."""
        return self.path / "search.log"

    def begin(self, facts: dict[str, Any], overwrite: bool) -> None:
        """Makes the place ready: for a new search, or for one that lies there and goes on.

        Args:
            facts: Of the search that is wanted.
            overwrite: Replace the search that lies there.

        Raises:
            SettingsError: Something else lies there, or a search of other settings.
        """
        if self.path.exists() and not self.path.is_dir():
            raise SettingsError(f"--output {self.path}: is a file, expected a folder to make.")
        goes_on = self.facts.is_file()
        if goes_on:
            stored = self.read_facts()
            if overwrite:
                self.clear()
                goes_on = False
            elif difference := differences(stored, facts):
                raise SettingsError(
                    f"--output {self.path}: holds another search: {difference}. Go on as it was "
                    f"begun, choose another --output, or replace it with --overwrite."
                )
        # A search that was killed before it could write its facts leaves a hidden scratch file.
        elif self.path.is_dir() and any(f.name[0] != "." for f in self.path.iterdir()):
            raise SettingsError(
                f"--output {self.path}: is not empty and holds no search ({self.facts.name} is "
                f"missing). Choose another folder."
            )
        if not goes_on:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self.facts, facts)

    def clear(self) -> None:
        """Removes what an earlier search left; other files are not touched."""
        for folder in (self.oracle, self.tensorboard):
            shutil.rmtree(folder, ignore_errors=True)
        files = (self.trials, self.best, self.objective_figure, self.slices_figure, self.log)
        # The facts go last: without them nobody could tell what the rest is.
        for path in (*files, self.facts):
            path.unlink(missing_ok=True)

    def read_facts(self) -> dict[str, Any]:
        """The content of `search.json`.

        Raises:
            SettingsError: It is damaged, or of another format version.
        """
        way_out = "Choose another --output, or remove the folder."
        stored = read_json(self.facts, way_out)
        version = stored.get("format_version")
        if version != FORMAT_VERSION:
            raise SettingsError(
                f"{self.facts}: format version {version!r}, expected {FORMAT_VERSION}. {way_out}"
            )
        try:
            differences(stored, stored)
        except (KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"{self.facts}: damaged: {error!r} in what it says of the search. {way_out}"
            ) from error
        return stored
