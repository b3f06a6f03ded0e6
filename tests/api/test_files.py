"""Files on their way to a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import anyio
import pytest

from app.api import files
from app.api.files import FileResponse
from app.domain.files import FileFormat
from app.services.downloads import Download
from tests.support import stalled

NO_LIMIT = SimpleNamespace(state=SimpleNamespace(blocks_at_once=None))


def test_a_client_that_takes_nothing_is_let_go_and_gives_back_what_it_held(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "STALLED_S", 0.05)
    closed: list[bool] = []

    @contextmanager
    def opening() -> Iterator[Download]:
        try:
            yield Download(FileFormat.CSV, 1, 2, iter([b"a\n", b"1\n"]))
        finally:
            closed.append(True)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "app": NO_LIMIT}
    with pytest.raises(BaseExceptionGroup) as raised:
        anyio.run(FileResponse(opening(), "catalog"), scope, stalled.receive, stalled.send)
    assert raised.group_contains(TimeoutError)
    assert closed == [True]
