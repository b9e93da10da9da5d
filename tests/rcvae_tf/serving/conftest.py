"""An application over the exported tiny run, and a server in a thread."""

import shutil
import threading
import time

import pytest
import uvicorn
from fastapi.testclient import TestClient

from rcvae_tf.serving.app import batcher_maker, make_app
from rcvae_tf.serving.config import ServerConfig
from rcvae_tf.serving.connections import connection_class
from rcvae_tf.serving.monitoring import Monitoring
from rcvae_tf.serving.versions import Versions


@pytest.fixture
def model_folder(exported, tmp_path):
    """A folder of its own with version 1."""
    shutil.copytree(exported.path, tmp_path / "rcvae" / "1")
    return tmp_path / "rcvae"


def application(folder, **settings):
    """The application and its versions, the first one loaded."""
    config = ServerConfig(**settings)
    monitoring = Monitoring(lambda: versions.waiting_rows())
    versions = Versions(folder, config.versions, batcher_maker(monitoring, config))
    versions.load_first()
    return make_app(versions, monitoring, config), versions


@pytest.fixture(scope="session")
def app(exported):
    return application(exported.path.parent, max_rows=64, max_body_mib=0.25)[0]


@pytest.fixture
def client(app):
    return TestClient(app, raise_server_exceptions=False)


class ThreadedServer(uvicorn.Server):
    """Runs beside the test; signals stay with the test."""

    def install_signal_handlers(self):
        pass


@pytest.fixture(scope="session")
def serve_in_thread():
    """Serves an application at a free port until the tests end; gives the port."""
    servers = []

    def serve(app, receive_timeout_s=10.0):
        http = connection_class(receive_timeout_s)
        server = ThreadedServer(
            uvicorn.Config(app, port=0, log_config=None, access_log=False, ws="none", http=http)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        return server.servers[0].sockets[0].getsockname()[1]

    yield serve
    for server, thread in servers:
        server.should_exit = True
        thread.join(20)
