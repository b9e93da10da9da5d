"""The paths of TensorFlow Serving's REST interface."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from rcvae_tf.serving.bodies import answer_body, parse_body, rows_of
from rcvae_tf.serving.monitoring import CONTENT_TYPE, Monitoring
from rcvae_tf.serving.openapi import (
    METADATA,
    PREDICT_RESPONSE,
    STATUS,
    answers,
    request_body,
)
from rcvae_tf.serving.served_model import Rows, metadata
from rcvae_tf.serving.versions import Served, Versions

# Larger bodies are read and written in a thread, so that others are not kept waiting.
LARGE_BODY_BYTES = 2**16

Facts = dict[str, Any]
Name = Annotated[str, Path(alias="model", description="Name of the model.")]
Version = Annotated[int, Path(alias="version", description="Number of a version.")]


def api_routes(versions: Versions, monitoring: Monitoring, most_rows: int) -> APIRouter:
    """Status, metadata and predictions; health and Prometheus' numbers.

    Args:
        versions: Of the model.
        monitoring: Of the server.
        most_rows: That a request may have.
    """
    routes = APIRouter()
    of_model: Facts = {"responses": answers(STATUS, 400, 404), "tags": ["models"]}
    of_metadata: Facts = {"responses": answers(METADATA, 400, 404), "tags": ["models"]}
    of_predict: Facts = {
        "responses": answers(PREDICT_RESPONSE, 400, 404, 408, 413, 503),
        "openapi_extra": request_body(),
        "tags": ["models"],
    }

    @routes.get("/v1/models/{model}", summary="State of the versions", **of_model)
    async def status(model: Name) -> Response:
        return _json(versions.status(model, None))

    @routes.get("/v1/models/{model}/versions/{version}", summary="State of one version", **of_model)
    async def status_of_version(model: Name, version: Version) -> Response:
        return _json(versions.status(model, version))

    @routes.get("/v1/models/{model}/metadata", summary="Signatures", **of_metadata)
    async def signatures(model: Name) -> Response:
        return _json(metadata(versions.get(model, None).model))

    @routes.get(
        "/v1/models/{model}/versions/{version}/metadata",
        summary="Signatures of one version",
        **of_metadata,
    )
    async def signatures_of_version(model: Name, version: Version) -> Response:
        return _json(metadata(versions.get(model, version).model))

    @routes.post("/v1/models/{model}:predict", summary="Ask the newest version", **of_predict)
    async def predict(model: Name, request: Request) -> Response:
        return await _predict(versions.get(model, None), await request.body(), most_rows)

    @routes.post(
        "/v1/models/{model}/versions/{version}:predict", summary="Ask one version", **of_predict
    )
    async def predict_of_version(model: Name, version: Version, request: Request) -> Response:
        return await _predict(versions.get(model, version), await request.body(), most_rows)

    @routes.get("/health", summary="Whether a model is in service", tags=["server"])
    async def health() -> dict[str, str | int]:
        served = versions.current()
        return {"status": "ok", "model": served.name, "version": served.version}

    @routes.get(
        "/monitoring/prometheus/metrics",
        summary="Numbers for Prometheus",
        tags=["server"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(monitoring.text(), headers={"content-type": CONTENT_TYPE})

    return routes


async def _predict(served: Served, body: bytes, most_rows: int) -> Response:
    large = len(body) > LARGE_BODY_BYTES
    if large:
        signature, inputs, by_row = await asyncio.to_thread(_read, served, body, most_rows)
    else:
        signature, inputs, by_row = _read(served, body, most_rows)
    answer = await served.predict(signature, inputs)
    return Response(answer_body(answer, by_row), media_type="application/json")


def _read(served: Served, body: bytes, most_rows: int) -> tuple[str, Rows, bool]:
    asked = parse_body(body)
    signature = served.model.signature(asked.signature_name)
    return (
        asked.signature_name,
        rows_of(asked, signature.inputs, most_rows),
        asked.by_row,
    )


def _json(values: object) -> Response:
    return Response(orjson.dumps(values), media_type="application/json")
