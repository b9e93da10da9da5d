"""Records of a TFRecord file by their place in it, without TensorFlow.

A record is its length in 8 bytes, their checksum in 4, the data, and their checksum in 4. The
checksums are not looked at: the card has the SHA-256 of the whole file.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from data_prep.errors import SourceError

HEADER = struct.Struct("<Q4x")
CHECKSUM_BYTES = 4


class Span(NamedTuple):
    """Where the data of a record lie in a file."""

    offset: int
    length: int


def read_all(path: Path, at_once: int) -> Iterator[tuple[list[Span], list[bytes]]]:
    """All records of a file in order, so many at once: where they lie, and their data.

    Raises:
        SourceError: The file cannot be read, or ends within a record.
    """
    spans: list[Span] = []
    records: list[bytes] = []
    try:
        with path.open("rb") as file:
            while header := file.read(HEADER.size):
                span = Span(file.tell(), _length(path, header))
                data = file.read(span.length + CHECKSUM_BYTES)
                if len(data) != span.length + CHECKSUM_BYTES:
                    raise _cut_off(path)
                spans.append(span)
                records.append(data[:-CHECKSUM_BYTES])
                if len(spans) == at_once:
                    yield spans, records
                    spans, records = [], []
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Copy it again.") from error
    if spans:
        yield spans, records


def read_spans(path: Path, spans: Sequence[Span]) -> list[bytes]:
    """The data of some records.

    Raises:
        SourceError: The file cannot be read, or is shorter than it was.
    """
    records = []
    try:
        with path.open("rb") as file:
            for span in spans:
                file.seek(span.offset)
                records.append(file.read(span.length))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Copy it again.") from error
    if any(len(data) != span.length for data, span in zip(records, spans, strict=True)):
        raise _cut_off(path)
    return records


def _length(path: Path, header: bytes) -> int:
    if len(header) != HEADER.size:
        raise _cut_off(path)
    return int(HEADER.unpack(header)[0])


def _cut_off(path: Path) -> SourceError:
    return SourceError(f"{path}: ends within a record. Copy it again.")
