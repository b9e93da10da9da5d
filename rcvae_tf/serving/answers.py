"""Answers of `:predict`, by row or by column, as TensorFlow Serving has them."""

from collections.abc import Iterator

import numpy as np
import orjson

from rcvae_tf.serving.served_model import Rows

ROWS_OF_A_PIECE = 128


def answer_body(answer: Rows, by_row: bool) -> bytes:
    """The answer in the form of the request."""
    if not by_row:
        outputs = {name: np.ascontiguousarray(rows) for name, rows in answer.items()}
        return orjson.dumps({"outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)
    names = list(answer)
    predictions = [dict(zip(names, row, strict=True)) for row in zip(*answer.values(), strict=True)]
    return orjson.dumps({"predictions": predictions}, option=orjson.OPT_SERIALIZE_NUMPY)


def answer_pieces(answer: Rows, by_row: bool) -> Iterator[bytes]:
    """`answer_body` in pieces, of which none takes long to write."""
    num_rows = len(next(iter(answer.values())))
    starts = range(0, num_rows, ROWS_OF_A_PIECE)
    if len(starts) == 1:
        yield answer_body(answer, by_row)
        return
    # By column every output has rows of its own, by row all stand together.
    parts = [answer] if by_row else [{name: values} for name, values in answer.items()]
    for place, part in enumerate(parts):
        for start in starts:
            rows = {name: values[start : start + ROWS_OF_A_PIECE] for name, values in part.items()}
            opening, inside, closing = _split(answer_body(rows, by_row), by_row)
            if start:
                yield b"," + inside
                continue
            # The brace that opens the outputs is there once.
            yield (b"]," + opening.removeprefix(b'{"outputs":{') if place else opening) + inside
    yield closing


def _split(body: bytes, by_row: bool) -> tuple[bytes, bytes, bytes]:
    """What stands before the rows, the rows, and what stands behind them."""
    first = body.index(b"[") + 1
    last = len(body) - (2 if by_row else 3)
    return body[:first], body[first:last], body[last:]
