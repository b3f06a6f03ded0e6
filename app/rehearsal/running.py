"""The rehearsals, one after the other, in a thread beside the service.

Libraries are loaded, and compiled functions read from numba's cache, where they are first needed: seconds, for which
the first upload or download of each kind would wait. A rehearsal takes the same way through the code on a table of two
rows, so that what it loads is what a request needs. None is part of being ready, and a request that comes meanwhile
waits for its own libraries as it would without.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from threading import Event, Thread

from anyio import CancelScope, to_thread

from app.factory import Factory

log = logging.getLogger(__name__)

REHEARSALS = tuple(f"app.rehearsal.{name}" for name in ("uploads", "rows", "files", "services", "maps", "conversion"))
"""Modules with a function `rehearse`, what most users need first; what they import is loaded one after the other."""

FIRST_AFTER_S = 1.0
"""The service listens by then."""

PAUSE_SHARE = 0.5
"""Of the time that a rehearsal took, to wait before the next one: whoever asks meanwhile has the processor."""

LOADING_SWITCH_S = 0.0005
"""How long the thread that loads may keep others from the interpreter, in place of Python's 5 ms."""

PATIENCE_S = 3.0
"""How long the end of the service waits for the rehearsal under way, which may be compiling on a new machine."""


@asynccontextmanager
async def rehearsing(factory: Factory, rehearsals: Sequence[str] | None = None) -> AsyncIterator[None]:
    """Rehearse beside what is done in the block; at its end, no rehearsal begins any more."""
    ended = Event()
    names = REHEARSALS if rehearsals is None else rehearsals
    thread = Thread(target=_run, args=(factory, names, ended), name="rehearsals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        with CancelScope(shield=True):
            await to_thread.run_sync(thread.join, PATIENCE_S)


def _run(factory: Factory, rehearsals: Sequence[str], ended: Event) -> None:
    pause = FIRST_AFTER_S
    for name in rehearsals:
        if ended.wait(pause):
            return
        started = time.perf_counter()
        try:
            with _short_turns():
                import_module(name).rehearse(factory)
        except Exception:  # whatever it was, the service answers without
            log.exception("%s failed: the first request of its kind will wait longer", name)
        pause = PAUSE_SHARE * (time.perf_counter() - started)
    gc.freeze()  # what was loaded stays, and no collection of garbage should go through it again and again


@contextmanager
def _short_turns() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(LOADING_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
