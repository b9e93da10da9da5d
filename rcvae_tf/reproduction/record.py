"""`reproduce.json`: the settings of a reproduction, and how far each of its parts is."""

import os
import platform
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from data_prep import settings as plain
from data_prep.errors import SettingsError
from rcvae_tf import __version__
from rcvae_tf.ablation.rows import parse_rows
from rcvae_tf.reproduction.layout import RECORD
from rcvae_tf.reproduction.parts import ABLATE
from rcvae_tf.reproduction.settings import PAPER_LAYERS, ReproduceSettings, placed
from rcvae_tf.run_directory import read_json, write_json

FORMAT_VERSION = 1
PACKAGES = (
    *("tensorflow", "keras", "keras-tuner", "tensorboard", "numpy", "scipy"),
    *("scikit-learn", "h5py", "matplotlib"),
)


@dataclass
class Record:
    """What is known of a reproduction; on the disk after every change.

    Args:
        output: Its folder.
        settings: What is reproduced, as JSON-ready values.
        parts: By name: title, argv, started, seconds, done, the SHA-256 of its inputs, and the
            versions of the packages, one entry for each set of them that it ran with.
    """

    output: Path
    settings: dict[str, Any]
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def write(self) -> None:
        """Writes the file whole or not at all."""
        values = {
            "format_version": FORMAT_VERSION,
            "settings": self.settings,
            "versions": versions(),
            "host": {
                "system": platform.system(),
                "machine": platform.machine(),
                "python": platform.python_version(),
                "cores": os.cpu_count(),
            },
            "parts": self.parts,
        }
        write_json(self.output / RECORD, values)


def open_record(output: Path, settings: ReproduceSettings) -> Record:
    """The record of a reproduction that lies there, else a new one.

    One without a finished part binds nobody: its settings may have been the fault. More rows
    make an ablation one that is to go on.

    Raises:
        SettingsError: A damaged record, or one of other settings.
    """
    values = plain.to_dict(settings) | {"input": placed(settings)}
    stored = read_record(output / RECORD)
    if stored is None or not any(entry["done"] for entry in stored["parts"].values()):
        return Record(output, values)
    # A setting that is younger than the record had its default.
    before = plain.to_dict(ReproduceSettings()) | stored["settings"]
    _check_same(output, before, values)
    if _rows(before["rows"]) != _rows(values["rows"]):
        for entry in stored["parts"].values():
            entry["done"] &= ABLATE not in entry["argv"]
    return Record(output, values, stored["parts"])


def read_record(path: Path) -> dict[str, Any] | None:
    """The content of a `reproduce.json`; None where there is none.

    Raises:
        SettingsError: It is damaged, or of another format version.
    """
    way_out = "Choose another --output, or add --overwrite."
    if not path.exists():
        return None
    stored = read_json(path, way_out)
    found = stored.get("format_version")
    if found != FORMAT_VERSION:
        raise SettingsError(
            f"{path}: format version {found!r}, expected {FORMAT_VERSION}. {way_out}"
        )
    if not all(isinstance(stored.get(part), dict) for part in ("settings", "parts")):
        raise SettingsError(f"{path}: lacks its settings or its parts. {way_out}")
    return stored


def _check_same(output: Path, stored: dict[str, Any], given: dict[str, Any]) -> None:
    for name in given:
        old, new = stored[name], given[name]
        if old != new and not (name in EXTENSIBLE and EXTENSIBLE[name](old, new)):
            raise SettingsError(
                f"--output {output}: holds a reproduction with {name}={_shown(old)}, not "
                f"{_shown(new)}. Give the same settings, another --output, or --overwrite."
            )


def _more_cycles(old: list[str], new: list[str]) -> bool:
    """More n beside the old ones; the search, on the largest n, stays what it was."""
    counts = {int(word) for word in new}
    return bool(old) and {int(w) for w in old} <= counts and max(map(int, old)) == max(counts)


def _more_rows(old: list[str], new: list[str]) -> bool:
    return _rows(old) <= _rows(new)


def _rows(words: list[str]) -> set[str]:
    return set(parse_rows(words, PAPER_LAYERS))


# What may grow in the same folder.
EXTENSIBLE = {"early_cycles": _more_cycles, "rows": _more_rows}


def _shown(value: Any) -> str:
    return ",".join(value) or "all" if isinstance(value, list) else str(value)


@cache
def versions() -> dict[str, str]:
    """Versions of the packages that the numbers depend on."""
    found = {"rcvae_tf": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
