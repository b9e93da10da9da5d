"""The table of formats, and which of them an output is in."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import SettingsError
from rcvae_tf.generation.charges import SetFacts
from rcvae_tf.generation.formats.writing import ChargeWriter


@dataclass(frozen=True)
class Format:
    """A format that generated charges are written in.

    Args:
        name: As `--format` has it.
        endings: Of an output whose name alone tells the format, in lower case; the first is the
            usual one.
        help: What it is, for the command line.
        is_folder: Whether the output is a folder, else one file.
        module: That has `open_writer(path, facts)`; imported when it is used.
        variant: What the module is told where it writes several formats.
    """

    name: str
    endings: tuple[str, ...]
    help: str
    is_folder: bool
    module: str
    variant: str = ""

    @property
    def suffix(self) -> str:
        """The ending of its file; empty for a folder."""
        return "" if self.is_folder else self.endings[0]

    def open(self, path: Path, facts: SetFacts) -> ChargeWriter:
        """A writer of one generated set.

        Args:
            path: Of the file to be made, or of an empty folder.
            facts: Of the set.

        Raises:
            SettingsError: The set lacks what the format needs.
            OSError: The place cannot be written to.
        """
        module = importlib.import_module(f"rcvae_tf.generation.formats.{self.module}")
        open_writer: Callable[..., ChargeWriter] = module.open_writer
        return open_writer(path, facts, *([self.variant] if self.variant else []))


FORMATS = {
    entry.name: entry
    for entry in (
        Format(
            "bdf-parquet",
            (".bdf.parquet",),
            "Battery Data Format: a folder, one Parquet file a cell, facts in cells.csv",
            True,
            "bdf",
            "parquet",
        ),
        Format(
            "bdf-csv",
            (".bdf.csv",),
            "Battery Data Format: a folder, one CSV file a cell, facts in cells.csv",
            True,
            "bdf",
            "csv",
        ),
        Format("csv", (".csv",), "one table, a row a point", False, "csv_table"),
        Format("npz", (".npz",), "arrays by signal, for numpy", False, "npz"),
        Format(
            "tfrecord",
            (),
            "a folder that is a data set for training, split into train, validation and test",
            True,
            "tfrecord",
        ),
        Format(
            "matr", (".mat", ".h5"), "one HDF5 file in the layout of the MATR files", False, "matr"
        ),
    )
}


def format_of(path: Path, asked: str | None) -> Format:
    """The format of an output: the one asked for, else the one that its name ends with.

    Raises:
        SettingsError: An unknown format, a name that does not tell it, or one that tells another.
    """
    if asked is not None and asked not in FORMATS:
        raise SettingsError(
            f"--format {asked}: unknown. Choose one of {', '.join(FORMATS)}, or leave it out."
        )
    told = _told_by(path)
    if asked is None and told is None:
        endings = ", ".join(ending for entry in FORMATS.values() for ending in entry.endings)
        raise SettingsError(
            f"--output {path}: must end with one of {endings}, or say its format with --format "
            f"({', '.join(FORMATS)})."
        )
    if asked is not None and told is not None and told.name != asked:
        wanted = FORMATS[asked].suffix
        way_out = f"a name that ends with {wanted}" if wanted else "the name of a folder"
        raise SettingsError(
            f"--output {path}: is the name of --format {told.name}, asked for is {asked}. "
            f"Give {way_out}, or leave out --format."
        )
    return FORMATS[asked] if asked else told  # type: ignore[return-value]


def _told_by(path: Path) -> Format | None:
    """The format of the longest ending that a name has."""
    name = path.name.lower()
    found = {e: entry for entry in FORMATS.values() for e in entry.endings if name.endswith(e)}
    return found[max(found, key=len)] if found else None
