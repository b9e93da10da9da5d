"""uvicorn's reading of HTTP, with an end to waiting for a client and to what is kept for it."""

import re
from asyncio import TimerHandle, Transport
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rcvae_tf.serving.headers import SECURITY_HEADERS

# Of method, path and headers together; more than any client has.
MOST_HEAD_BYTES = 2**16
# A client that takes less of its answer than this, within its patience, is not reading it.
LEAST_TAKEN_BYTES = 2**16
HEAD_END = b"\r\n\r\n"
# An offer to go on in HTTP/2 or with a WebSocket, which a server may pass over (RFC 9110, 7.8);
# the parser does not, and would leave the body unread.
UPGRADE = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)
DRAINED = "rcvae_tf.drained"


class Connection(HttpToolsProtocol):
    """A connection, from a client that may be slow, endless or silent.

    `receive_timeout_s` is what a client has to send a head, and to take the next piece of an
    answer.
    """

    receive_timeout_s = 10.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The first request is due."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._in_body = False
        self._untaken_bytes = 0
        self._taking: TimerHandle | None = None
        self._head: TimerHandle | None = None
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        for timer in (self._head, self._taking):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on; a head that does not end is refused."""
        if not self._in_body:
            data = _without_upgrade(data)
        super().data_received(data)
        if self._head is not None:
            self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, f"the head of the request is larger than {MOST_HEAD_BYTES} bytes.")

    def on_message_begin(self) -> None:
        """The head of a request begins."""
        super().on_message_begin()
        self.scope["state"][DRAINED] = self.flow.drain
        self._head_bytes = 0
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_body = True
        if self._head is not None:
            self._head.cancel()
            self._head = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._in_body = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """As every other error is answered."""
        self._refuse(400, "the request is not HTTP/1.1.")

    def pause_writing(self) -> None:
        """The client has not taken its answer yet."""
        super().pause_writing()
        self._untaken_bytes = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self.receive_timeout_s, self._check_taken)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
        super().resume_writing()

    def _check_taken(self) -> None:
        left = self.transport.get_write_buffer_size()
        if self._untaken_bytes - left < LEAST_TAKEN_BYTES:
            self.transport.abort()
            return
        self._untaken_bytes = left
        self._taking = self.loop.call_later(self.receive_timeout_s, self._check_taken)

    def _expect_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(self.receive_timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._head = None
        if not self._head_bytes:
            self.transport.close()  # opened in advance and not used, as browsers do
        elif not self.transport.is_closing():
            seconds = f"{self.receive_timeout_s:g}"
            self._refuse(408, f"the head did not come, expected all of it within {seconds} s.")

    def _refuse(self, status: int, message: str) -> None:
        """Answers what is no request yet, and hangs up."""
        body = orjson.dumps({"error": message})
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
            *SECURITY_HEADERS,
        ]
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(b"HTTP/1.1 %d \r\n" % status + lines + b"\r\n" + body)
        self.transport.close()


def connection_class(receive_timeout_s: float) -> type[Connection]:
    """Connections of clients that have so many seconds."""
    return type("ConfiguredConnection", (Connection,), {"receive_timeout_s": receive_timeout_s})


def _without_upgrade(data: bytes) -> bytes:
    head, end, rest = data.partition(HEAD_END)
    return UPGRADE.sub(b"", head, count=1) + end + rest if end else data


async def taken(scope: Any) -> None:
    """Waits until a client has taken most of its answer, where the server can tell."""
    drained = scope.get("state", {}).get(DRAINED)
    if drained is not None:
        await drained()
