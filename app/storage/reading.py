"""Reading alone: a pool for prepared statements that take milliseconds, options for answers that take longer.

The pool drives libpq itself. Per statement it takes a third of the processor time of a psycopg cursor from psycopg's
pool (30 against 110 microseconds, beside a PostgreSQL that wants the same core), which is most of a cone search.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from app.domain.errors import UnavailableError
from app.storage.engine import driver_url, meaning
from app.storage.pool_use import WAITS, PoolUse

PATIENCE_S = 10.0
_READ_ONLY = (
    "-c timezone=UTC -c jit=off -c default_transaction_read_only=on"
    # A user who went away takes the statement along.
    " -c client_connection_check_interval=2s"
)
# Planning is most of a cone search, so a plan is made once; a generic plan that goes parallel would cost 6 ms a search.
SHORT_OPTIONS = (
    f"{_READ_ONLY} -c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0 -c statement_timeout=30s"
)
# Figures for who runs the service: none is worth waiting for.
WATCH_OPTIONS = f"{_READ_ONLY} -c statement_timeout=2s"
# A table of a version is read from its first block on, so that a file has the same order every time.
LONG_OPTIONS = f"{_READ_ONLY} -c synchronize_seqscans=off"

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_PARAMETER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Statement:
    """A statement as PostgreSQL takes it, parameters numbered `$1`, `$2` ..., and their names in that order."""

    text: bytes
    names: tuple[str, ...]

    @classmethod
    def of(cls, query: str) -> Statement:
        """Read a query whose parameters are written `%(name)s`; PostgreSQL must see the type of each."""
        names = tuple(dict.fromkeys(_PARAMETER.findall(query)))
        return cls(_PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", query).encode(), names)


class Reader:
    """A pool of read-only connections for statements that take milliseconds, each of one snapshot.

    Args:
        url: the database.
        size: connections at most; they are made when they are needed.
        patience_s: how long to wait for one to become free.
        name: what the pool is called in the figures of the service.
    """

    def __init__(self, url: str, *, size: int, patience_s: float = PATIENCE_S, name: str = "reader") -> None:
        self._url = driver_url(url)
        self._name = name
        self._size = size
        self._in_use = 0
        self._turns: deque[asyncio.Future[None]] = deque()
        self._seconds_waited = WAITS.labels(name)
        self._patience_s = patience_s
        self._idle: list[_Reading] = []

    async def close(self) -> None:
        """Close every idle connection."""
        while self._idle:
            await self._idle.pop().close()

    async def rows(self, statement: Statement, parameters: Mapping[str, object]) -> list[Row]:
        """Return the rows of a statement, prepared on its first use on each connection.

        Raises:
            UnavailableError: it takes too long, or no connection becomes free.
            DatabaseError: the server cannot be reached.
            InputError: a value does not fit its parameter.
        """
        if self._in_use < self._size:
            self._in_use += 1
        else:
            await self._turn()
        try:
            return await self._rows(statement, [_written(parameters[name]) for name in statement.names])
        except (psycopg.OperationalError, psycopg.DataError) as error:
            raise meaning(error) from error
        finally:
            self._leave()

    @property
    def use(self) -> PoolUse:
        """How far the connections are used."""
        return PoolUse(self._name, self._size, self._in_use, sum(not turn.done() for turn in self._turns))

    async def _turn(self) -> None:
        """Wait until someone hands a connection on; most requests of a busy service do, so no task is made of it."""
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        self._turns.append(turn)
        patience = loop.call_later(self._patience_s, _end, turn, TimeoutError())
        began = time.perf_counter()
        try:
            await turn
        except TimeoutError:
            raise UnavailableError("every database connection is busy: ask again in a moment") from None
        except asyncio.CancelledError:
            if not turn.cancelled() and turn.exception() is None:
                self._leave()  # the turn had come, but whoever asked has gone
            raise
        finally:
            patience.cancel()
            self._seconds_waited.observe(time.perf_counter() - began)

    def _leave(self) -> None:
        """Hand the connection on to who has waited longest; those who have given up stand in the queue until then."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._in_use -= 1

    async def _rows(self, statement: Statement, values: Sequence[bytes | None]) -> list[Row]:
        while self._idle:
            reading = self._idle.pop()
            try:
                return await self._rows_of(reading, statement, values)
            except psycopg.OperationalError:
                if reading.alive:
                    raise
                # The server ended this connection while it was idle, and the others too: ask on a new one.
                await self.close()
        return await self._rows_of(await _Reading.connect(self._url), statement, values)

    async def _rows_of(self, reading: _Reading, statement: Statement, values: Sequence[bytes | None]) -> list[Row]:
        try:
            return await reading.rows(statement, values)
        finally:
            if reading.alive:
                self._idle.append(reading)
            else:
                await reading.close()


