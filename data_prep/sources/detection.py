"""Which source a folder of files belongs to, told by what is in them."""

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from data_prep.dataset_card import CARD_NAME
from data_prep.errors import SourceError
from data_prep.sources.arbin.reader import is_arbin
from data_prep.sources.base import entries, no_file
from data_prep.sources.bdf.reader import is_bdf
from data_prep.sources.cycler.tables import Table
from data_prep.sources.nasa.kaggle import METADATA, is_metadata

# What lies beside measurements and is none; in lower case.
SIDE_FILES = (
    *("cells.csv", "*.capacity.csv", "*_metadata.csv", "*.metadata.json", "*labels.json"),
    *("readme*", "*.md", "license*", "citation*", ".*", "thumbs.db", "desktop.ini"),
)

MATLAB_ENDINGS = (".mat",)
PICKLE_ENDINGS = (".pkl", ".pickle")
TABLE_ENDINGS = (".csv", ".csv.gz", ".parquet", ".bdf", ".bdf.gz")

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_PLACES = (0, 512)  # MATLAB 7.3 writes its own header of 512 bytes first
MATLAB_V5_MARKS = (b"\x00\x01IM", b"\x01\x00MI")  # at byte 124: version and byte order
PICKLE_SIGNATURES = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
BYTES_TO_LOOK_AT = 520

KNOWN = (
    "MATR .mat (MATLAB 7.3), NASA .mat (MATLAB 5) or its Kaggle metadata.csv, BatteryML .pkl, "
    "BDF .csv and .parquet, Arbin .csv, data sets of this project"
)
NAMES_IN_A_MESSAGE = 5


def detect(location: Path) -> str:
    """The name of the source that the files at a folder, or one file, belong to.

    Args:
        location: Folders within it are not searched, only named in the error.

    Raises:
        SourceError: Nothing there, nothing that is known, or files of several sources.
    """
    if not location.exists():
        raise SourceError(f"{location}: no such file or folder. Give --input the measurements.")
    votes = _votes(location)
    if not votes:
        raise SourceError(_nothing_known(location))
    if len(votes) > 1:
        listed = ", ".join(
            f"{name} ({len(paths)}, such as {paths[0].name})" for name, paths in votes.items()
        )
        raise SourceError(
            f"{location}: holds files of several sources: {listed}. "
            f"Say which to read with --source, or put them into folders of their own."
        )
    return next(iter(votes))


def other_files(location: Path, files: Sequence[Path]) -> list[Path]:
    """The files at a folder that are neither measurements to be read nor known side files.

    Args:
        location: Where `files` were found; at a single file there are no others.
        files: Those that are read.
    """
    read = set(files)
    return [path for path in _files_at(location) if path not in read and not _is_side_file(path)]


def source_of(path: Path) -> str | None:
    """The source that one file belongs to, by its signature or header; None where unknown."""
    name = path.name.lower()
    if name.endswith(MATLAB_ENDINGS):
        return _matlab_source(_first_bytes(path))
    if name.endswith(PICKLE_ENDINGS):
        return "batteryml" if _first_bytes(path).startswith(PICKLE_SIGNATURES) else None
    if path.name == CARD_NAME:
        return "tfrecord"
    if is_metadata(path):
        return "nasa"
    if is_bdf(path):
        return "bdf"
    return "arbin" if is_arbin(path) else None


def _votes(location: Path) -> dict[str, list[Path]]:
    """The files of every source, side files aside."""
    votes: dict[str, list[Path]] = {}
    for path in _files_at(location):
        name = None if _is_side_file(path) else source_of(path)
        if name is not None:
            votes.setdefault(name, []).append(path)
    return votes


def _files_at(location: Path) -> list[Path]:
    return entries(location, ("", *MATLAB_ENDINGS, *PICKLE_ENDINGS, *TABLE_ENDINGS))


def _is_side_file(path: Path) -> bool:
    return any(fnmatch(path.name.lower(), pattern) for pattern in SIDE_FILES)


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(BYTES_TO_LOOK_AT)
    except OSError:
        return b""


def _matlab_source(content: bytes) -> str | None:
    if any(content[place:].startswith(HDF5_SIGNATURE) for place in HDF5_PLACES):
        return "matr"
    return "nasa" if content[124:128] in MATLAB_V5_MARKS else None


def _nothing_known(location: Path) -> str:
    """What was found instead, what is read, and where to look."""
    files = [path for path in _files_at(location) if not _is_side_file(path)]
    endings = Counter(path.suffix.lower() or "no ending" for path in files)
    counted = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(5))
    found = f"{counted}, such as {files[0].name}" if files else "no files"
    return (
        f"{location}: holds no measurements that are known; found {found}. "
        f"Known are {KNOWN}.{_first_damage(files)}{_where_to_look(location)}"
    )


def _first_damage(files: Sequence[Path]) -> str:
    """What is wrong with the first file that would be a measurement by its ending."""
    damage = next((found for path in files if (found := _damage(path))), None)
    return f" Not read, {damage}" if damage else ""


def _damage(path: Path) -> str | None:
    if error := no_file(path):
        return str(error)
    name = path.name.lower()
    if name.endswith(MATLAB_ENDINGS):
        return f"{path}: does not begin as a MATLAB file of version 5 or 7.3. Copy it again."
    if name.endswith(PICKLE_ENDINGS):
        return f"{path}: does not begin as a pickle of protocol 2 to 5. Copy it again."
    if name.endswith(TABLE_ENDINGS):
        try:
            Table(path).names  # noqa: B018
        except SourceError as error:
            return str(error)
    return None


def _where_to_look(location: Path) -> str:
    """The folders around a place that hold measurements."""
    within = sorted(p for p in location.iterdir() if p.is_dir()) if location.is_dir() else []
    looks = {folder: names for folder in within if (names := _sources_in(folder))}
    above = location.absolute().parent
    if is_metadata(above / METADATA):
        looks[above] = "nasa"
    if not looks:
        return ""
    listed = ", ".join(
        f"{folder.name}/ holds {names}"
        for folder, names in list(looks.items())[:NAMES_IN_A_MESSAGE]
    )
    return f" Near it, {listed}: give --input {next(iter(looks))}."


def _sources_in(folder: Path) -> str:
    try:
        return " and ".join(_votes(folder))
    except SourceError:
        return ""
