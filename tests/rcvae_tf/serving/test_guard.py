"""Limits that stand before every request, over a real socket."""

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.rcvae_tf.serving.conftest import application

ROW = {"eol": 500, "ecl": 3, "seed": 1}
PATH = "/v1/models/rcvae:predict"


@pytest.fixture(scope="module")
def port(exported, serve_in_thread):
    settings = {"max_body_mib": 0.1, "receive_timeout_s": 0.3, "max_rows": 64}
    return serve_in_thread(application(exported.path.parent, **settings)[0])


def post(port, body, path=PATH):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())
    finally:
        connection.close()


def get(port, path):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def raw(port, *parts):
    """Sends parts as they are and reads the answer to its end."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return received


def is_well(port):
    status, _, answer = post(port, json.dumps({"instances": [ROW]}))
    return status == 200 and len(answer["predictions"]) == 1


def test_a_large_body_is_refused_by_its_announced_length(port):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n".encode()
    answer = raw(port, head)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b"the body is larger than 104857 bytes" in answer
    assert is_well(port)


def test_a_large_body_without_a_length_is_refused_while_it_comes(port):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    assert b" 413 " in raw(port, head, *[chunk] * 4).split(b"\r\n")[0]
    assert is_well(port)


def test_a_slow_client_is_let_go_and_keeps_nobody_waiting(port):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n".encode()
    with ThreadPoolExecutor(20) as pool:
        slow = [pool.submit(raw, port, head, b'{"inst') for _ in range(20)]
        assert is_well(port)
        for answer in slow:
            assert b" 408 " in answer.result().split(b"\r\n")[0]
            assert b"expected all of it within 0.3 s" in answer.result()


def test_a_client_that_goes_away_leaves_nothing_behind(port):
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n".encode()
    for part in (b"", b'{"inst'):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head + part)
    assert is_well(port)


def test_too_many_requests_at_a_time_are_sent_away(exported, serve_in_thread):
    port = serve_in_thread(application(exported.path.parent, max_requests=2)[0])
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n".encode()
    waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    for connection in waiting:
        connection.sendall(head)
    time.sleep(0.2)
    status, headers, answer = post(port, b"{}")
    well = get(port, "/health")
    for connection in waiting:
        connection.close()
    assert well == 200
    assert (status, headers["retry-after"]) == (503, "1")
    assert answer == {"error": "2 requests are being answered. Come again."}


def test_overload_is_told_and_what_was_accepted_is_answered(exported, serve_in_thread):
    port = serve_in_thread(application(exported.path.parent, max_waiting_rows=64)[0])
    body = json.dumps({"instances": [ROW] * 64})
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda _: post(port, body), range(96)))
    statuses = {status for status, _, _ in answers}
    assert statuses == {200, 503}
    for status, headers, answer in answers:
        if status == 200:
            assert len(answer["predictions"]) == 64
        else:
            assert headers["retry-after"] == "1"
            assert "Come again" in answer["error"]
    assert is_well(port)


def test_a_fault_is_told_in_one_line_with_the_headers_of_every_answer(exported, serve_in_thread):
    guard, versions = application(exported.path.parent)
    port = serve_in_thread(guard)
    versions.current().batcher._call = None
    status, headers, answer = post(port, json.dumps({"instances": [ROW]}))
    assert status == 500
    assert answer == {"error": "a fault of the server; its log tells more."}
    assert headers["x-content-type-options"] == "nosniff"
    assert get(port, "/health") == 200


def test_no_answer_leads_where_the_host_header_says(port):
    assert get(port, "/health/") == 404
