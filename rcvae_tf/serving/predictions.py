"""`:predict` from the bytes of a request to those of the answer."""

import asyncio
import re

from rcvae_tf.serving.answers import answer_pieces
from rcvae_tf.serving.bodies import parse_body, rows_of
from rcvae_tf.serving.served import Served
from rcvae_tf.serving.served_model import Rows
from rcvae_tf.serving.versions import Versions

# The numbers of larger bodies are looked at in a thread, beside which others are answered.
LARGE_BODY_BYTES = 2**16

_PATH = re.compile(r"/v1/models/([^/:]+)(?:/versions/([0-9]{1,18}))?:predict")


class Predictions:
    """Asks versions of a model.

    Args:
        versions: Of the model.
        most_rows: That a request may have.
    """

    def __init__(self, versions: Versions, most_rows: int) -> None:
        self._versions = versions
        self._most_rows = most_rows

    @staticmethod
    def asked(path: str) -> tuple[str, int | None] | None:
        """Model and version that a path names; None where it is no path of predictions."""
        match = _PATH.fullmatch(path)
        return match and (match[1], int(match[2]) if match[2] else None)

    async def answer(self, model: str, version: int | None, body: bytes) -> bytes:
        """JSON for JSON.

        Args:
            model: Its name.
            version: None for the newest one.
            body: Of the request.

        Raises:
            RequestError: The request cannot be answered.
        """
        served = self._versions.get(model, version)
        if len(body) > LARGE_BODY_BYTES:
            signature, inputs, by_row = await asyncio.to_thread(self._read, served, body)
        else:
            signature, inputs, by_row = self._read(served, body)
        pieces: list[bytes] = []
        for piece in answer_pieces(await served.predict(signature, inputs), by_row):
            if pieces:
                await asyncio.sleep(0)  # others are answered between two pieces
            pieces.append(piece)
        return b"".join(pieces)

    def _read(self, served: Served, body: bytes) -> tuple[str, Rows, bool]:
        asked = parse_body(body)
        inputs = served.model.signature(asked.signature_name).inputs
        return asked.signature_name, rows_of(asked, inputs, self._most_rows), asked.by_row
