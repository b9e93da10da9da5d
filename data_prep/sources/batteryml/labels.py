"""Life labels of BatteryLife: `*labels.json`, the life in cycles by the name of a pickle."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from data_prep.errors import SourceError
from data_prep.sources.pickles.imports import shown

# BatteryLife ships the first; its scripts write the second.
FOLDERS = ("Life labels", "Life_labels")


class LifeLabel(NamedTuple):
    """A life, and the name of the file that gives it."""

    cycles: int
    file: str


def read_life_labels(folder: Path) -> dict[str, LifeLabel]:
    """The labels for the pickles of a folder, by name of the pickle.

    Args:
        folder: The pickles' own; labels lie in it, or in a folder `Life labels` beside it.

    Raises:
        SourceError: A file that is no such table, or two that contradict one another.
    """
    labels: dict[str, LifeLabel] = {}
    for file in label_files(folder):
        for name, cycles in _read(file).items():
            known = labels.setdefault(name, LifeLabel(cycles, file.name))
            if known.cycles != cycles:
                raise SourceError(
                    f"{file}: gives {name} a life of {cycles} cycles, {known.file} gives "
                    f"{known.cycles}. Take one of the two files away."
                )
    return labels


def label_files(folder: Path) -> list[Path]:
    """The files of labels in a folder, and in one of `FOLDERS` beside it."""
    beside = [folder.absolute().parent / name for name in FOLDERS]
    return [path for place in (folder, *beside) for path in sorted(place.glob("*labels.json"))]


def _read(file: Path) -> dict[str, int]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise SourceError(
            f"{file}: cannot be read as JSON ({cause}). Download it again, or take it away."
        ) from None
    if not isinstance(content, dict):
        raise SourceError(
            f"{file}: expected lives in cycles by name of the pickle, "
            f"found {type(content).__name__}. Download it again, or take it away."
        )
    return {name: _life(file, name, value) for name, value in content.items() if value is not None}


def _life(file: Path, name: str, value: Any) -> int:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # A NaN compares false.
    if not is_number or not 1 <= value < 2**31 or value != int(value):
        raise SourceError(
            f"{file}: the life of {name} must be a whole number of cycles, 1 or more. "
            f"Received: {shown(value)}. Correct it or take it out."
        )
    return int(value)
