"""Measured charges that travel with an exported model, so that a page can show them beside it."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from rcvae_tf.conditions import condition_distance
from rcvae_tf.physical import Curves

LABELS, CELL_IDS, POLICIES, WEIGHT = "labels", "cell_ids", "policies", "condition_weight"


@dataclass(frozen=True)
class Measured:
    """Charges of the training split.

    Args:
        curves: By signal, in physical units, each of shape `(charges, points)`.
        labels: EOL and ECL, shape `(charges, 2)`.
        cell_ids: Shape `(charges,)`.
        policies: Charge policy of each; empty where unknown.
        condition_weight: Of EOL in the distance of conditions.
    """

    curves: Curves
    labels: NDArray[np.int64]
    cell_ids: NDArray[np.str_]
    policies: NDArray[np.str_]
    condition_weight: float

    def __len__(self) -> int:
        return len(self.labels)

    def nearest(self, eol: int, ecl: int, policy: str = "") -> int:
        """The number of the charge nearest to a condition; among those of the policy, if any."""
        distance = condition_distance(
            eol, ecl, self.labels[:, 0], self.labels[:, 1], self.condition_weight
        )
        same = self.policies == policy
        if policy and same.any():
            distance = np.where(same, distance, np.inf)
        return int(np.argmin(distance))


def write_measured(measured: Measured, path: Path) -> None:
    """Writes the file."""
    arrays: dict[str, Any] = {
        LABELS: measured.labels,
        CELL_IDS: measured.cell_ids,
        POLICIES: measured.policies,
        WEIGHT: np.float64(measured.condition_weight),
        **measured.curves,
    }
    np.savez_compressed(path, **arrays)


def read_measured(path: Path) -> Measured | None:
    """The inverse of `write_measured`; None where there is no such file.

    Raises:
        SettingsError: The file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        return Measured(
            labels=arrays.pop(LABELS),
            cell_ids=arrays.pop(CELL_IDS),
            policies=arrays.pop(POLICIES),
            condition_weight=float(arrays.pop(WEIGHT)),
            curves=arrays,
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SettingsError(
            f"{path}: not readable ({error}). Export the run anew with `python -m rcvae_tf.export`."
        ) from error
