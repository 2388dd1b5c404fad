"""Work in order, with a bounded amount in flight."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.workers import in_order


@given(total=st.integers(0, 60), chunk=st.integers(1, 9), threads=st.integers(1, 4))
def test_every_index_once_and_in_order(total: int, chunk: int, threads: int) -> None:
    """The ranges cover all indices once, in order, each with its own result."""
    answers = list(in_order(lambda part: [index * index for index in part], total, chunk, threads))
    assert [index for part, _ in answers for index in part] == list(range(total))
    assert [square for _, squares in answers for square in squares] == [n * n for n in range(total)]
    assert all(len(part) <= chunk for part, _ in answers)


def test_no_more_than_a_few_chunks_run_ahead() -> None:
    """A slow consumer is not outrun: at most two chunks a thread, and one more, have been started."""
    started = []
    work = in_order(lambda part: started.append(part), 1000, 1, threads=2)
    next(work)
    time.sleep(0.05)
    assert len(started) <= 6
    work.close()


def test_the_first_failure_is_raised_and_the_rest_is_not_begun() -> None:
    """An exception of the work reaches the consumer; chunks not yet begun never are."""
    seen = threading.Semaphore(0)

    def work(part: range) -> None:
        seen.release()
        if part.start == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        list(in_order(work, 1000, 1, threads=2))
    count = 0
    while seen.acquire(blocking=False):
        count += 1
    assert count < 20
