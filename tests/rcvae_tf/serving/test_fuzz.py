"""Thousands of bad requests over a socket: each is answered, none with a fault of the server."""

import copy
import http.client
import json
import random
import socket

import pytest

from tests.rcvae_tf.serving.conftest import application

BAD_REQUESTS = 5000
PATH = "/v1/models/rcvae:predict"
ODD_VALUES = (
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 10**6 + 1, 2**63, -(2**63) - 1, 10**400),
    *("", "500", "x" * 1000, "\x00", "\ud7ff", [], {}, [[]], [None], {"eol": 1}, [[[[[1]]]]]),
)
ODD_PATHS = (
    *("/v1/models/%00:predict", "/v1/models/rcvae/versions/1e3:predict", "/v1/models/../x"),
    *("/v1/models/rcvae/versions/-1", "/v1/models//versions//", "/v1/models/rcvae/labels/stable"),
    *("/%2e%2e/%2e%2e/etc/passwd", "/explorer/static/%2e%2e%2froutes.py", "/explorer/static/"),
    *("/explorer/charges", "/explorer/charges?eol=x&ecl=1", "/explorer/charges?eol=1&ecl=1e9"),
    *("/explorer/charges?eol=500&ecl=3&draws=1000000", "/explorer/download.csv?eol=1&eol=2"),
    *("/explorer/charges?eol=500&ecl=3&seed=-1", "/explorer/charges?eol=500&ecl=3&policy=4C"),
    *("/explorer/download.bdf.csv?eol=%EF%BC%95&ecl=1", "/openapi.json/x", "//", "/?" + "a" * 5000),
)
# What is no HTTP at all is answered by the server of HTTP itself, with 400.
NO_HTTP = (
    b"BREW / HTTP/1.1\r\n\r\n",
    *(b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00" * 20, b"GET / HTTP/9.9\r\n\r\n"),
    b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: " + b"b" * 100_000 + b"\r\n\r\n",
)


@pytest.fixture(scope="module")
def port(exported, serve_in_thread):
    return serve_in_thread(application(exported.path.parent, max_rows=16, max_body_mib=0.1)[0])


@pytest.fixture(scope="module")
def examples(exported):
    names = ("generate", "decode", "encode", "reconstruct")
    rows = [json.loads(exported.example(name).read_text()) for name in names]
    columns = [
        {
            "signature_name": body["signature_name"],
            "inputs": {name: [value] for name, value in body["instances"][0].items()},
        }
        for body in rows
    ]
    return rows + columns


def places(value, path=()):
    """The way to everything in a body, the body itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in inner:
        yield (*path, key)
        if isinstance(part, dict | list):
            yield from places(part, (*path, key))


def spoiled(body, rng):
    """A body with one to three things changed."""
    body = copy.deepcopy(body)
    for _ in range(rng.randint(1, 3)):
        found = list(places(body))
        if not found:
            break
        *way, key = rng.choice(found)
        parent = body
        for step in way:
            parent = parent[step]
        action = rng.randrange(4)
        if action == 0:
            del parent[key]
        elif action == 1 and isinstance(parent, dict):
            parent[rng.choice(["Eol", "", "z ", "x" * 300])] = parent.pop(key)
        elif action == 2 and isinstance(parent, list):
            parent.extend(parent[:1] * rng.choice([1, 40]))
        else:
            parent[key] = rng.choice(ODD_VALUES)
    return body


def garbled(text, rng):
    """Bytes cut off, turned over, or put in."""
    data = bytearray(text)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data)) if data else 0
        action = rng.randrange(3)
        if action == 0:
            data = data[:place]
        elif action == 1 and data:
            data[place] ^= 1 << rng.randrange(8)
        else:
            data[place:place] = rng.choice([b"[" * 50, b"\xff", b"NaN", b"-Infinity", b'"', b"}"])
    return bytes(data)


class Client(http.client.HTTPConnection):
    """One connection, made anew where the server closed it."""

    def __init__(self, port):
        super().__init__("127.0.0.1", port, timeout=30)

    def ask(self, method, path, body=None):
        self.request(method, path, body)
        answer = self.getresponse()
        return answer.status, answer.read()


@pytest.fixture
def client(port):
    client = Client(port)
    yield client
    client.close()


def judge(status, text):
    """Every refusal is one line of JSON; nothing is a fault of the server."""
    assert status < 500, text[:300]
    if status >= 400:
        answer = json.loads(text)
        assert isinstance(answer["error"], str), text[:300]
        assert 0 < len(answer["error"]) < 1000
        assert "\n" not in answer["error"]
        assert "Traceback" not in answer["error"]
    return status


def test_bad_bodies(client, examples):
    rng, refused, asked = random.Random(7), 0, 0
    while refused < BAD_REQUESTS:
        body = rng.choice(examples)
        text = json.dumps(body if rng.random() < 0.3 else spoiled(body, rng)).encode()
        if rng.random() < 0.3:
            text = garbled(text, rng)
        refused += judge(*client.ask("POST", PATH, text)) >= 400
        asked += 1
        assert asked < 3 * BAD_REQUESTS
    assert judge(*client.ask("POST", PATH, json.dumps(examples[0]))) == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_odd_paths(client, examples, method):
    for path in ODD_PATHS:
        judge(*client.ask(method, path, json.dumps(examples[0]) if method == "POST" else None))


@pytest.mark.parametrize("data", NO_HTTP, ids=range(len(NO_HTTP)))
def test_what_is_no_http(client, port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert b" 500 " not in received.split(b"\r\n")[0]
    assert judge(*client.ask("GET", "/health")) == 200
