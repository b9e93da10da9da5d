"""Settings of the server."""

from dataclasses import dataclass

from data_prep.settings import setting, validate


@dataclass(frozen=True)
class ServerConfig:
    """How requests are taken in and put together."""

    host: str = setting(
        "127.0.0.1", help="address to listen at; 0.0.0.0 lets other machines in, see docs/serve.md"
    )
    port: int = setting(
        8501, minimum=0, maximum=65535, help="port to listen at; 0 takes a free one"
    )
    versions: int = setting(
        1, minimum=1, maximum=100, help="versions that are served at once, the newest ones"
    )
    poll_s: float = setting(
        2.0, minimum=0.05, maximum=3600, help="seconds between two looks for a newer version"
    )
    max_rows: int = setting(4096, minimum=1, maximum=10**6, help="rows that a request may have")
    max_body_mib: float = setting(
        16.0, minimum=0.001, maximum=1024, help="size that the body of a request may have, MiB"
    )
    max_waiting_rows: int = setting(
        16384, minimum=1, maximum=10**8, help="rows that may wait; more get 503 and Retry-After"
    )
    max_requests: int = setting(
        512, minimum=1, maximum=10**5, help="requests at a time; more get 503 and Retry-After"
    )
    batch_rows: int = setting(
        256, minimum=1, maximum=65536, help="rows that requests are put together to"
    )
    receive_timeout_s: float = setting(
        10.0,
        minimum=0.05,
        maximum=3600,
        help="seconds that a client has to send the head of a request, and its body, and to take "
        "the next 64 kB of an answer",
    )

    def __post_init__(self) -> None:
        """Refuses values out of range.

        Raises:
            SettingsError: Names the field.
        """
        validate(self)

    @property
    def max_body_bytes(self) -> int:
        """Of a request."""
        return int(self.max_body_mib * 2**20)
