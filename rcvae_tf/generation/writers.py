"""Generated charges to CSV or NPZ, in physical units, marked as synthetic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.generation.sampler import GeneratedCharges

NUMBER_FORMAT = "%.7g"  # float32 has seven digits


def write_charges(charges: GeneratedCharges, path: Path, overwrite: bool) -> None:
    """Writes charges in the format that the file's name ends with.

    Raises:
        SettingsError: An unknown ending, no such folder, or a file that would be replaced.
    """
    check_output(path, overwrite)
    scratch = path.with_name(f".{path.name}.part")
    try:
        WRITERS[path.suffix.lower()](charges, scratch)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise SettingsError(f"--output {path}: cannot be written: {error.strerror}.") from error


def check_output(path: Path, overwrite: bool) -> None:
    """Raises `SettingsError` where `write_charges` would; before the work, not after it."""
    if path.suffix.lower() not in WRITERS:
        known = ", ".join(WRITERS)
        raise SettingsError(f"--output {path}: must end with one of {known}.")
    if not path.parent.is_dir():
        raise SettingsError(f"--output {path}: the folder {path.parent} does not exist. Make it.")
    if path.exists() and not overwrite:
        raise SettingsError(f"--output {path}: exists. Choose another name, or add --overwrite.")


def write_csv(charges: GeneratedCharges, path: Path) -> None:
    """One row a point: sample, asked EOL and ECL, point, then the signals with their units."""
    num_samples, num_points = next(iter(charges.curves.values())).shape
    columns: dict[str, FloatArray] = {
        "sample": np.repeat(np.arange(1, num_samples + 1), num_points),
        "eol": np.full(num_samples * num_points, charges.condition.eol),
        "ecl": np.full(num_samples * num_points, charges.condition.ecl),
        "point": np.tile(np.arange(num_points), num_samples),
    }
    columns |= {name: values.ravel() for name, values in _time_first(charges).items()}
    formats = ["%d"] * 4 + [NUMBER_FORMAT] * (len(columns) - 4)
    table = np.column_stack(list(columns.values()))
    np.savetxt(path, table, formats, delimiter=",", header=",".join(columns), comments="")


def write_npz(charges: GeneratedCharges, path: Path) -> None:
    """Each signal as an array of shape `(samples, points)`, and the condition."""
    arrays: dict[str, Any] = {
        **charges.curves,
        "eol": charges.condition.eol,
        "ecl": charges.condition.ecl,
        "matched_eol": charges.matched.eol,
        "matched_ecl": charges.matched.ecl,
        "distance": charges.distance,
        "in_support": charges.in_support,
        "synthetic": True,
    }
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _time_first(charges: GeneratedCharges) -> dict[str, FloatArray]:
    order = sorted(charges.curves, key=lambda name: name != "elapsed_time_s")
    return {name: charges.curves[name] for name in order}


WRITERS: dict[str, Callable[[GeneratedCharges, Path], None]] = {
    ".csv": write_csv,
    ".npz": write_npz,
}
