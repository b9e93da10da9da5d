"""The card of a data set: what it holds, where it is from, and all that a model must know of it."""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import DatasetError
from data_prep.records import SIGNALS
from data_prep.scaling import SignalStatistics
from data_prep.splitting import SPLITS

CARD_NAME = "dataset_card.json"
SHARD_SUFFIX = ".tfrecord"
FIGURES_FOLDER = "figures"
FORMAT_VERSION = 2


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
    remake = how_to_remake(directory)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(
            f"{directory}: holds no data set ({CARD_NAME} is missing). "
            f"Make one with `python -m data_prep --output {directory}`."
        ) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: not a readable card: {error}. {remake}") from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise DatasetError(
            f"{path}: format version {version!r}, expected {FORMAT_VERSION}. {remake}"
        )
    return _card(path, values)


def _card(path: Path, values: dict[str, Any]) -> DatasetCard:
    try:
        statistics = {
            name: SignalStatistics.from_dict(entry) for name, entry in values["statistics"].items()
        }
        present = tuple(values["signals_present"])
        card = DatasetCard(**{**values, "statistics": statistics, "signals_present": present})
        fault = _fault(card)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        fault = f"a part is missing or of another kind: {error}"
    if fault:
        raise DatasetError(f"{path}: not a sound card: {fault}. {how_to_remake(path.parent)}")
    return card


def _fault(card: DatasetCard) -> str | None:
    """What contradicts itself in a card that was edited or half copied."""
    grid = (card.height, card.width)
    if any(type(side) is not int or side < 1 for side in grid):
        return f"the grid is {card.height!r} x {card.width!r}"
    if not set(card.signals_present) <= set(SIGNALS) or not card.signals_present:
        return f"signals_present is {list(card.signals_present)}, known are {', '.join(SIGNALS)}"
    for name in card.signals_present:
        if len(card.statistics[name].mean_curve) != card.num_points:
            return f"the mean curve of {name} has not {card.num_points} points"
    for split in SPLITS:
        for entry in card.shards[split]:
            if type(entry["samples"]) is not int or Path(entry["name"]).name != entry["name"]:
                return f"a shard of the {split} split is {entry['name']!r}, {entry['samples']!r}"
    return None


def how_to_remake(directory: Path) -> str:
    """The way out where a data set cannot be read."""
    return (
        f"Make the data set anew: `python -m data_prep --output {directory} --overwrite` with "
        f"the --input it had."
    )


def describe_files(files: Sequence[Path]) -> list[dict[str, Any]]:
    """Name, size and SHA-256 of files, in order."""
    return [
        {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)} for path in files
    ]


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
