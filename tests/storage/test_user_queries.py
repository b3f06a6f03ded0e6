"""A user's query reads and does nothing else, even if SQL of any kind should reach the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import pq
from sqlalchemy import text

from app.domain.errors import DatabaseError, QueryError
from app.domain.fields import Datatype, Field
from app.storage import reader_role, user_queries
from app.storage.engine import Database
from app.storage.reading import LONG_OPTIONS
from app.storage.user_queries import Upload
from tests.support import catalogue


@pytest.fixture(scope="module")
def filled(server_url: str, template: str) -> Iterator[Database]:
    """A database with a catalogue that no test can change."""
    from tests.support import servers

    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database)
        yield database


def run(database: Database, query: str, *uploads: Upload, columns: int = 1) -> int:
    """Hand SQL to the database as if it had been made from ADQL; return the number of rows."""
    reading = Database(database.url, options=LONG_OPTIONS, size=1)
    fields = [Field(f"c{place}") for place in range(columns)]
    try:
        with (
            user_queries.session(reading, uploads, seconds=5) as session,
            session.answer(query, fields, limit=10) as answer,
        ):
            return sum(block.positions.shape[1] for block in answer.blocks)
    finally:
        reading.dispose()


COUNTED = ("star", "homogenized", "survey", "pg_class", "pg_roles", "pg_largeobject_metadata")
UPLOAD = Upload("mine", (Field("a", Datatype.INT),), {"a": np.arange(3)})

FORBIDDEN = [
    "DROP TABLE star",
    "DELETE FROM star",
    "DELETE FROM homogenized_1 RETURNING star_id",
    "UPDATE survey SET title = 'x' RETURNING 1",
    "INSERT INTO survey (name, title, release, citation) VALUES ('x', 'x', 'x', 'x') RETURNING 1",
    "TRUNCATE homogenized",
    "CREATE TABLE x (a int)",
    "CREATE TEMP TABLE x (a int)",
    "CREATE ROLE x",
    "ALTER ROLE sos_reader SUPERUSER",
    "GRANT sos_reader TO public",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/sos-was-here'",
    "COPY (SELECT 1) TO '/tmp/sos-was-here'",
    "COMMIT",
    "ROLLBACK",
    "RESET ROLE",
    "SET ROLE NONE",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET TRANSACTION READ WRITE",
    "DO 'BEGIN DELETE FROM star; END'",
    "SELECT 1; DROP TABLE star",
    "COMMIT; DROP TABLE star",
    "SELECT 1) AS answer (c0)) TO STDOUT; DROP TABLE star; --",
    "WITH gone AS (DELETE FROM star RETURNING star_id) SELECT star_id FROM gone",
    "SELECT star_id FROM homogenized FOR UPDATE",
    "SELECT nextval('star_number')",
    "SELECT setval('star_number', 1)",
    "SELECT lo_create(0)::bigint",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('.')",
    "SELECT query_to_xml('DELETE FROM star', true, true, '')::text",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "SELECT set_config('role', 'none', true) || query_to_xml('DELETE FROM star', true, true, '')::text",
    "SELECT set_config('role', 'none', true) || query_to_xml('SELECT nextval(''star_number'')', true, true, '')::text",
    "SELECT rolpassword FROM pg_authid",
    "SELECT content::text FROM artifact",
    "SELECT plan::text FROM version",
    "SELECT file_name FROM ingestion",
    "SELECT star_id FROM star",
    "SELECT id FROM jobs.procrastinate_jobs",
    "SELECT job_id FROM tap_job",
    "SELECT star_id FROM homogenized_1",
    'SELECT "TEFF" FROM raw.gamma',
]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_nothing_but_reading_the_served_tables_is_possible(filled: Database, query: str):
    before = contents(filled)
    for uploads in ((), (UPLOAD,)):
        with pytest.raises((QueryError, DatabaseError)):
            run(filled, query, *uploads)
    assert contents(filled) == before


@pytest.mark.parametrize("query", [one for one in FORBIDDEN if one.split()[0] not in {"COMMIT", "ROLLBACK", "COMMIT;"}])
def test_the_transaction_itself_can_neither_write_nor_read_more(filled: Database, query: str):
    """Whatever runs in it, wrapped in nothing: a second statement is refused, and giving up the role leads nowhere."""
    before = contents(filled)
    reading = Database(filled.url, options=LONG_OPTIONS, size=1)
    with user_queries.session(reading, (), seconds=5) as session:
        libpq = session._driver.pgconn
        results = [libpq.exec_params(one.encode(), []) for one in (query, "DELETE FROM star", "CREATE TABLE x (a int)")]
        assert all(result.status == pq.ExecStatus.FATAL_ERROR for result in results[1:])
        if not query.startswith(("RESET", "SET ROLE", "SET SESSION")):
            assert results[0].status == pq.ExecStatus.FATAL_ERROR
    reading.dispose()
    assert contents(filled) == before
    assert not Path("/tmp/sos-was-here").exists()


def contents(database: Database) -> tuple[object, ...]:
    with database.connect() as connection:
        counts = [connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in COUNTED]
        return (*counts, connection.execute(text("SELECT last_value FROM star_number")).scalar_one())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT star_id FROM homogenized WHERE version_id = 1",
        "SELECT teff FROM calibrated",
        "SELECT object_id FROM measurement",
        "SELECT name FROM survey",
        "SELECT state FROM version",
        "SELECT star_id FROM homogenized WHERE q3c_radial_query(ra, dec, 1, 2, 180)",
    ],
)
def test_the_served_tables_can_be_read(filled: Database, query: str):
    assert run(filled, query) > 0


def test_an_upload_is_there_for_its_query_alone(filled: Database):
    assert run(filled, 'SELECT a FROM pg_temp."tap_upload_mine"', UPLOAD) == 3
    with pytest.raises(QueryError, match="does not exist"):
        run(filled, 'SELECT a FROM pg_temp."tap_upload_mine"')


def test_a_user_who_may_not_make_the_role_is_told_what_a_superuser_does(empty_database: Database, server_url: str):
    name = empty_database.url.rsplit("/", 1)[1].split("?")[0]
    user = f"{name}_user"
    with psycopg.connect(empty_database.url, autocommit=True) as admin:
        admin.execute(f'CREATE ROLE "{user}" NOLOGIN')
        try:
            with empty_database.begin() as connection:
                connection.execute(text(f'SET LOCAL ROLE "{user}"'))
                with pytest.raises(DatabaseError, match="CREATE ROLE sos_reader NOLOGIN; GRANT sos_reader TO"):
                    reader_role.install(connection)
        finally:
            admin.execute(f'DROP ROLE "{user}"')
