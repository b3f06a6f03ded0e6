from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from app.pipeline.prefetch import prefetched


def test_items_come_in_order_from_another_thread() -> None:
    makers = set()

    def items() -> Iterator[int]:
        for number in range(100):
            makers.add(threading.current_thread().name)
            yield number

    assert list(prefetched(items())) == list(range(100))
    assert makers == {"prefetch"}


def test_an_error_is_raised_where_the_items_are_used() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second cannot be made")

    stream = prefetched(items())
    assert next(stream) == 1
    with pytest.raises(ValueError, match="the second cannot be made"):
        next(stream)


def test_the_thread_ends_with_its_user() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(1_000):
            made.append(number)
            yield number

    stream = prefetched(items())
    next(stream)
    stream.close()
    assert len(made) < 10
    assert not any(thread.name == "prefetch" for thread in threading.enumerate())
