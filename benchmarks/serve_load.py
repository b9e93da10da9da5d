"""Clients that ask a server again and again, each as soon as it has its answer; one process.

    python benchmarks/serve_load.py '{"port": 8501, "clients": 8, "rows": 1, ...}'

Prints JSON. Requests are made ready before the clock starts and answers are counted, not read:
what is measured is the server.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import Any

BUFFER = 2**20
HEAD_END, LENGTH = b"\r\n\r\n", b"content-length: "


def main() -> None:
    """Takes what to do as JSON and prints what came out."""
    print(json.dumps(load(**json.loads(sys.argv[1]))))


def load(
    port: int, clients: int, rows: int, requests: int, eol: list[int], ecl: list[int], path: str
) -> dict[str, Any]:
    """Sends so many requests from so many clients.

    Args:
        port: On this machine.
        clients: That wait for an answer at a time.
        rows: Charges that a request asks for.
        requests: In all.
        eol: Least and greatest.
        ecl: Likewise.
        path: Of the model.
    """
    ready = cycle([_request(path, k, rows, eol, ecl) for k in range(97)])
    selector = selectors.DefaultSelector()
    waiting = {}
    for _ in range(clients):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        waiting[connection] = _Answer()
    seconds, sent, buffer = [], 0, bytearray(BUFFER)
    start = time.perf_counter()
    for connection in waiting:
        waiting[connection] = _ask(connection, ready)
        sent += 1
    while len(seconds) < requests:
        for key, _ in selector.select(timeout=60):
            answer = waiting[key.fileobj]
            if not answer.take(buffer, key.fileobj.recv_into(buffer)):
                continue
            seconds.append(time.perf_counter() - answer.started)
            if sent < requests:
                waiting[key.fileobj] = _ask(key.fileobj, ready)
                sent += 1
    elapsed = time.perf_counter() - start
    for connection in waiting:
        connection.close()
    return {"seconds": elapsed, "latencies_s": seconds}


class _Answer:
    """What has come of an answer so far."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self._missing: int | None = None

    def take(self, buffer: bytearray, count: int) -> bool:
        """Whether the answer is whole with as many bytes."""
        if not count:
            raise SystemExit("the server closed a connection")
        if self._missing is not None:
            self._missing -= count
            return self._missing <= 0
        head, _, body = bytes(buffer[:count]).partition(HEAD_END)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not answered: {head[:300]!r}")
        length = head.lower().partition(LENGTH)[2].partition(b"\r")[0]
        self._missing = int(length) - len(body)
        return self._missing <= 0


def _ask(connection: socket.socket, ready: Iterator[bytes]) -> _Answer:
    answer = _Answer()
    connection.sendall(next(ready))
    return answer


def _request(path: str, number: int, rows: int, eol: list[int], ecl: list[int]) -> bytes:
    """A request by columns, of conditions spread over the range."""
    places = [number * rows + k for k in range(rows)]
    inputs = {
        "eol": [eol[0] + 37 * k % (eol[1] - eol[0] + 1) for k in places],
        "ecl": [ecl[0] + 13 * k % (ecl[1] - ecl[0] + 1) for k in places],
        "seed": places,
    }
    body = json.dumps({"inputs": inputs}).encode()
    head = f"POST {path}:predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
    return head.encode() + HEAD_END + body


if __name__ == "__main__":
    main()
