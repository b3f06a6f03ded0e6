"""Answers on their way to a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from app.vo import answers
from app.vo.answers import Pieces, StreamedAnswer
from tests.support import stalled


def test_a_client_that_takes_nothing_is_let_go_and_gives_back_what_it_held(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answers, "STALLED_S", 0.05)
    closed: list[bool] = []

    @contextmanager
    def opening() -> Iterator[Pieces]:
        try:
            yield Pieces(1, iter([b"a\n", b"1\n"]))
        finally:
            closed.append(True)

    with pytest.raises(BaseExceptionGroup) as raised:
        anyio.run(StreamedAnswer(opening(), "text/csv"), {"type": "http"}, stalled.receive, stalled.send)
    assert raised.group_contains(TimeoutError)
    assert closed == [True]