class _Prepared:
    """A statement that a connection has prepared: its name there, and how its columns are read."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self._columns: list[tuple[int, str, Callable[[bytes], Any]]] | None = None

    def rows(self, result: pq.abc.PGresult) -> list[Row]:
        """Return the rows of a result; the columns of a prepared statement are the same each time."""
        if self._columns is None:
            self._columns = [
                (place, (result.fname(place) or b"").decode(), _READ.get(result.ftype(place), bytes.decode))
                for place in range(result.nfields)
            ]
        columns, value_of = self._columns, result.get_value
        return [
            {name: None if (value := value_of(row, place)) is None else read(value) for place, name, read in columns}
            for row in range(result.ntuples)
        ]


class _Reading:
    """One connection with the statements that it has prepared; its socket is watched as long as it is open."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self._connection = connection
        self._libpq = connection.pgconn
        self._socket = self._libpq.socket
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[None] | None = None
        self._prepared: dict[bytes, _Prepared] = {}
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def connect(cls, url: str) -> _Reading:
        """Open a connection."""
        return cls(await psycopg.AsyncConnection.connect(url, autocommit=True, options=SHORT_OPTIONS))

    @property
    def alive(self) -> bool:
        """Whether the connection waits for a statement."""
        return bool(self._libpq.transaction_status == pq.TransactionStatus.IDLE)

    async def close(self) -> None:
        """Close the connection."""
        self._loop.remove_reader(self._socket)
        await self._connection.close()

    async def rows(self, statement: Statement, values: Sequence[bytes | None]) -> list[Row]:
        """Run a statement."""
        prepared = self._prepared.get(statement.text)
        if prepared is None:
            prepared = _Prepared(f"s{len(self._prepared)}".encode())
            self._libpq.send_prepare(prepared.name, statement.text)
            await self._result()
            self._prepared[statement.text] = prepared
        self._libpq.send_query_prepared(prepared.name, values)
        return prepared.rows(await self._result())

    async def _result(self) -> pq.abc.PGresult:
        """Wait for the one result of what was sent."""
        self._answer = self._loop.create_future()
        while self._libpq.flush():
            await self._writable()
        await self._answer
        result = self._libpq.get_result()
        assert result is not None, "something was sent"
        while self._libpq.get_result() is not None:
            pass
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        return result

    def _readable(self) -> None:
        """Take what has come: a part of an answer, or the end of the connection."""
        answer = self._answer if self._answer and not self._answer.done() else None
        try:
            self._libpq.consume_input()
        except psycopg.OperationalError as error:
            self._loop.remove_reader(self._socket)
            if answer:
                answer.set_exception(error)
            return
        if answer and not self._libpq.is_busy():
            answer.set_result(None)

    async def _writable(self) -> None:
        """Wait until more can be sent."""
        ready = self._loop.create_future()
        self._loop.add_writer(self._socket, _done, ready)
        try:
            await ready
        finally:
            self._loop.remove_writer(self._socket)


def _end(turn: asyncio.Future[None], error: Exception) -> None:
    if not turn.done():
        turn.set_exception(error)


def _done(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _written(value: object) -> bytes | None:
    """Return a value as PostgreSQL reads it."""
    if value is None:
        return None
    written = str(value).encode()
    if b"\0" in written:
        raise psycopg.DataError("text cannot hold a NUL character")
    return written


_READ: dict[int, Callable[[bytes], Any]] = {
    psycopg.postgres.types[name].oid: read
    for read, names in (
        (int, ("int2", "int4", "int8")),
        (float, ("float4", "float8")),
        (orjson.loads, ("json", "jsonb")),
        (b"t".__eq__, ("bool",)),
    )
    for name in names
}
