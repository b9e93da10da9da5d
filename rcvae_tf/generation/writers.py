"""Generated charges to CSV or NPZ, in physical units, marked as synthetic."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data_prep.errors import SettingsError
from data_prep.records import FloatArray
from rcvae_tf.generation.sampler import GeneratedCharges

NUMBER_FORMAT = "%.7g"  # float32 has seven digits
# Before the signals; the last numbers the points of a charge.
CSV_FACTS = ("sample", "eol", "ecl", "policy", "in_support", "projected", "point")


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
    """One row a point: which charge and of what condition, then the signals with their units."""
    num_samples, num_points = next(iter(charges.curves.values())).shape
    signals = _time_first(charges)
    facts = f"{charges.condition.eol},{charges.condition.ecl},{charges.policy}"
    support = int(charges.in_support)
    formats = ",".join([NUMBER_FORMAT] * len(signals))
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*CSV_FACTS, *signals]) + "\n")
        for row in range(num_samples):
            start = f"{row + 1},{facts},{support},{int(charges.projected[row])}"
            points = zip(*(values[row].tolist() for values in signals.values()), strict=True)
            file.writelines(
                f"{start},{number},{formats % point}\n" for number, point in enumerate(points)
            )


def write_npz(charges: GeneratedCharges, path: Path) -> None:
    """Each signal as an array of shape `(samples, points)`, and the condition."""
    arrays: dict[str, Any] = {
        **charges.curves,
        "eol": charges.condition.eol,
        "ecl": charges.condition.ecl,
        "policy": charges.policy,
        "matched_eol": charges.matched.eol,
        "matched_ecl": charges.matched.ecl,
        "distance": charges.distance,
        "in_support": charges.in_support,
        "projected": charges.projected,
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
