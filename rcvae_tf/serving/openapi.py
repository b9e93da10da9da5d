"""The OpenAPI document: what FastAPI knows of the routes, and the bodies that a model takes."""

from collections.abc import Mapping
from typing import Any

from rcvae_tf.servable.layout import GENERATE, SERVING_DEFAULT
from rcvae_tf.serving.bodies import BOUNDS, INPUTS, INSTANCES, SIGNATURE_NAME
from rcvae_tf.serving.signatures import Signature, TensorSpec

Schema = dict[str, Any]

REF = "#/components/schemas/"
PREDICT_REQUEST, PREDICT_RESPONSE = "PredictRequest", "PredictResponse"
STATUS, METADATA, ERROR = "ModelStatus", "ModelMetadata", "Error"


def reference(name: str) -> Schema:
    """A schema among the components."""
    return {"$ref": REF + name}


def answers(schema: str, *errors: int) -> dict[int | str, Any]:
    """The answers of a route: its schema, and errors."""
    told = {
        400: "The request is at fault; the line names the field and what is expected.",
        404: "No such model or version.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        503: "Too much waits; Retry-After says when to come again.",
    }
    found: dict[int | str, Any] = {200: _content("Done.", schema)}
    return found | {status: _content(told[status], ERROR) for status in errors}


def request_body() -> Schema:
    """The body of `:predict`."""
    content = {"application/json": {"schema": reference(PREDICT_REQUEST)}}
    return {"requestBody": {"required": True, "content": content}}


def components(signatures: Mapping[str, Signature], most_rows: int) -> dict[str, Schema]:
    """The schemas that routes refer to.

    Args:
        signatures: Of the model.
        most_rows: That a request may have.
    """
    error = _object({"error": {"type": "string"}})
    state = {"enum": ["START", "LOADING", "AVAILABLE", "UNLOADING", "END"]}
    status = _object({"error_code": {"type": "string"}, "error_message": {"type": "string"}})
    version = _object({"version": {"type": "string"}, "state": state, "status": status})
    requests, responses = [], []
    for name, signature in signatures.items():
        if name == SERVING_DEFAULT:
            continue
        row, column = (_forms(signature.inputs, most_rows), _forms(signature.outputs, most_rows))
        asked: Schema = {SIGNATURE_NAME: {"enum": [name]}}
        if name == GENERATE:  # what TensorFlow Serving takes where no name is given
            asked = {SIGNATURE_NAME: {"enum": [GENERATE, SERVING_DEFAULT], "default": GENERATE}}
        required = [] if name == GENERATE else [SIGNATURE_NAME]
        requests += [
            _object({INSTANCES: row[0], **asked}, [INSTANCES, *required]),
            _object({INPUTS: row[1], **asked}, [INPUTS, *required]),
        ]
        responses += [_object({"predictions": column[0]}), _object({"outputs": column[1]})]
    return {
        PREDICT_REQUEST: {"anyOf": requests},
        PREDICT_RESPONSE: {"anyOf": responses},
        STATUS: _object({"model_version_status": {"type": "array", "items": version}}),
        METADATA: _object({"model_spec": {"type": "object"}, "metadata": {"type": "object"}}),
        ERROR: error,
    }


def _content(description: str, schema: str) -> Schema:
    content = {"application/json": {"schema": reference(schema)}}
    return {"description": description, "content": content}


def _forms(specs: Mapping[str, TensorSpec], most_rows: int) -> tuple[Schema, Schema]:
    """Rows one by one, and by column."""
    size = {"minItems": 1, "maxItems": most_rows}
    row = _object({name: _of_row(spec) for name, spec in specs.items()})
    columns = {
        name: {"type": "array", "items": _of_row(spec), **size} for name, spec in specs.items()
    }
    return {"type": "array", "items": row, **size}, _object(columns)


def _of_row(spec: TensorSpec) -> Schema:
    kinds = {"i": "integer", "f": "number", "b": "boolean"}
    schema: Schema = {"type": kinds[spec.dtype.kind]}
    if spec.name in BOUNDS:
        schema["minimum"], schema["maximum"] = BOUNDS[spec.name]
    elif spec.dtype.kind == "i":
        schema["format"] = "int64"
    for size in reversed(spec.row_shape):
        schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return schema


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
