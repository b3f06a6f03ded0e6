"""Connections that only read."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.domain.errors import DatabaseError, InputError, UnavailableError
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, SHORT_OPTIONS, Reader, Statement


def read(database: Database, *statements: str, **parameters: object) -> list[dict]:
    """Run statements one after the other on one connection; return the rows of the last."""

    async def run() -> list[dict]:
        reader = Reader(database.url, size=1, patience_s=1)
        try:
            for statement in statements:
                rows = await reader.rows(Statement.of(statement), parameters)
            return rows
        finally:
            await reader.close()

    return asyncio.run(run())


def test_rows_come_by_name(database: Database):
    assert read(database, "SELECT %(n)s::bigint AS n, '{\"a\": [1]}'::json AS j", n=2**62) == [
        {"n": 2**62, "j": {"a": [1]}}
    ]


def test_nothing_can_be_written(database: Database):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        read(database, "CREATE TABLE note ()")
    for options in (SHORT_OPTIONS, LONG_OPTIONS):
        other = Database(database.url, options=options)
        with pytest.raises(Exception, match="read-only transaction"), other.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE note ()")
        other.dispose()


def test_one_plan_is_made_per_statement_and_none_in_parallel(database: Database):
    for name, value in {
        "plan_cache_mode": "force_generic_plan",
        "max_parallel_workers_per_gather": "0",
        "statement_timeout": "30s",
    }.items():
        assert read(database, f"SHOW {name}") == [{name: value}]


def test_an_answer_that_takes_too_long_is_said_so(database: Database):
    with pytest.raises(UnavailableError, match="ask for less"):
        read(database, "SELECT set_config('statement_timeout', '20', false)", "SELECT pg_sleep(5)")


def test_a_value_that_no_column_holds_is_bad_input(database: Database):
    with pytest.raises(InputError, match="cannot take a value"):
        read(database, "SELECT %(name)s::text", name="a\x00b")


def test_connections_that_the_server_ended_are_replaced(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=3)
        ask = Statement.of("SELECT pg_backend_pid() AS pid, pg_sleep(0.05)::text")
        first = {row["pid"] for rows in await asyncio.gather(*(reader.rows(ask, {}) for _ in range(3))) for row in rows}
        assert len(first) == 3
        with database.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        second = {
            row["pid"] for rows in await asyncio.gather(*(reader.rows(ask, {}) for _ in range(6))) for row in rows
        }
        assert not first & second
        await reader.close()

    asyncio.run(run())


def test_a_reader_who_goes_away_leaves_the_others_what_is_theirs(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=1)
        ask = Statement.of("SELECT %(n)s::int AS n, pg_sleep(%(s)s::float8)::text")
        for n in range(20):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.rows(ask, {"n": -n, "s": 0.5}), 0.01)
            [row] = await reader.rows(ask, {"n": n, "s": 0})
            assert row["n"] == n
        await reader.close()

    asyncio.run(run())


def test_a_statement_that_fails_leaves_the_connection_in_use(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=1)
        pid, divide = Statement.of("SELECT pg_backend_pid() AS pid"), Statement.of("SELECT 1 / %(n)s::int AS n")
        before = await reader.rows(pid, {})
        with pytest.raises(InputError, match="division by zero"):
            await reader.rows(divide, {"n": 0})
        with pytest.raises(psycopg.errors.UndefinedTable):
            await reader.rows(Statement.of("SELECT * FROM nothing"), {})
        assert await reader.rows(divide, {"n": 1}) == [{"n": 1}]
        assert await reader.rows(pid, {}) == before
        await reader.close()

    asyncio.run(run())


def test_whoever_waits_too_long_for_a_connection_is_told(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=1, patience_s=0.05)
        sleep = Statement.of("SELECT pg_sleep(0.5)::text")
        busy = asyncio.ensure_future(reader.rows(sleep, {}))
        await asyncio.sleep(0.1)
        with pytest.raises(UnavailableError, match="busy"):
            await reader.rows(sleep, {})
        assert len(await busy) == 1
        assert len(await reader.rows(sleep, {})) == 1
        await reader.close()

    asyncio.run(run())


def test_those_who_wait_are_served_in_the_order_in_which_they_came(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=1, patience_s=5)
        ask = Statement.of("SELECT %(n)s::int AS n, pg_sleep(%(s)s::float8)::text")
        served: list[int] = []

        async def wait(n: int) -> None:
            served.extend(row["n"] for row in await reader.rows(ask, {"n": n, "s": 0.2 if n == 0 else 0}))

        waiting = [asyncio.ensure_future(wait(n)) for n in range(6)]
        await asyncio.sleep(0.1)
        assert (reader.use.in_use, reader.use.waiting) == (1, 5)
        waiting[3].cancel()  # whoever goes away holds up nobody
        await asyncio.wait(waiting)
        assert served == [0, 1, 2, 4, 5]
        assert (reader.use.in_use, reader.use.waiting) == (0, 0)
        await reader.close()

    asyncio.run(run())


def test_a_turn_that_comes_to_someone_who_has_just_gone_is_handed_on(database: Database):
    async def run() -> None:
        reader = Reader(database.url, size=1, patience_s=5)
        ask = Statement.of("SELECT pg_sleep(%(s)s::float8)::text")
        busy = asyncio.ensure_future(reader.rows(ask, {"s": 0.1}))
        await asyncio.sleep(0.05)
        gone, next_one = (asyncio.ensure_future(reader.rows(ask, {"s": 0})) for _ in range(2))
        busy.add_done_callback(lambda _: gone.cancel())  # it has its turn, but has not begun
        assert len(await next_one) == 1
        assert gone.cancelled()
        assert (reader.use.in_use, reader.use.waiting) == (0, 0)
        await reader.close()

    asyncio.run(run())


def test_a_long_question_is_sent_whole(database: Database):
    assert read(database, "SELECT length(%(long)s::text) AS n", long="y" * 20_000_000) == [{"n": 20_000_000}]


def test_a_long_answer_arrives_whole(database: Database):
    [row] = read(
        database, "SELECT repeat('x', 5000000) AS long, NULL::text AS nothing, true AS yes, 1.5::real AS number"
    )
    assert row == {"long": "x" * 5_000_000, "nothing": None, "yes": True, "number": 1.5}


def test_a_server_that_is_not_there_is_a_database_error():
    with pytest.raises(DatabaseError, match="cannot be reached"):
        read(Database("postgresql://nobody@127.0.0.1:1/nothing"), "SELECT 1")
