"""The card of a data set: what it holds, where it is from, and all that a model must know of it."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import DatasetError
from data_prep.scaling import SignalStatistics

CARD_NAME = "dataset_card.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class DatasetCard:
    """What `dataset_card.json` says.

    Args:
        source: Name of the source, and name, size and SHA-256 of each of its files.
        preparation: The settings, without places on the disk.
        height: Rows of a frame.
        width: Columns of a frame.
        signals_present: Signals that were measured, and the elapsed time.
        cells: By cell: EOL, nominal capacity, voltage limit, charge policy, number of samples.
        shards: By split: name, samples and SHA-256 of each shard.
        statistics: By signal, from the training split.
        cleaning: The report of what was read, kept and rejected.
        format_version: Of this card and its shards.
    """

    source: dict[str, Any]
    preparation: dict[str, Any]
    height: int
    width: int
    signals_present: tuple[str, ...]
    cells: dict[str, dict[str, Any]]
    shards: dict[str, list[dict[str, Any]]]
    statistics: dict[str, SignalStatistics]
    cleaning: dict[str, Any]
    format_version: int = FORMAT_VERSION

    @property
    def num_points(self) -> int:
        """Points of a series."""
        return self.height * self.width

    def num_samples(self, split: str) -> int:
        """Samples of one of the splits."""
        return sum(shard["samples"] for shard in self.shards[split])

    def write(self, directory: Path) -> None:
        """Writes the card into the directory of its data set."""
        text = json.dumps(dataclasses.asdict(self), indent=1, allow_nan=False)
        (directory / CARD_NAME).write_text(text + "\n", encoding="utf-8")


def read_card(directory: Path) -> DatasetCard:
    """Reads the card of a data set.

    Raises:
        DatasetError: No data set there, a damaged card, or another format version.
    """
    path = directory / CARD_NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(
            f"{directory}: holds no data set ({CARD_NAME} is missing). "
            f"Make one with `python -m data_prep --output {directory}`."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: not a readable card: {error}. {_REMAKE}") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(
            f"{path}: format version {version!r}, expected {FORMAT_VERSION}. {_REMAKE}"
        )
    return _card(path, values)


_REMAKE = "Make the data set anew with `python -m data_prep --overwrite`."


def _card(path: Path, values: dict[str, Any]) -> DatasetCard:
    try:
        statistics = {
            name: SignalStatistics.from_dict(entry) for name, entry in values["statistics"].items()
        }
        present = tuple(values["signals_present"])
        return DatasetCard(**{**values, "statistics": statistics, "signals_present": present})
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path}: a part of the card is missing: {error}. {_REMAKE}") from error


def describe_files(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of files, in order."""
    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)} for path in files
    ]


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
