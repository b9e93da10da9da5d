"""Runs the server until it is told to stop."""

import logging
from collections.abc import Callable
from pathlib import Path

import uvicorn

from data_prep.errors import SettingsError
from rcvae_tf.serving.app import batcher_maker, make_app
from rcvae_tf.serving.config import ServerConfig
from rcvae_tf.serving.connections import connection_class
from rcvae_tf.serving.monitoring import Monitoring
from rcvae_tf.serving.versions import Versions

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 65
# What was accepted is answered; a client that does not take its answer is left after this.
SHUTDOWN_S = 30


def serve(folder: Path, config: ServerConfig, started: Callable[[str], None]) -> None:
    """Serves a model until SIGINT or SIGTERM.

    Args:
        folder: Of the model.
        config: Of the server.
        started: Is told the address once it can be used.

    Raises:
        SettingsError: No model there, or the address is taken.
    """
    monitoring = Monitoring(lambda: versions.waiting_rows())
    versions = Versions(folder, config.versions, batcher_maker(monitoring, config))
    versions.load_first()
    server = Server(
        uvicorn.Config(
            make_app(versions, monitoring, config),
            host=config.host,
            port=config.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            http=connection_class(config.receive_timeout_s),
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_S,
        ),
        started,
    )
    versions.watch(config.poll_s)
    try:
        server.run()
    except SystemExit as error:
        raise SettingsError(
            f"--host {config.host} --port {config.port}: cannot be listened at. "
            f"Choose another port."
        ) from error
    finally:
        versions.close()


class Server(uvicorn.Server):
    """Says where it listens, which is not known before where the port was 0.

    Args:
        config: Of uvicorn.
        started: Is told the address.
    """

    def __init__(self, config: uvicorn.Config, started: Callable[[str], None]) -> None:
        super().__init__(config)
        self._told = started

    async def startup(self, sockets: list | None = None) -> None:
        """Listens, and says so."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            self._told(f"http://{shown}:{port}")
