"""Files in the layout that hold charges of a model: an attribute of the root says so.

Such a file names its cells (`barcode`), and what a published one leaves to be known: the nominal
capacity and the limit of the voltage. An index of `cycles` is the number of a cycle there too;
the entry of a cycle that was not generated is empty, and 0 in `cycle` of the summary.
"""

import math
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from data_prep.errors import SourceError
from data_prep.sources.matr.hdf5 import WAY_OUT, faults_of, open_file

# Attributes of the root; their presence and content are a matter of this module and of
# `data_prep.synthetic.matr_file`, which writes them.
SYNTHETIC = "synthetic"
NOMINAL_CAPACITY = "nominal_capacity_ah"
MAX_VOLTAGE = "max_voltage_v"
PROVENANCE = "provenance"


class GeneratedFile(NamedTuple):
    """What a file of generated charges says of all its cells; None where it does not."""

    nominal_capacity_ah: float | None
    max_voltage_v: float | None


def read_generated(path: Path) -> GeneratedFile | None:
    """What the file says; None for one that does not say that it is generated.

    Raises:
        SourceError: It cannot be read, or says what no cell has.
    """
    with faults_of(f"{path}: the file"):
        facts = path.stat()
    return _read(path, (facts.st_mtime_ns, facts.st_size))


@lru_cache(maxsize=16)
def _read(path: Path, state: tuple[int, int]) -> GeneratedFile | None:
    """Kept, as every cell asks.

    Args:
        path: Of the file.
        state: Time and size of the file, so that nothing is kept of one that changed.
    """
    del state
    with open_file(path) as file, faults_of(f"{path}: an attribute of the file"):
        if SYNTHETIC not in file.attrs:
            return None
        values = [file.attrs.get(name) for name in (NOMINAL_CAPACITY, MAX_VOLTAGE)]
        numbers = [None if value is None else float(value) for value in values]
    for name, number in zip((NOMINAL_CAPACITY, MAX_VOLTAGE), numbers, strict=True):
        if number is not None and not 0 < number < math.inf:
            raise SourceError(
                f"{path}: the attribute `{name}` must be a number above 0. Received: {number:g}. "
                f"{WAY_OUT}"
            )
    return GeneratedFile(*numbers)
