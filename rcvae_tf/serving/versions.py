"""Which versions of a model are served: the newest, also those that come while it runs."""

import gc
import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from data_prep.errors import SettingsError
from rcvae_tf.servable.layout import VersionDirectory, versions_in
from rcvae_tf.serving.batching import Batcher
from rcvae_tf.serving.errors import NotFound
from rcvae_tf.serving.served import Served
from rcvae_tf.serving.served_model import ServedModel

logger = logging.getLogger(__name__)

# States of TensorFlow Serving.
AVAILABLE, END = "AVAILABLE", "END"
SHOWN = 80  # characters of a name that is none


class Versions:
    """Loads versions of a model and lets go of older ones.

    Args:
        folder: Of the model; its name is that of the model.
        most: Versions that are served at once.
        make_batcher: Puts a queue in front of a model.
    """

    def __init__(
        self, folder: Path, most: int, make_batcher: Callable[[ServedModel], Batcher]
    ) -> None:
        self.name = folder.resolve().name
        self._folder = folder
        self._most = most
        self._make_batcher = make_batcher
        self._served: dict[int, Served] = {}
        self._failed: dict[int, tuple[tuple[int, int], str]] = {}
        self._lock = Lock()
        self._stop = Event()

    def load_first(self) -> None:
        """Loads what is there before the server begins.

        Raises:
            SettingsError: No such folder, no version in it, or none that can be read.
        """
        if not self._folder.is_dir() or not versions_in(self._folder):
            raise SettingsError(
                f"--model {self._folder}: holds no version of a model. "
                f"Make one with `python -m rcvae_tf.export --output {self._folder}`."
            )
        self.look()
        if not self._served:
            raise SettingsError(next(iter(self._failed.values()))[1])

    def look(self) -> None:
        """Serves the newest versions that can be read; only then others go.

        A version whose folder is gone is served on where there is no other.
        """
        before = set(self._served)
        found = versions_in(self._folder)
        wanted: list[int] = []
        for directory in reversed(found):
            if len(wanted) < self._most and self._serves(directory):
                wanted.append(directory.version)
        with self._lock:
            for version in set(self._served) - set(wanted) if wanted else ():
                logger.info("version %d: out of service", version)
                del self._served[version]
            for version in set(self._failed) - {directory.version for directory in found}:
                del self._failed[version]
        if set(self._served) != before:
            _settle_memory()

    def watch(self, seconds: float) -> None:
        """Looks again and again in a thread of its own until `close`."""

        def work() -> None:
            while not self._stop.wait(seconds):
                try:
                    self.look()
                except OSError as error:
                    logger.warning("%s: cannot be looked at (%s)", self._folder, error)
                except Exception:  # looking goes on, whatever it was
                    logger.exception("%s: cannot be looked at", self._folder)

        Thread(target=work, name="versions", daemon=True).start()

    def close(self) -> None:
        """Ends the watching."""
        self._stop.set()

    def current(self) -> Served:
        """The newest version.

        Raises:
            NotFound: None is loaded.
        """
        with self._lock:
            if not self._served:
                raise NotFound(f"Servable not found for request: Latest({self.name})")
            return self._served[max(self._served)]

    def get(self, name: str, version: int | None) -> Served:
        """A version, or the newest one.

        Raises:
            NotFound: Another model, or a version that is not served.
        """
        if name != self.name:
            name = name[:SHOWN]
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise NotFound(
                f"Servable not found for request: {wanted}. The model here is {self.name}."
            )
        if version is None:
            return self.current()
        with self._lock:
            if version not in self._served:
                known = ", ".join(map(str, sorted(self._served)))
                raise NotFound(
                    f"Servable not found for request: Specific({name}, {version}). "
                    f"Versions in service: {known}."
                )
            return self._served[version]

    def status(self, name: str, version: int | None) -> dict[str, Any]:
        """As TensorFlow Serving tells the state of versions, newest first.

        Raises:
            NotFound: Another model, or a version that is not known.
        """
        with self._lock:
            states = {number: (AVAILABLE, "OK", "") for number in self._served} | {
                number: (END, "INTERNAL", message)
                for number, (_, message) in self._failed.items()
                if number not in self._served
            }
        if name != self.name or (version is not None and version not in states):
            self.get(name, version)
        return {
            "model_version_status": [
                {
                    "version": str(number),
                    "state": state,
                    "status": {"error_code": code, "error_message": message},
                }
                for number, (state, code, message) in sorted(states.items(), reverse=True)
                if version in (None, number)
            ]
        }

    def waiting_rows(self) -> int:
        """Rows that wait, over all versions."""
        with self._lock:
            return sum(served.batcher.waiting_rows for served in self._served.values())

    def _serves(self, directory: VersionDirectory) -> bool:
        """Whether a version is in service; it is loaded where it was not tried as it lies there."""
        if directory.version in self._served:
            return True
        written = _written(directory)
        tried = self._failed.get(directory.version)
        if tried is not None and tried[0] == written:
            return False
        try:
            model = ServedModel(self.name, directory)
        except Exception as error:  # whatever is wrong with it, the others stay in service
            message = str(error).strip().split("\n")[0]
            logger.warning("version %d: not loaded: %s", directory.version, message)
            with self._lock:
                self._failed[directory.version] = (written, message)
            return False
        with self._lock:
            self._failed.pop(directory.version, None)
            self._served[directory.version] = Served(model, self._make_batcher(model))
        logger.info("version %d: in service", directory.version)
        return True


def _settle_memory() -> None:
    """Lets go of what a version left, and takes what stays out of the search for garbage.

    TensorFlow alone is a million objects: to look through them takes half a second, in which
    nobody is answered.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _written(directory: VersionDirectory) -> tuple[int, int]:
    """How many files a version has and when the last was written; what is copied in grows."""
    try:
        times = [path.stat().st_mtime_ns for path in directory.path.rglob("*")]
    except OSError:
        return 0, 0
    return len(times), max(times, default=0)
