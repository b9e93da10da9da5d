"""The same work on many items in several processes, results in the order of the items."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from data_prep.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[..., Result], items: Sequence[Item], jobs: int, *shared: Any
) -> Iterator[Result]:
    """`work(item, *shared)` of every item, lazily, whichever process it was done in.

    Args:
        work: A function of a module; it, its arguments and its result go between processes.
        items: In the order in which results are wanted.
        jobs: Processes; 1 works in this one.
        shared: Given to every call.

    Raises:
        UserError: A process was ended from outside.
        Exception: What `work` raised first, in the order of the items.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        yield from (work(item, *shared) for item in items)
        return

    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    executor = get_reusable_executor(max_workers=jobs, initializer=_leave_interrupts_to_parent)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(executor.submit(work, item, *shared))
            # Few results wait at a time: what is not yet asked for takes no memory.
            if len(waiting) >= 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "a process was ended from outside, often for want of memory. Give --jobs 1, or make "
            "room."
        ) from error
    finally:
        # Idle workers would keep their memory for minutes.
        executor.shutdown(wait=True, kill_workers=True)


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of a terminal; a worker would print a trace of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
