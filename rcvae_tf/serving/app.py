"""The application: TensorFlow Serving's paths, the explorer page, and one form for all errors."""

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import rcvae_tf
from data_prep.errors import UserError
from rcvae_tf.serving.api import api_routes
from rcvae_tf.serving.batching import Batcher
from rcvae_tf.serving.config import ServerConfig
from rcvae_tf.serving.errors import FAULT, RequestError
from rcvae_tf.serving.explorer.routes import explorer_routes
from rcvae_tf.serving.guard import Guard
from rcvae_tf.serving.monitoring import Monitoring
from rcvae_tf.serving.openapi import components
from rcvae_tf.serving.predictions import Predictions
from rcvae_tf.serving.served_model import ServedModel
from rcvae_tf.serving.versions import Versions

SUMMARY = "Charging curves of lithium-ion cells for a wanted cycle life (EOL) and age (ECL)."


class Application(FastAPI):
    """FastAPI with our schemas in its OpenAPI document.

    Args:
        versions: Of the model.
        config: Of the server.
    """

    def __init__(self, versions: Versions, config: ServerConfig) -> None:
        # Its own pages of documentation load scripts from elsewhere.
        super().__init__(
            title="rcvae_tf",
            summary=SUMMARY,
            version=rcvae_tf.__version__,
            docs_url=None,
            redoc_url=None,
            # They would lead where the client's Host header says.
            redirect_slashes=False,
        )
        self._versions = versions
        self._config = config

    def openapi(self) -> dict[str, Any]:
        """The document for the version that is in service."""
        document = get_openapi(
            title=self.title, version=self.version, summary=self.summary, routes=self.routes
        )
        for path in document["paths"].values():
            for operation in path.values():
                # FastAPI's own form of errors is not what is answered.
                operation["responses"].pop("422", None)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        signatures = self._versions.current().model.signatures
        schemas.update(components(signatures, self._config.max_rows))
        return document


def make_app(versions: Versions, monitoring: Monitoring, config: ServerConfig) -> Guard:
    """What a server of HTTP is given.

    Args:
        versions: Of the model, the first one loaded.
        monitoring: Of the server.
        config: Of the server.
    """
    app = Application(versions, config)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(UserError, _user_error)
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(Exception, _fault)
    predictions = Predictions(versions, config.max_rows)
    app.include_router(api_routes(versions, predictions, monitoring))
    app.include_router(explorer_routes(versions.current))
    return Guard(app, predictions, config, monitoring)


def batcher_maker(monitoring: Monitoring, config: ServerConfig) -> Any:
    """Puts a queue in front of a model, for `Versions`."""

    def make(model: ServedModel) -> Batcher:
        return Batcher(model.call, config.batch_rows, config.max_waiting_rows, monitoring.batch)

    return make


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    lines = {
        404: f"{path}: no such path. See /openapi.json.",
        405: f"{path}: {request.method} is not allowed here. See /openapi.json.",
    }
    line = lines.get(error.status_code, str(error.detail))
    return JSONResponse({"error": line}, error.status_code, error.headers)


def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][1:])
    received = repr(first.get("input"))[:60]
    line = f"{field}: {first['msg'].lower()}. Received: {received}."
    return JSONResponse({"error": line}, 400)


def _request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return JSONResponse({"error": error.message}, error.status, error.headers)


def _fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": FAULT}, 500)


def _user_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)
