"""The paths of TensorFlow Serving's REST interface."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response

from rcvae_tf.serving.monitoring import CONTENT_TYPE, Monitoring
from rcvae_tf.serving.openapi import (
    METADATA,
    PREDICT_RESPONSE,
    STATUS,
    answers,
    request_body,
)
from rcvae_tf.serving.paths import HEALTH, METRICS, PATH, PATH_OF_VERSION
from rcvae_tf.serving.predictions import Predictions
from rcvae_tf.serving.served_model import metadata
from rcvae_tf.serving.versions import Versions

Facts = dict[str, Any]
Name = Annotated[str, Path(alias="model", description="Name of the model.")]
Version = Annotated[int, Path(alias="version", description="Number of a version.")]


def api_routes(versions: Versions, predictions: Predictions, monitoring: Monitoring) -> APIRouter:
    """Status, metadata and predictions; health and Prometheus' numbers.

    Args:
        versions: Of the model.
        predictions: Of these versions.
        monitoring: Of the server.
    """
    routes = APIRouter()
    _add_models(routes, versions)
    _add_predictions(routes, predictions)
    _add_server(routes, versions, monitoring)
    return routes


def _add_models(routes: APIRouter, versions: Versions) -> None:
    of_model: Facts = {"responses": answers(STATUS, 400, 404), "tags": ["models"]}
    of_metadata: Facts = {"responses": answers(METADATA, 400, 404), "tags": ["models"]}

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


def _add_predictions(routes: APIRouter, predictions: Predictions) -> None:
    of_predict: Facts = {
        "responses": answers(PREDICT_RESPONSE, 400, 404, 408, 413, 503),
        "openapi_extra": request_body(),
        "tags": ["models"],
    }

    # `Guard` answers these itself; here they are for the OpenAPI document, and for what is no path
    # of a version to it.
    @routes.post(PATH, summary="Ask the newest version", **of_predict)
    async def predict(model: Name, request: Request) -> Response:
        return _written(await predictions.answer(model, None, await request.body()))

    @routes.post(PATH_OF_VERSION, summary="Ask one version", **of_predict)
    async def predict_of_version(model: Name, version: Version, request: Request) -> Response:
        return _written(await predictions.answer(model, version, await request.body()))


def _add_server(routes: APIRouter, versions: Versions, monitoring: Monitoring) -> None:
    @routes.get(HEALTH, summary="Whether a model is in service", tags=["server"])
    async def health() -> dict[str, str | int]:
        served = versions.current()
        return {"status": "ok", "model": served.name, "version": served.version}

    @routes.get(
        METRICS,
        summary="Numbers for Prometheus",
        tags=["server"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(monitoring.text(), headers={"content-type": CONTENT_TYPE})


def _json(values: object) -> Response:
    return _written(orjson.dumps(values))


def _written(body: bytes) -> Response:
    return Response(body, media_type="application/json")
