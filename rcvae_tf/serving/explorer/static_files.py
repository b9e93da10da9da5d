"""The files of the page, from a fixed table: no path ever comes out of a request."""

import gzip
import hashlib
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

SCRIPT, STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
PAGE = "index.html"
HERE = "rcvae_tf.serving.explorer"


class Source(NamedTuple):
    """Where a file lies.

    Args:
        package: That has it.
        path: Inside the package.
        media_type: Of HTTP.
    """

    package: str
    path: str
    media_type: str


SOURCES = {
    PAGE: Source(HERE, "static/index.html", "text/html; charset=utf-8"),
    "explorer.css": Source(HERE, "static/explorer.css", STYLE),
    **{
        name: Source(HERE, f"static/{name}", SCRIPT)
        for name in ("explorer.js", "fields.js", "panels.js", "plots.js", "theme.js")
    },
    "icon.svg": Source(HERE, "static/icon.svg", "image/svg+xml"),
    # As the Python package of Plotly brings it along.
    "plotly.min.js": Source("plotly", "package_data/plotly.min.js", SCRIPT),
}


class StaticFile(NamedTuple):
    """A file as it is sent.

    Args:
        content: Its bytes.
        gzipped: The same for clients that take gzip.
        tag: Of the content, for `ETag`.
        media_type: Of HTTP.
    """

    content: bytes
    gzipped: bytes
    tag: str
    media_type: str


@lru_cache(maxsize=len(SOURCES))
def static_file(name: str) -> StaticFile:
    """A file of `SOURCES`; read and compressed once.

    Raises:
        KeyError: There is no such name.
    """
    source = SOURCES[name]
    content = (resources.files(source.package) / source.path).read_bytes()
    return StaticFile(
        content=content,
        gzipped=gzip.compress(content, mtime=0),
        tag=f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        media_type=source.media_type,
    )
