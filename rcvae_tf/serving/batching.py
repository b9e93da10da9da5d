"""Requests that come while the model is busy are answered together when it is free."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from rcvae_tf.serving.errors import Overloaded
from rcvae_tf.serving.served_model import Rows, check_finite

Call = Callable[[str, Rows], Rows]


class _Waiting(NamedTuple):
    signature: str
    inputs: Rows
    num_rows: int
    answer: "asyncio.Future[Rows]"


class Batcher:
    """A queue in front of a model that works on one batch after another, in a thread of its own.

    A row's answer does not depend on the rows beside it, so that nobody sees who else asked.

    Args:
        call: The model; takes a signature and its rows.
        most_rows: That requests are put together to; a longer one goes alone.
        most_waiting: Rows that may wait.
        observe: Is told the rows of every batch.
    """

    def __init__(
        self,
        call: Call,
        most_rows: int,
        most_waiting: int,
        observe: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._call = call
        self._most_rows = most_rows
        self._most_waiting = most_waiting
        self._observe = observe
        self._waiting: deque[_Waiting] = deque()
        self._waiting_rows = 0
        self._worker: asyncio.Task | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")

    @property
    def waiting_rows(self) -> int:
        """Rows that wait at the moment."""
        return self._waiting_rows

    async def predict(self, signature: str, inputs: Rows) -> Rows:
        """What the model gives for rows, once it is their turn.

        Args:
            signature: One that the model has.
            inputs: Of the types and shapes of the signature, at least one row.

        Raises:
            BadRequest: What comes out is not finite.
            Overloaded: Too many rows wait; these were not taken.
        """
        num_rows = len(next(iter(inputs.values())))
        if self._waiting_rows and self._waiting_rows + num_rows > self._most_waiting:
            raise Overloaded(f"{self._waiting_rows} rows wait already. Come again in a moment.")
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(signature, inputs, num_rows, answer))
        self._waiting_rows += num_rows
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await answer

    def close(self) -> None:
        """Lets go of the thread; what waits is still answered."""
        self._thread.shutdown(wait=False)

    async def _work(self) -> None:
        """Takes batch after batch until nobody waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next_batch()
            self._observe(sum(request.num_rows for request in batch))
            try:
                answer = await loop.run_in_executor(self._thread, self._answer, batch)
            except Exception as error:
                _fail(batch, error)
                continue
            _hand_out(batch, answer)
        self._worker = None

    def _next_batch(self) -> list[_Waiting]:
        """The longest waiting request, and what fits to it of those behind it."""
        batch = [self._waiting.popleft()]
        num_rows = batch[0].num_rows
        while self._waiting and self._waiting[0].signature == batch[0].signature:
            num_rows += self._waiting[0].num_rows
            if num_rows > self._most_rows:
                break
            batch.append(self._waiting.popleft())
        self._waiting_rows -= sum(request.num_rows for request in batch)
        return batch

    def _answer(self, batch: list[_Waiting]) -> Rows:
        names = batch[0].inputs
        joined = {name: np.concatenate([r.inputs[name] for r in batch]) for name in names}
        return self._call(batch[0].signature, joined)


def _hand_out(batch: list[_Waiting], answer: Rows) -> None:
    start = 0
    for request in batch:
        stop = start + request.num_rows
        if not request.answer.done():  # who asked may have gone
            try:
                check_finite(answer, start, stop)
                request.answer.set_result({k: rows[start:stop] for k, rows in answer.items()})
            except Exception as error:
                request.answer.set_exception(error)
        start = stop


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for request in batch:
        if not request.answer.done():
            request.answer.set_exception(error)
