"""Clients that are slow, endless, silent or deaf, over a real socket."""

import http.client
import json
import socket
import threading
import time
from contextlib import closing

import pytest

from rcvae_tf.serving.connections import MOST_HEAD_BYTES, taken

TIMEOUT_S = 1.0
SECURITY = b"x-content-type-options: nosniff"


class Echo:
    """Answers with the size of the body; `/large` with 60 MB. Remembers when they were taken."""

    def __init__(self):
        self.is_taken = threading.Event()

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        body = b"x" * 60_000_000 if scope["path"] == "/large" else str(size).encode()
        length = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": body})
        await taken(scope)
        self.is_taken.set()


@pytest.fixture(scope="module")
def echo():
    return Echo()


@pytest.fixture(scope="module")
def port(echo, serve_in_thread):
    return serve_in_thread(echo, TIMEOUT_S)


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def asking(port):
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def answer_to(port, *parts, pause_s=0.0):
    """Status, head and body of what comes back before the server hangs up."""
    with connect(port) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except OSError:
                break  # hung up before all was sent
            time.sleep(pause_s)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
    head, _, body = received.partition(b"\r\n\r\n")
    return head.split(b" ")[1] if head else b"", head, body


def is_well(port):
    with asking(port) as connection:
        connection.request("POST", "/", b"12345")
        return connection.getresponse().read() == b"5"


def test_a_head_that_does_not_come_to_its_end_is_given_up(port):
    status, head, body = answer_to(port, b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert status == b"408"
    assert SECURITY in head
    assert json.loads(body) == {"error": "the head did not come, expected all of it within 1 s."}
    assert is_well(port)


def test_a_head_that_comes_byte_by_byte_is_given_up(port):
    began = time.monotonic()
    parts = [b"GET / HTTP/1.1\r\n", *[b"a" for _ in range(100)]]
    assert answer_to(port, *parts, pause_s=0.05)[0] in (b"408", b"")  # or reset, while it sends on
    assert time.monotonic() - began < 100 * 0.05 + 5
    assert is_well(port)


def test_a_connection_that_says_nothing_is_closed(port):
    assert answer_to(port) == (b"", b"", b"")
    assert is_well(port)


@pytest.mark.parametrize("kind", ["many headers", "one header", "a path"])
def test_a_head_without_end_is_refused(port, kind):
    start = b"GET / HTTP/1.1\r\n"
    parts = {
        "many headers": [start, *[b"a: b\r\n" * 1000] * 40],
        "one header": [start, b"a: ", *[b"b" * 8000] * 40],
        "a path": [b"GET /", *[b"b" * 8000] * 40],
    }[kind]
    status, _, body = answer_to(port, *parts, pause_s=0.001)
    if status:  # it may be lost where the client sends on
        assert status == b"431"
        assert str(MOST_HEAD_BYTES).encode() in body
    assert is_well(port)


def test_what_is_not_http_is_told_as_every_error_is(port):
    status, head, body = answer_to(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert status == b"400"
    assert SECURITY in head
    assert json.loads(body) == {"error": "the request is not HTTP/1.1."}


def test_a_client_that_offers_http_2_is_answered_in_http_1(port):
    head = (
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\nContent-Length: 7\r\n\r\n"
    )
    for parts in ([head + b"1234567"], [head, b"1234567"]):
        with connect(port) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.02)
            assert connection.recv(65536).endswith(b"\r\n\r\n7")


def test_a_connection_may_rest_between_two_requests(port):
    with asking(port) as connection:
        for body in (b"12", b"\r\n\r\nUpgrade: h2c"):
            connection.request("POST", "/", body)
            assert connection.getresponse().read() == str(len(body)).encode()
            time.sleep(2 * TIMEOUT_S)


def test_a_client_that_does_not_read_is_let_go_and_counts_until_then(echo, port):
    echo.is_taken.clear()
    with connect(port) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert not echo.is_taken.wait(0.5 * TIMEOUT_S)
        assert echo.is_taken.wait(30)
        received = 0
        try:
            while chunk := connection.recv(2**20):
                received += len(chunk)
        except ConnectionResetError:
            pass
    assert received < 60_000_000
    assert is_well(port)


def test_a_client_that_reads_gets_all_of_a_large_answer(echo, port):
    echo.is_taken.clear()
    with asking(port) as connection:
        connection.request("GET", "/large")
        assert len(connection.getresponse().read()) == 60_000_000
    assert echo.is_taken.wait(30)
