"""The learned embedding of a run, with the conditions that its rows stand for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.test_samples import read_npz, write_npz


@dataclass(frozen=True)
class EmbeddingMatrix:
    """What reports and the projector show of the condition embedding; without the model.

    Args:
        embeddings: Shape `(num_conditions, embedding_dim)`.
        labels: EOL and ECL of each row, in cycles, shape `(num_conditions, 2)`.
        cell_ids: The training cells of each condition, joined by a space; `(num_conditions,)`.
        condition_weight: Of EOL in the distance of conditions.
    """

    embeddings: FloatArray
    labels: NDArray
    cell_ids: NDArray
    condition_weight: float

    def save(self, path: Path) -> None:
        """Writes an NPZ whole or not at all."""
        arrays = {
            "embeddings": np.asarray(self.embeddings, np.float32),
            "labels": np.asarray(self.labels, np.int64),
            "cell_ids": np.asarray(self.cell_ids, np.str_),
            "condition_weight": np.asarray(self.condition_weight, np.float64),
        }
        write_npz(path, arrays)


def load_embedding_matrix(path: Path) -> EmbeddingMatrix:
    """The inverse of `EmbeddingMatrix.save`.

    Raises:
        SettingsError: The file is missing or damaged.
    """
    arrays = read_npz(path, "Make it with `python -m rcvae_tf.evaluate`.")
    try:
        return EmbeddingMatrix(
            embeddings=arrays["embeddings"],
            labels=arrays["labels"],
            cell_ids=arrays["cell_ids"],
            condition_weight=float(arrays["condition_weight"]),
        )
    except (KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: lacks {error}. Make it with `python -m rcvae_tf.evaluate`."
        ) from error
