"""The same work on many items in several processes, results in the order of the items."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

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
        Exception: What `work` raised first, in the order of the items.
    """
    jobs = min(jobs, len(items))
    if jobs <= 1:
        yield from (work(item, *shared) for item in items)
        return

    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    # Few items wait at a time: what is not yet asked for takes no memory.
    pool = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
    try:
        yield from pool(delayed(work)(item, *shared) for item in items)
    finally:
        # Idle workers would keep their memory for minutes.
        get_reusable_executor().shutdown(wait=True, kill_workers=True)
