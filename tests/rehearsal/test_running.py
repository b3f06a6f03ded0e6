"""Rehearsals run beside the service, one after the other; whatever they do, it answers and ends."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import cast

import pytest

from app.factory import Factory
from app.rehearsal import running
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.http import serving
from tests.support.live import running as live

Rehearse = Callable[[object], None]
FACTORY = cast("Factory", object())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "FIRST_AFTER_S", 0.0)
    monkeypatch.setattr(running, "PATIENCE_S", 0.1)


def modules(monkeypatch: pytest.MonkeyPatch, **rehearsals: Rehearse) -> list[str]:
    """Make a module of each function, and return their names."""
    for name, rehearse in rehearsals.items():
        module = ModuleType(f"rehearsal_{name}")
        module.__dict__["rehearse"] = rehearse
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return [f"rehearsal_{name}" for name in rehearsals]


def during(names: list[str], done: threading.Event) -> None:
    async def rehearse() -> None:
        async with running.rehearsing(FACTORY, names):
            assert await asyncio.to_thread(done.wait, 30)

    asyncio.run(rehearse())


def test_a_failure_is_logged_and_the_next_one_follows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    done, order, usual = threading.Event(), [], sys.getswitchinterval()

    def broken(factory: object) -> None:
        order.append((factory, sys.getswitchinterval()))
        raise ValueError("this one is broken")

    def last(factory: object) -> None:
        order.append((factory, sys.getswitchinterval()))
        done.set()

    with caplog.at_level(logging.ERROR):
        during([*modules(monkeypatch, broken=broken), "no_such_module", *modules(monkeypatch, last=last)], done)
    assert order == [(FACTORY, running.LOADING_SWITCH_S)] * 2
    assert sys.getswitchinterval() == usual
    first, second = caplog.records
    assert "rehearsal_broken failed" in first.message
    assert "this one is broken" in (first.exc_text or "")
    assert "no_such_module failed" in second.message


def test_the_end_waits_a_while_for_the_one_under_way_and_begins_no_other(monkeypatch: pytest.MonkeyPatch):
    begun, free, began = threading.Event(), threading.Event(), []

    def long(_: object) -> None:
        begun.set()
        assert free.wait(30)

    names = modules(monkeypatch, long=long, next=began.append)
    during(names, begun)
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "rehearsals")
    assert thread.daemon
    free.set()
    thread.join(30)
    assert not thread.is_alive()
    assert began == []


def test_the_service_is_ready_while_a_rehearsal_goes_on(
    monkeypatch: pytest.MonkeyPatch, database: Database, tmp_path: Path
):
    begun, free = threading.Event(), threading.Event()

    def long(_: object) -> None:
        begun.set()
        assert free.wait(60)

    catalogue.build(database)
    monkeypatch.setattr(running, "REHEARSALS", modules(monkeypatch, long=long))
    with serving(database, rehearsed=True, state=tmp_path) as service:
        assert begun.wait(30)
        assert service.get("/readyz").status_code == 200
        assert service.get("/v1/catalog").status_code == 200
        free.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_ends_the_service_as_ever(database: Database, tmp_path: Path, number: signal.Signals):
    catalogue.build(database)
    with live(database, SOS_STATE=str(tmp_path)) as (_, process):
        threading.Event().wait(1.5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in {0, -number, 128 + number}
    assert "Fatal" not in errors
    assert "terminate called" not in errors
