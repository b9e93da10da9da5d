"""Requests that come while the model is busy are answered together when it is free."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from rcvae_tf.serving.errors import BadRequest, Overloaded
from rcvae_tf.serving.served_model import Rows

Call = Callable[[str, Rows], Rows]


class _Waiting(NamedTuple):
    signature: str
    inputs: Rows
    num_rows: int
    answer: "asyncio.Future[Rows]"


# Two, so that the processors have work while the answers of one are written.
BATCHES_AT_ONCE = 2


class Batcher:
    """A queue in front of a model that works on one batch, or two full ones, in other threads.

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
        self._workers: set[asyncio.Task] = set()
        # They end with the last one who holds this queue: what was accepted is answered before.
        self._threads = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="model")

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
        if len(self._workers) < BATCHES_AT_ONCE and self._is_worth(len(self._workers)):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
        return await answer

    def _is_worth(self, others: int) -> bool:
        """Whether there is a batch to begin with; beside another one only a full batch is."""
        return bool(self._waiting) and (not others or self._waiting_rows >= self._most_rows)

    async def _work(self) -> None:
        """Takes batch after batch until nobody waits, or until others do the rest."""
        loop = asyncio.get_running_loop()
        try:
            while self._is_worth(len(self._workers) - 1):
                batch = self._next_batch()
                try:
                    self._observe(sum(request.num_rows for request in batch))
                    answer, finite = await loop.run_in_executor(self._threads, self._answer, batch)
                    _hand_out(batch, answer, finite)
                except Exception as error:
                    _fail(batch, error)
        finally:
            self._workers.discard(asyncio.current_task())

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

    def _answer(self, batch: list[_Waiting]) -> tuple[Rows, bool]:
        """The answer to all, and whether all of it is finite."""
        names = batch[0].inputs
        joined = {name: np.concatenate([r.inputs[name] for r in batch]) for name in names}
        answer = self._call(batch[0].signature, joined)
        return answer, not _not_finite(answer)


def _hand_out(batch: list[_Waiting], answer: Rows, finite: bool) -> None:
    start = 0
    for request in batch:
        stop = start + request.num_rows
        if not request.answer.done():  # who asked may have gone
            rows = {name: values[start:stop] for name, values in answer.items()}
            wrong = "" if finite else _not_finite(rows)
            if wrong:
                request.answer.set_exception(_not_finite_error(wrong))
            else:
                request.answer.set_result(rows)
        start = stop


def _not_finite_error(name: str) -> BadRequest:
    return BadRequest(
        f"the inputs lead to no charge: `{name}` is not finite. Expected conditions, charges or z "
        f"nearer to those of the training data."
    )


def _fail(batch: list[_Waiting], error: Exception) -> None:
    for request in batch:
        if not request.answer.done():
            request.answer.set_exception(error)


def _not_finite(rows: Rows) -> str:
    """The first output that holds something else than finite numbers; empty where none does."""
    floats = (name for name, values in rows.items() if values.dtype.kind == "f")
    return next((name for name in floats if not np.isfinite(rows[name]).all()), "")
