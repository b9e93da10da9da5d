"""The readers by name; a reader and its libraries are imported when it is used."""

import importlib
from typing import cast

from data_prep.sources.base import Source

SOURCES = {
    "matr": "data_prep.sources.matr",
    "nasa": "data_prep.sources.nasa.reader",
    "bdf": "data_prep.sources.bdf.reader",
    "batteryml": "data_prep.sources.batteryml.reader",
    "arbin": "data_prep.sources.arbin.reader",
    "tfrecord": "data_prep.sources.tfrecord.reader",
    "demo": "data_prep.sources.demo",
}


def source(name: str) -> Source:
    """The reader of a name in `SOURCES`."""
    return cast(Source, importlib.import_module(SOURCES[name]))
