"""The names of the files in a run directory; no other module spells them."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import SettingsError

FORMAT_VERSION = 3


@dataclass(frozen=True)
class RunDirectory:
    """`runs/<name>/`: what the commands leave, and where the next ones find it."""

    path: Path

    @property
    def config(self) -> Path:
        """Resolved settings, and the data set; `train --config` takes it."""
        return self.path / "config.json"

    @property
    def model(self) -> Path:
        """The best model."""
        return self.path / "model.keras"

    @property
    def conditions(self) -> Path:
        """The vocabulary of conditions."""
        return self.path / "conditions.npz"

    @property
    def history(self) -> Path:
        """Losses and errors by epoch."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """What `evaluate` measured."""
        return self.path / "metrics.json"

    @property
    def test_samples(self) -> Path:
        """Errors of every test sample, curves of a few."""
        return self.path / "test_samples.npz"

    @property
    def embeddings(self) -> Path:
        """The learned embedding of the conditions; a run without one has no such file."""
        return self.path / "embeddings.npz"

    @property
    def tensorboard(self) -> Path:
        """Event files, and the projector's."""
        return self.path / "tensorboard"

    @property
    def projector(self) -> Path:
        """What TensorBoard's projector shows; a run of its own among those of `tensorboard`."""
        return self.tensorboard / "embedding"

    @property
    def figures(self) -> Path:
        """Pictures that `evaluate` draws."""
        return self.path / "figures"

    @property
    def assessment(self) -> Path:
        """What `assess` leaves where it is not told otherwise."""
        return self.path / "assessment"

    @property
    def state(self) -> Path:
        """What `train --resume` goes on from."""
        return self.path / "state"

    @property
    def last_model(self) -> Path:
        """The model of the last epoch, with its optimiser."""
        return self.state / "last.keras"

    @property
    def train_state(self) -> Path:
        """Epoch, best value and patience counter of the last epoch."""
        return self.state / "train_state.json"

    @property
    def log(self) -> Path:
        """What was said during training."""
        return self.path / "run.log"

    def clear(self) -> None:
        """Removes what an earlier run left; other files are not touched."""
        for path in (self.tensorboard, self.figures, self.assessment, self.state):
            shutil.rmtree(path, ignore_errors=True)
        for path in (
            self.config,
            self.model,
            self.conditions,
            self.history,
            self.metrics,
            self.test_samples,
            self.embeddings,
            self.log,
        ):
            path.unlink(missing_ok=True)

    def read_config(self) -> dict[str, Any]:
        """The content of `config.json`.

        Raises:
            SettingsError: No run there, or one of another format version.
        """
        if not self.config.exists():
            raise SettingsError(
                f"{self.path}: holds no run ({self.config.name} is missing). "
                f"Make one with `python -m rcvae_tf.train --output {self.path}`."
            )
        stored = read_json(self.config, "Train anew.")
        version = stored.get("format_version")
        if version != FORMAT_VERSION:
            raise SettingsError(
                f"{self.config}: format version {version!r}, expected {FORMAT_VERSION}. Train anew."
            )
        if not isinstance(stored.get("data"), dict) or "directory" not in stored["data"]:
            raise SettingsError(f"{self.config}: does not say what data it is of. Train anew.")
        return stored


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all."""
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    scratch.replace(path)


def read_json(path: Path, way_out: str) -> dict[str, Any]:
    """The object in a JSON file.

    Raises:
        SettingsError: The file is missing, is not JSON, or not an object; ends with the way out.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SettingsError(f"{path}: not readable: {error}. {way_out}") from error
    if not isinstance(stored, dict):
        raise SettingsError(f"{path}: not readable: expected an object. {way_out}")
    return stored
