"""What an evaluation leaves of its test samples: errors of every one, curves of a few."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.physical import Curves

# What numpy raises where bytes of an archive are wrong or missing, or where it is none.
_DAMAGES = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class TestSamples:
    """Errors and curves of the test split, as reports need them; without the model.

    Args:
        cell_ids: Cell of each sample, shape `(samples,)`.
        labels: EOL and ECL in cycles, shape `(samples, 2)`.
        mae: By mode (`reconstruct`, `mean`), then by signal and `total`; each `(samples,)`, the
            mean absolute error over the points of the sample, in the signal's unit.
        mse: Likewise, the mean squared error.
        pictured: Which samples have their curves here, shape `(pictured,)`, ascending.
        measured: By signal, shape `(pictured, points)`.
        generated: By mode, then by signal, shape `(pictured, points)`.
        grid: Height and width of a frame; `points` is their product.
    """

    __test__ = False  # not a class of tests

    cell_ids: NDArray
    labels: NDArray
    mae: dict[str, dict[str, FloatArray]]
    mse: dict[str, dict[str, FloatArray]]
    pictured: NDArray
    measured: Curves
    generated: dict[str, Curves]
    grid: tuple[int, int]

    def save(self, path: Path) -> None:
        """Writes an NPZ whole or not at all."""
        arrays: dict[str, Any] = {
            "cell_ids": np.asarray(self.cell_ids, np.str_),
            "labels": np.asarray(self.labels, np.int64),
            "pictured": np.asarray(self.pictured, np.int64),
            "grid": np.asarray(self.grid, np.int64),
        }
        arrays |= {f"measured/{name}": values for name, values in self.measured.items()}
        for kind in ("mae", "mse", "generated"):
            for mode, by_signal in getattr(self, kind).items():
                arrays |= {f"{kind}/{mode}/{name}": v for name, v in by_signal.items()}
        write_npz(path, arrays)


def load_test_samples(path: Path) -> TestSamples:
    """The inverse of `TestSamples.save`.

    Raises:
        SettingsError: The file is missing or damaged.
    """
    arrays = read_npz(path, "Make it with `python -m rcvae_tf.evaluate`.")
    try:
        return TestSamples(
            cell_ids=arrays["cell_ids"],
            labels=arrays["labels"],
            mae=_by_mode(arrays, "mae"),
            mse=_by_mode(arrays, "mse"),
            pictured=arrays["pictured"],
            measured=_under(arrays, "measured/"),
            generated=_by_mode(arrays, "generated"),
            grid=(int(arrays["grid"][0]), int(arrays["grid"][1])),
        )
    except (KeyError, IndexError) as error:
        raise SettingsError(
            f"{path}: lacks {error}. Make it with `python -m rcvae_tf.evaluate`."
        ) from error


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """Writes arrays whole or not at all; decimals as float32, single numbers as they are."""
    small = {
        name: values.astype(np.float32) if values.ndim and values.dtype == np.float64 else values
        for name, values in arrays.items()
    }
    scratch = path.with_name(f".{path.name}.part")
    with scratch.open("wb") as file:
        np.savez_compressed(file, **small)
    scratch.replace(path)


def read_npz(path: Path, way_out: str) -> dict[str, NDArray]:
    """All arrays of a file.

    Raises:
        SettingsError: The file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise SettingsError(f"{path}: is missing. {way_out}") from None
    except _DAMAGES as error:
        raise SettingsError(f"{path}: not readable ({error}). {way_out}") from error


def _under(arrays: dict[str, NDArray], prefix: str) -> dict[str, NDArray]:
    return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}


def _by_mode(arrays: dict[str, NDArray], kind: str) -> dict[str, dict[str, NDArray]]:
    names = [name.split("/") for name in arrays if name.startswith(f"{kind}/")]
    modes = dict.fromkeys(name[1] for name in names)
    return {mode: _under(arrays, f"{kind}/{mode}/") for mode in modes}
