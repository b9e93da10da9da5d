"""What stands before every request: limits, security headers, and one form for every error."""

import asyncio
import logging
import time
from collections.abc import Mapping

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rcvae_tf.serving.config import ServerConfig
from rcvae_tf.serving.connections import taken
from rcvae_tf.serving.errors import FAULT, Overloaded, RequestError
from rcvae_tf.serving.headers import SECURITY_HEADERS
from rcvae_tf.serving.monitoring import Monitoring
from rcvae_tf.serving.paths import HEALTH, METRICS, PATH, PATH_OF_VERSION
from rcvae_tf.serving.predictions import Predictions

logger = logging.getLogger(__name__)

TEMPLATE = "rcvae_tf.path"
NO_HEADERS: Mapping[str, str] = {}
CLIENT_GONE = 499  # what servers write down where nobody waited for the answer
# A busy server is not a dead one.
ALWAYS_ANSWERED = (HEALTH, METRICS)


class Guard:
    """Reads the whole body before the app sees the request, and turns every fault into an answer.

    Args:
        app: What answers.
        predictions: Answers `:predict` without the app, whose layers take longer than a small
            request does.
        config: Limits of body, time and requests.
        monitoring: Counts requests.
    """

    def __init__(
        self,
        app: ASGIApp,
        predictions: Predictions,
        config: ServerConfig,
        monitoring: Monitoring,
    ) -> None:
        self._app = app
        self._predictions = predictions
        self._max_body_bytes = config.max_body_bytes
        self._receive_timeout_s = config.receive_timeout_s
        self._most_requests = config.max_requests
        self._monitoring = monitoring
        self._num_requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = CLIENT_GONE
        self._num_requests += 1

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *SECURITY_HEADERS]
            await send(message)

        try:
            await self._answer(scope, receive, send_guarded)
            # Until then the answer is in memory, and the request one of those that are counted.
            await taken(scope)
        except RequestError as error:
            await _send_error(send_guarded, error)
        except Exception:
            logger.exception("%s %r", scope["method"], scope["path"])
            if status == CLIENT_GONE:  # the app answers its own faults
                await _send_error(send_guarded, RequestError(500, FAULT))
        finally:
            self._num_requests -= 1
            path = str(scope.get(TEMPLATE) or getattr(scope.get("route"), "path", "other"))
            self._monitoring.answered(path, status, time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        too_many = self._num_requests > self._most_requests
        if too_many and scope["path"] not in ALWAYS_ANSWERED:
            raise Overloaded(f"{self._most_requests} requests are being answered. Come again.")
        try:
            async with asyncio.timeout(self._receive_timeout_s):
                body = await self._body(scope, receive)
        except TimeoutError:
            seconds = f"{self._receive_timeout_s:g}"
            raise RequestError(
                408, f"the body did not come, expected all of it within {seconds} s."
            ) from None
        if body is None:
            return
        asked = self._predictions.asked(scope["path"]) if scope["method"] == "POST" else None
        if asked is not None:
            scope[TEMPLATE] = PATH if asked[1] is None else PATH_OF_VERSION
            await _send_json(send, 200, await self._predictions.answer(*asked, body))
            return
        whole: Message = {"type": "http.request", "body": body, "more_body": False}
        messages = iter([whole])

        async def receive_whole() -> Message:
            return next(messages, None) or await receive()

        await self._app(scope, receive_whole, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where the client went away."""
        lengths = [value for name, value in scope["headers"] if name == b"content-length"]
        if lengths and lengths[0].isdigit():
            self._check_size(int(lengths[0]))
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            self._check_size(size)
            if not message.get("more_body"):
                return b"".join(parts)

    def _check_size(self, size: int) -> None:
        if size > self._max_body_bytes:
            raise RequestError(
                413,
                f"the body is larger than {self._max_body_bytes} bytes, expected less. "
                f"Send several requests.",
            )


async def _send_error(send: Send, error: RequestError) -> None:
    """Sends `{"error": message}`."""
    await _send_json(send, error.status, orjson.dumps({"error": error.message}), error.headers)


async def _send_json(
    send: Send, status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS
) -> None:
    encoded = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
