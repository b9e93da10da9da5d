"""Arrays in a NumPy archive, a row a charge.

An archive keeps one array after the other, charges come with all their signals: until the end each
array grows in a file without a name, so that memory does not grow with the set.
"""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rcvae_tf.generation.charges import ChargeBlock, SetFacts

FACTS = {
    "eol": np.dtype(np.int64),
    "ecl": np.dtype(np.int64),
    "draw": np.dtype(np.int64),
    "in_support": np.dtype(np.bool_),
    "projected": np.dtype(np.bool_),
}
TEXTS = ("cell_id", "policy")
# Higher levels take twice to four times as long, and less than 1 % off a file of curves.
COMPRESSION_LEVEL = 1
TEXTS_AT_ONCE = 4096


def open_writer(path: Path, facts: SetFacts) -> "NpzWriter":
    """An archive at a path, overwritten."""
    return NpzWriter(path, facts)


class NpzWriter:
    """Each signal of shape `(charges, points)`, each fact of shape `(charges,)`.

    Args:
        path: Of the file; there must be room beside it for what is not yet compressed.
        facts: Of the set.
    """

    def __init__(self, path: Path, facts: SetFacts) -> None:
        self._path = path
        self._facts = facts
        names = (*facts.signals, *FACTS, *TEXTS)
        self._files = {name: _nameless(path.parent) for name in names}
        self._widths = dict.fromkeys(TEXTS, 1)
        self._num_charges = 0

    def add(self, block: ChargeBlock) -> None:
        """Adds the rows of a block to every array."""
        columns: dict[str, tuple[NDArray, Any]] = {
            **{name: (block.curves[name], np.float32) for name in self._facts.signals},
            "eol": (block.labels[:, 0], FACTS["eol"]),
            "ecl": (block.labels[:, 1], FACTS["ecl"]),
            "draw": (block.draws, FACTS["draw"]),
            "in_support": (block.in_support, FACTS["in_support"]),
            "projected": (block.projected, FACTS["projected"]),
        }
        for name, (values, kind) in columns.items():
            self._files[name].write(np.ascontiguousarray(values, kind).tobytes())
        for name, texts in (("cell_id", block.cell_ids), ("policy", block.policies)):
            self._files[name].write("".join(f"{text}\n" for text in texts).encode())
            self._widths[name] = max(self._widths[name], *map(len, texts))
        self._num_charges += len(block)

    def close(self) -> list[Path]:
        """Puts the arrays into the archive, one after the other."""
        points = self._facts.height * self._facts.width
        with zipfile.ZipFile(
            self._path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL
        ) as archive:
            for name in self._facts.signals:
                self._copy(archive, name, np.dtype(np.float32), (self._num_charges, points))
            for name, kind in FACTS.items():
                self._copy(archive, name, kind, (self._num_charges,))
            for name in TEXTS:
                self._copy_texts(archive, name)
            _write_scalar(archive, "synthetic", np.array(True))
            provenance = json.dumps(self._facts.provenance, sort_keys=True)
            _write_scalar(archive, "provenance", np.array(provenance))
        self.discard()
        return [Path()]

    def discard(self) -> None:
        """Lets go of the files without a name, which then are no more."""
        for file in self._files.values():
            file.close()

    def _copy(
        self, archive: zipfile.ZipFile, name: str, kind: np.dtype[Any], shape: tuple[int, ...]
    ) -> None:
        file = self._files[name]
        file.seek(0)
        with _member(archive, name, kind, shape) as member:
            shutil.copyfileobj(file, member, 1 << 20)

    def _copy_texts(self, archive: zipfile.ZipFile, name: str) -> None:
        kind = np.dtype(f"<U{self._widths[name]}")
        with _member(archive, name, kind, (self._num_charges,)) as member:
            for texts in _lines(self._files[name]):
                member.write(np.array(texts, kind).tobytes())


def _nameless(folder: Path) -> BinaryIO:
    return tempfile.TemporaryFile(dir=folder)  # noqa: SIM115


def _lines(file: BinaryIO) -> Iterator[list[str]]:
    """The lines of a file, so many at once, without their ends."""
    file.seek(0)
    texts: list[str] = []
    for line in file:
        texts.append(line.decode().removesuffix("\n"))
        if len(texts) == TEXTS_AT_ONCE:
            yield texts
            texts = []
    if texts:
        yield texts


@contextmanager
def _member(
    archive: zipfile.ZipFile, name: str, kind: np.dtype[Any], shape: tuple[int, ...]
) -> Iterator[IO[bytes]]:
    """An array of the archive whose values are to be written."""
    # By its name alone: then its time is a constant, and the same charges give the same bytes.
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        header = {
            "descr": np.lib.format.dtype_to_descr(kind),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(member, header)
        yield member


def _write_scalar(archive: zipfile.ZipFile, name: str, value: NDArray) -> None:
    with _member(archive, name, value.dtype, ()) as member:
        member.write(value.tobytes())
