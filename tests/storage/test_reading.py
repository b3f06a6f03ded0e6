"""Connections that only read."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from app.domain.errors import DatabaseError, InputError, UnavailableError
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS, SHORT_OPTIONS, Reader


def read(database: Database, *statements: str, **parameters: object) -> list[dict]:
    """Run statements one after the other on one connection; return the rows of the last."""

    async def run() -> list[dict]:
        reader = Reader(database.url, size=1, patience_s=1)
        await reader.open()
        try:
            for statement in statements:
                rows = await reader.rows(statement, parameters)
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


def test_a_connection_that_the_server_ended_is_replaced(database: Database):
    assert read(database, "SELECT 1 AS one", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE false") == []

    async def run() -> list[dict]:
        reader = Reader(database.url, size=1)
        await reader.open()
        [row] = await reader.rows("SELECT pg_backend_pid() AS pid", {})
        with database.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_terminate_backend({row['pid']})")
        try:
            return await reader.rows("SELECT 2 AS two", {})
        finally:
            await reader.close()

    assert asyncio.run(run()) == [{"two": 2}]


def test_a_server_that_is_not_there_is_a_database_error():
    with pytest.raises((DatabaseError, UnavailableError)):
        read(Database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"), "SELECT 1")
