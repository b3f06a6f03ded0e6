"""Work ahead: the next items are made in a thread while the present one is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


class _End:
    """Tells that nothing follows, and why."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetched(items: Iterable[Item], *, ahead: int = 2) -> Iterator[Item]:
    """Yield the items in order, made up to `ahead` early in a thread; its errors are raised here.

    >>> list(prefetched(range(3)))
    [0, 1, 2]
    """
    made: queue.Queue[Item | _End] = queue.Queue(ahead)
    stopped = threading.Event()
    thread = threading.Thread(target=_make, args=(items, made, stopped), name="prefetch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        while thread.is_alive():
            _drain(made)
            thread.join(0.01)


def _make(items: Iterable[Item], made: queue.Queue[Item | _End], stopped: threading.Event) -> None:
    try:
        for item in items:
            if stopped.is_set():
                return
            made.put(item)
    except BaseException as error:  # noqa: BLE001 - whatever it is belongs to the thread that uses the items
        made.put(_End(error))
    else:
        made.put(_End())


def _drain(made: queue.Queue[Item | _End]) -> None:
    try:
        while True:
            made.get_nowait()
    except queue.Empty:
        pass
