"""A trained run, loaded: its model, its vocabulary, and its settings."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import ConditionError, SettingsError
from data_prep.records import FloatArray
from rcvae_tf.conditions import Condition, Vocabulary
from rcvae_tf.physical import Curves
from rcvae_tf.presets import RunConfig, resolve
from rcvae_tf.run_directory import RunDirectory

if TYPE_CHECKING:
    from rcvae_tf.model.rcvae import RCVAE

DECODE_BATCH = 1024
# What numpy, or a Condition, makes of a file that holds something else.
_DAMAGES = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
    EOFError,
    ConditionError,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Run:
    """A model with all that is needed to ask it for curves.

    Args:
        directory: Where it lies.
        config: What it was trained with.
        data: Where its data set lies and how that was split.
        model: The best model of the run.
        vocabulary: The conditions that it was trained on.
    """

    directory: RunDirectory
    config: RunConfig
    data: dict[str, Any]
    model: "RCVAE"
    vocabulary: Vocabulary

    def mean_curves(self, labels: NDArray, policy_steps: NDArray) -> Curves:
        """What is expected of conditions: no draw, z = 0.

        Args:
            labels: EOL and ECL, shape `(samples, 2)`; for the paper's model an unknown one takes
                the embedding of the nearest known one.
            policy_steps: Charge policies, shape `(samples, MAX_STEPS, 2)`; zero where unknown.

        Returns:
            By signal, in physical units, each of shape `(samples, points)`.
        """
        return self._generate(labels, policy_steps, None)

    def draw_curves(
        self, labels: NDArray, policy_steps: NDArray, rng: np.random.Generator
    ) -> Curves:
        """A charge drawn for every condition; shapes as `mean_curves`."""
        return self._generate(labels, policy_steps, rng)

    def _generate(
        self, labels: NDArray, policy_steps: NDArray, rng: np.random.Generator | None
    ) -> Curves:
        parts = []
        for start in range(0, len(labels), DECODE_BATCH):
            rows = slice(start, start + DECODE_BATCH)
            inputs = self.inputs_of(labels[rows], policy_steps[rows])
            noise = self.model.draw_noise(len(labels[rows]), rng)
            parts.append(self.model.generate_series(inputs, noise).numpy())
        return self.named(np.concatenate(parts))

    def generate(self, eol: Any, ecl: Any, samples: int = 1, **drawn: Any) -> dict[str, NDArray]:
        """Charges of wanted conditions; see `generation.api.generate_arrays` for all arguments.

        Args:
            eol: Cycle life of the cells, one or several.
            ecl: Age in cycles already made, one or several.
            samples: Draws of each EOL with each ECL.
            **drawn: `policy`, `seed`, `mean`, `noise`, `extrapolate`.

        Returns:
            Arrays by name, units in the names of signals.
        """
        from rcvae_tf.generation.api import generate_arrays

        return generate_arrays(self, eol, ecl, samples, **drawn)

    def inputs_of(self, labels: NDArray, policy_steps: NDArray) -> dict[str, NDArray]:
        """What the model is told of conditions; arguments as those of `mean_curves`."""
        index, _ = self.vocabulary.nearest(labels)
        return {
            "condition_index": index.astype(np.int32),
            "condition": np.asarray(labels, np.float32),
            "policy_steps": np.asarray(policy_steps, np.float32),
        }

    def named(self, series: FloatArray) -> Curves:
        """Series of the model, shape `(samples, signals, points)`, by signal."""
        return {name: series[:, k] for k, name in enumerate(self.model.signals_present)}

    @property
    def latent_dim(self) -> int:
        """Size of z."""
        return self.config.model.latent_dim


def conditions_on_policy(run: Run) -> bool:
    """Whether a run is told the charge policy."""
    return run.config.model.with_policy


def load_run(path: str | Path) -> Run:
    """A run by its folder.

    Raises:
        SettingsError: No run there, one that is not finished, damaged, or of another version.
    """
    directory = RunDirectory(Path(path))
    stored = directory.read_config()
    for file in (directory.model, directory.conditions):
        if not file.is_file():
            raise SettingsError(
                f"{file}: missing; the run has not come to its end. "
                f"Train it with `python -m rcvae_tf.train --output {directory.path} --resume`."
            )
    run = Run(
        directory=directory,
        config=resolve(None, stored),
        data=stored["data"],
        model=load_model(directory.model),
        vocabulary=load_vocabulary(directory.conditions),
    )
    if len(run.vocabulary) != run.model.num_conditions:
        raise SettingsError(
            f"{directory.conditions}: holds {len(run.vocabulary)} conditions, the model has "
            f"{run.model.num_conditions}. Train anew."
        )
    return run


def load_model(path: Path) -> "RCVAE":
    """A saved model.

    Raises:
        SettingsError: The file is damaged or was written by another version.
    """
    import keras

    import rcvae_tf.model.canvas_rcvae  # noqa: F401  registers the classes

    try:
        return keras.saving.load_model(path)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        first_line = str(error).strip().split("\n")[0][:160]
        raise SettingsError(f"{path}: not a readable model ({first_line}). Train anew.") from error


def save_model(model: "RCVAE", path: Path) -> None:
    """Writes a model whole or not at all."""
    scratch = path.with_name(f"part-{path.name}")
    model.save(scratch)
    scratch.replace(path)


def save_vocabulary(vocabulary: Vocabulary, path: Path) -> None:
    """Writes the labels and the weight of their distance."""
    np.savez(path, labels=vocabulary.labels, condition_weight=vocabulary.weight)


def load_vocabulary(path: Path) -> Vocabulary:
    """The inverse of `save_vocabulary`.

    Raises:
        SettingsError: The file is damaged.
    """
    try:
        with path.open("rb") as file, np.load(file) as stored:
            conditions = [Condition(int(eol), int(ecl)) for eol, ecl in stored["labels"]]
            return Vocabulary(conditions, float(stored["condition_weight"]))
    except _DAMAGES as error:
        raise SettingsError(f"{path}: not a readable vocabulary ({error}). Train anew.") from error
