"""Connections for reading alone: an asynchronous pool for short statements, single connections for long answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool

from app.domain.errors import DatabaseError
from app.storage.engine import driver_url, meaning

SHORT_READ_S = 30
WAIT_FOR_CONNECTION_S = 10.0
# Planning is most of a cone search, so a plan is made once; a generic plan that goes parallel would cost 6 ms a search.
SHORT_OPTIONS = (
    "-c timezone=UTC -c jit=off -c default_transaction_read_only=on -c plan_cache_mode=force_generic_plan"
    f" -c max_parallel_workers_per_gather=0 -c statement_timeout={SHORT_READ_S}s"
)
# A table of a version is read from its first block on, so that a file has the same order every time.
LONG_OPTIONS = "-c timezone=UTC -c jit=off -c default_transaction_read_only=on -c synchronize_seqscans=off"

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]


class Reader:
    """A pool of read-only connections for statements that take milliseconds, each of one snapshot."""

    def __init__(self, url: str, *, size: int, patience_s: float = WAIT_FOR_CONNECTION_S) -> None:
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] = AsyncConnectionPool(
            driver_url(url),
            min_size=min(size, 2),
            max_size=size,
            kwargs={"autocommit": True, "options": SHORT_OPTIONS, "row_factory": dict_row},
            timeout=patience_s,
            configure=_configure,
            name="short reads",
            open=False,
        )

    async def open(self) -> None:
        """Start to connect; a server that cannot be reached yet is tried again in the background."""
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def rows(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        """Return the rows of a statement, prepared on its first use on each connection.

        Raises:
            UnavailableError: it takes too long, or no connection becomes free.
            DatabaseError: the server cannot be reached.
        """
        try:
            return await self._rows(statement, parameters)
        except DatabaseError:
            # After a restart of the server every pooled connection is dead: drop those, and ask once more.
            await self._pool.check()
            return await self._rows(statement, parameters)

    async def _rows(self, statement: str, parameters: Mapping[str, object]) -> list[Row]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement.encode(), parameters, prepare=True)
                return await cursor.fetchall()
        except (psycopg.OperationalError, psycopg.DataError) as error:
            raise meaning(error) from error


async def _configure(connection: psycopg.AsyncConnection[Row]) -> None:
    set_json_loads(orjson.loads, connection)
