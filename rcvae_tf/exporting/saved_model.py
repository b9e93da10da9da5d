"""Writes the graph of a run as a SavedModel with named signatures."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from rcvae_tf.exporting.endpoints import Endpoint, Endpoints


def write_saved_model(endpoints: Endpoints, folder: Path) -> None:
    """Writes what TensorFlow Serving loads.

    Args:
        endpoints: Of the run. The first signature is also `serving_default`.
        folder: Empty.
    """
    archive = keras.export.ExportArchive()
    archive.track(endpoints.model)
    for name, endpoint in endpoints.by_signature().items():
        archive.add_endpoint(name, traced(endpoint))
    with _without_remarks():
        archive.write_out(folder, verbose=False)


def traced(endpoint: Endpoint) -> tf.types.experimental.GenericFunction:
    """An endpoint as a function of a graph, for any number of rows."""
    function = tf.function(endpoint.function, input_signature=[endpoint.inputs], autograph=False)
    function.get_concrete_function()
    return function


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Without TensorFlow's word of where it writes, which is a folder that is renamed at once."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
