"""The database as its users see it."""

from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import text

from app.domain.errors import ConflictError, DatabaseError
from app.storage.engine import Database, driver_connection, driver_url


@pytest.mark.parametrize("spelling", ["postgresql://h/d", "postgres://h/d", "postgresql+psycopg://h/d"])
def test_every_usual_spelling_of_the_url_is_taken(spelling: str):
    assert driver_url(spelling) == "postgresql://h/d"


def test_another_kind_of_database_is_refused_by_name():
    with pytest.raises(DatabaseError, match="must start with postgresql://, got 'sqlite'"):
        driver_url("sqlite:///x.db")


def test_begin_commits_when_the_block_ends(database: Database):
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE note (body text)"))
        connection.execute(text("INSERT INTO note VALUES ('kept')"))
    with database.connect() as connection:
        assert connection.execute(text("SELECT body FROM note")).scalars().all() == ["kept"]


def test_begin_rolls_back_when_the_block_raises(database: Database):
    with pytest.raises(RuntimeError, match="half way"), database.begin() as connection:
        connection.execute(text("CREATE TABLE note (body text)"))
        raise RuntimeError("half way")
    with database.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('note')")).scalar() is None


def test_connect_commits_nothing(database: Database):
    with database.connect() as connection:
        connection.execute(text("CREATE TABLE note (body text)"))
    with database.connect() as connection:
        assert connection.execute(text("SELECT to_regclass('note')")).scalar() is None


def test_a_server_that_does_not_answer_is_a_database_error():
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseError, match="cannot be reached"), database.connect():
        pass


def test_a_lost_connection_is_a_database_error(database: Database):
    with pytest.raises(DatabaseError, match="stopped answering"), database.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


def test_a_broken_constraint_is_a_conflict(database: Database):
    with pytest.raises(ConflictError, match="refused the change"), database.begin() as connection:
        connection.execute(text("CREATE TABLE note (body text UNIQUE)"))
        connection.execute(text("INSERT INTO note VALUES ('twice'), ('twice')"))


def test_a_mistake_in_sql_stays_itself(database: Database):
    with pytest.raises(sqlalchemy.exc.ProgrammingError), database.connect() as connection:
        connection.execute(text("SELECT no_such_column"))


def test_copy_runs_in_the_same_transaction(database: Database):
    with database.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE note (body text)"))
        with driver_connection(connection).cursor().copy("COPY note FROM STDIN") as copy:
            copy.write_row(["copied"])
        assert connection.execute(text("SELECT body FROM note")).scalar() == "copied"
