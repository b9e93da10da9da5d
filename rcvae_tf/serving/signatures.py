"""What the signatures of a SavedModel take and give, as its file says it."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from data_prep.errors import SettingsError


class TensorSpec(NamedTuple):
    """A named tensor; the first axis of all is the rows.

    Args:
        name: Of the tensor.
        dtype: Of numpy.
        row_shape: Shape of one row.
    """

    name: str
    dtype: np.dtype
    row_shape: tuple[int, ...]


class Signature(NamedTuple):
    """Inputs and outputs by name."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


def read_signatures(saved_model: Path) -> tuple[dict[str, Signature], dict[str, Any]]:
    """The signatures, and the `signature_def` of TensorFlow Serving's metadata.

    Raises:
        SettingsError: The file is no SavedModel that is made for serving.
    """
    from google.protobuf import json_format
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    stored = saved_model_pb2.SavedModel()
    try:
        stored.ParseFromString(saved_model.read_bytes())
    except (OSError, DecodeError) as error:
        raise SettingsError(
            f"{saved_model}: not readable ({error}). Export the run anew."
        ) from error
    graphs = [graph for graph in stored.meta_graphs if "serve" in graph.meta_info_def.tags]
    if not graphs:
        raise SettingsError(f"{saved_model}: not made for serving. Export the run anew.")
    definitions = {
        name: definition
        for name, definition in sorted(graphs[0].signature_def.items())
        if not name.startswith("__")
    }
    as_json = {
        name: json_format.MessageToDict(
            definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        for name, definition in definitions.items()
    }
    signatures = {
        name: Signature(_specs(definition.inputs), _specs(definition.outputs))
        for name, definition in definitions.items()
    }
    return signatures, as_json


def _specs(tensors: Any) -> dict[str, TensorSpec]:
    import tensorflow as tf

    return {
        name: TensorSpec(
            name,
            np.dtype(tf.as_dtype(tensors[name].dtype).as_numpy_dtype),
            tuple(axis.size for axis in tensors[name].tensor_shape.dim[1:]),
        )
        for name in sorted(tensors)
    }
