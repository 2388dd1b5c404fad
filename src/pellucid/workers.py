"""Work on many pictures by a few threads, in order and with a bounded amount in flight.

Threads and not processes: decoding and ONNX Runtime release Python's lock.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

_MOST_THREADS = 32


def cores() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(
    work: Callable[[range], T], total: int, chunk: int, threads: int | None = None
) -> Iterator[tuple[range, T]]:
    """Call ``work`` on ranges of at most ``chunk`` of ``total`` indices; their results in order.

    At most two chunks a thread are waiting or under way, whatever ``total`` is. The first exception of
    ``work`` is raised here, after the chunks under way have ended.
    """
    number = min(threads or cores(), _MOST_THREADS)
    waiting: deque[tuple[range, Future[T]]] = deque()
    pool = ThreadPoolExecutor(number, "pellucid")
    try:
        for start in range(0, total, chunk):
            part = range(start, min(start + chunk, total))
            waiting.append((part, pool.submit(work, part)))
            if len(waiting) > 2 * number:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
