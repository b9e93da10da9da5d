"""Numbers of the running server for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)


class Monitoring:
    """Counters of one server.

    Args:
        waiting_rows: Tells how many rows wait.
    """

    def __init__(self, waiting_rows: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self._requests = Counter(
            "rcvae_requests", "Requests by path and status", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "rcvae_request_seconds",
            "Time to answer a request",
            ["path"],
            buckets=SECONDS,
            registry=registry,
        )
        self._batch_rows = Histogram(
            "rcvae_batch_rows",
            "Rows that the model was given at once",
            buckets=ROWS,
            registry=registry,
        )
        waiting = Gauge("rcvae_waiting_rows", "Rows that wait for the model", registry=registry)
        waiting.set_function(waiting_rows)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Counts a request.

        Args:
            path: The template of the path, not the path: so many series at the most.
            status: Of HTTP.
            seconds: It took.
        """
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def batch(self, rows: int) -> None:
        """Counts a batch."""
        self._batch_rows.observe(rows)

    def text(self) -> bytes:
        """All numbers, as Prometheus reads them."""
        return generate_latest(self._registry)
