"""What is written to a connection arrives in its order, the head of an answer together with its body."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from app.api.one_write import HeadKept
from app.storage.engine import Database
from tests.support.catalogue import Truth
from tests.support.live import running

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


class Line:
    """The other side of a connection: the pieces in which bytes came."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Take a piece."""
        assert not self.closed
        self.pieces.append(data)

    def close(self) -> None:
        """Take no more."""
        self.closed = True

    def is_closing(self) -> bool:
        """Say whether no more is taken."""
        return self.closed

    def get_write_buffer_size(self) -> int:
        """Return a number that only this connection has."""
        return 42


def pieces(write: Callable[[HeadKept], None]) -> tuple[list[bytes], list[bytes]]:
    """Return the pieces that have come when `write` returns, and when the event loop has come round."""

    async def run() -> tuple[list[bytes], list[bytes]]:
        line = Line()
        write(HeadKept(cast(asyncio.Transport, line), asyncio.get_running_loop()))
        at_once = list(line.pieces)
        await asyncio.sleep(0)
        return at_once, line.pieces

    return asyncio.run(run())


def test_head_and_body_are_one_piece_and_what_follows_is_sent_at_once():
    def write(kept: HeadKept) -> None:
        for data in (HEAD, b"body", b"more"):
            kept.write(data)

    assert pieces(write) == ([HEAD + b"body", b"more"],) * 2


def test_a_head_without_a_body_is_sent_when_the_loop_comes_round():
    assert pieces(lambda kept: kept.write(HEAD)) == ([], [HEAD])


def test_a_head_is_sent_before_the_connection_is_closed():
    def write(kept: HeadKept) -> None:
        kept.write(HEAD)
        assert not kept.is_closing()
        kept.close()
        assert kept.is_closing()

    assert pieces(write) == ([HEAD],) * 2


def test_a_body_that_looks_like_a_head_stays_in_its_place():
    def write(kept: HeadKept) -> None:
        for data in (HEAD, HEAD, HEAD, b"end"):
            kept.write(data)
        assert kept.get_write_buffer_size() == 42

    assert pieces(write) == ([HEAD + HEAD, HEAD + b"end"],) * 2


def test_a_running_service_sends_answers_whole_and_in_the_order_of_the_questions(
    catalogue_database: Database, truth: Truth
):
    with running(catalogue_database, SOS_RATE_LIMIT="0") as (url, _):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as line:
            for number in truth.star_id[5:15]:
                line.sendall(f"GET /v1/stars/sos:{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                head, _, body = line.recv(1 << 16).partition(b"\r\n\r\n")
                assert f"content-length: {len(body)}".encode() in head
                assert f'"star_id":"{number}"'.encode() in body
            line.sendall(f"HEAD /v1/stars/sos:{number} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert line.recv(1 << 16).endswith(b"\r\n\r\n")
            both = (f"GET /v1/stars/sos:{one} HTTP/1.1\r\nHost: {host}\r\n\r\n" for one in truth.star_id[5:7])
            line.sendall("".join(both).encode())
            answers = b""
            while answers.count(b'"contributions"') < 2:
                answers += line.recv(1 << 16)
            first, second = (answers.index(f'"star_id":"{one}"'.encode()) for one in truth.star_id[5:7])
            assert first < second
