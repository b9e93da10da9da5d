"""Tables of numbers in files, CSV (also compressed) and Parquet: their header, chosen columns.

Every fault is a `SourceError` of one line that names the file and, where there is one, the row.
"""

import csv
import gzip
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np

from data_prep.errors import SourceError
from data_prep.records import FloatArray

# No header is longer; a file without line ends is not read into memory to look for one.
HEADER_CHARACTERS = 10**6
NAMES_IN_A_MESSAGE = 20
# What damaged files make pandas, pyarrow, gzip and the codecs raise; the errors of the first two
# derive from these.
FAULTS = (OSError, EOFError, ValueError, NotImplementedError, MemoryError, Warning, zlib.error)
CSV_OPTIONS = {"encoding": "utf-8-sig", "skipinitialspace": True, "index_col": False}


class Table:
    """A file of columns; a CSV is parsed once and kept, of a Parquet file only what is asked for.

    Args:
        path: Parquet where its name ends so, else comma-separated text in UTF-8, compressed with
            gzip where its name ends with `.gz`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_parquet = path.name.lower().endswith(".parquet")

    @cached_property
    def names(self) -> list[str]:
        """The names in the header; only that is read.

        Raises:
            SourceError: Nothing that is a header.
        """
        return self._parquet_names() if self.is_parquet else self._csv_names()

    def read(self, names: Sequence[str], num_rows: int | None = None) -> dict[str, FloatArray]:
        """Columns as float64, each of shape `(rows,)`; NaN where a value is missing.

        Args:
            names: As the header has them.
            num_rows: Rows from the top; None reads all.

        Raises:
            SourceError: A damaged file, a name that the header lacks or has twice, no rows, rows
                longer than the header, or text for a number.
        """
        counts = Counter(self.names)
        for name in names:
            if counts[name] != 1:
                problem = "is there twice" if counts[name] else "is missing"
                raise SourceError(
                    f"{self.path}: the column {name} {problem}, found {listed(self.names)}. "
                    f"Correct the header."
                )
        try:
            frame = self._parquet_frame(names, num_rows) if self.is_parquet else self._csv_frame
        except FAULTS as error:
            raise self._unreadable(error) from None
        if len(frame) == 0:
            raise SourceError(
                f"{self.path}: has no rows under its header. Take the file out of --input."
            )
        return {name: _numbers(self.path, frame[name][:num_rows]) for name in names}

    def _csv_names(self) -> list[str]:
        try:
            with _open_text(self.path) as file:
                line = file.readline(HEADER_CHARACTERS)
        except FAULTS as error:
            raise self._unreadable(error) from None
        if not line.strip() or "\0" in line:
            content = "bytes that are no text" if line.strip() else "nothing"
            raise SourceError(
                f"{self.path}: expected names of columns in the first line, found {content}. "
                f"Write or copy the file again."
            )
        names = next(csv.reader([line], skipinitialspace=True))
        for separator, word in ((";", "semicolons"), ("\t", "tabs")):
            if len(names) <= line.count(separator):
                raise SourceError(
                    f"{self.path}: its columns are separated by {word}, expected commas. "
                    f"Export it with commas, and with points in decimal numbers."
                )
        return [name.strip() for name in names]

    @cached_property
    def _csv_frame(self) -> Any:
        import pandas as pd

        with warnings.catch_warnings():
            # The warning says that rows are longer than the header: values may be shifted.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Read whole: in pieces, pandas guesses a type for each and warns where they differ;
            # given fewer columns, it no longer compares the lengths of rows.
            frame = pd.read_csv(self.path, low_memory=False, **CSV_OPTIONS)
        return frame.rename(columns=dict(zip(frame.columns, self.names, strict=False)))

    def _parquet_names(self) -> list[str]:
        from pyarrow.parquet import ParquetFile

        try:
            with ParquetFile(self.path) as file:
                return list(file.schema_arrow.names)
        except FAULTS as error:
            raise self._unreadable(error) from None

    def _parquet_frame(self, names: Sequence[str], num_rows: int | None) -> Any:
        from pyarrow.parquet import ParquetFile

        with ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
            wanted = sum(sizes) if num_rows is None else num_rows
            starts = np.cumsum([0, *sizes[:-1]])
            groups = [k for k in range(len(sizes)) if starts[k] < wanted]
            columns = file.read_row_groups(groups, columns=list(names))
        return columns.to_pandas(ignore_metadata=True)

    def _unreadable(self, error: BaseException) -> SourceError:
        kind = "Parquet" if self.is_parquet else "comma-separated"
        return SourceError(
            f"{self.path}: cannot be read as a {kind} table ({_cause(error)}). {_way_out(error)}"
        )


def read_columns(path: Path, names: Sequence[str]) -> dict[str, FloatArray]:
    """Columns of a file by name, float64, all rows; see `Table.read`."""
    return Table(path).read(names)


def files_with_header(files: Sequence[Path], is_ours: Callable[[Path], bool]) -> list[Path]:
    """Those of the files that are ours, and if there are some, those whose header is damaged.

    A damaged one may be ours as well; it is for the reader to refuse, and not to be passed over.
    """
    ours = [path for path in files if is_ours(path)]
    return [path for path in files if path in ours or _is_damaged(path)] if ours else []


def _is_damaged(path: Path) -> bool:
    try:
        return not Table(path).names
    except SourceError:
        return True


def listed(names: Iterable[str]) -> str:
    """Names for a message of one line, the first `NAMES_IN_A_MESSAGE` of them."""
    words = [" ".join(name.split()) for name in names]
    more = len(words) - NAMES_IN_A_MESSAGE
    shown = ", ".join(words[:NAMES_IN_A_MESSAGE]) or "nothing"
    return f"{shown} and {more} more" if more > 0 else shown


def _open_text(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _cause(error: BaseException) -> str:
    """What went wrong in one line."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return " ".join(str(error).split()) or type(error).__name__


def _way_out(error: BaseException) -> str:
    import pandas as pd

    if isinstance(error, UnicodeDecodeError):
        return "Save it as UTF-8."
    if isinstance(error, pd.errors.ParserError | pd.errors.ParserWarning):
        return "A row must have as many values as the header, with points in decimal numbers."
    return "Write or copy the file again."


def _numbers(path: Path, column: Any) -> FloatArray:
    import pandas as pd

    if column.dtype.kind in "iuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    numbers = pd.to_numeric(column.astype("str"), errors="coerce").to_numpy(dtype=np.float64)
    text_rows = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if text_rows.size:
        row = text_rows[0]
        text = str(column.iloc[row])
        decimal_comma = re.fullmatch(r"\s*[-+]?\d*,\d+\s*", text)
        way_out = "Write decimals with a point." if decimal_comma else "Correct it or take it out."
        raise SourceError(
            f"{path}, data row {row + 1}: `{column.name}` must be a number. "
            f"Received: {text[:80]!r}. {way_out}"
        )
    return numbers
