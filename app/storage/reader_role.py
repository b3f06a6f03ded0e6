"""The role that users' own queries run under: it may read the served tables and do nothing else.

Nobody logs in as this role: a transaction of the service takes it on before it runs what a user wrote. Roles belong to
the whole server, so several databases share one.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from app.domain.errors import DatabaseError
from app.storage.engine import driver_connection
from app.storage.statements import composed

ROLE = "sos_reader"
_NAME = sql.Identifier(ROLE)
_ATTEMPTS = 5
_MISSING = (
    "the database user {user} may not create the role that users' queries are read with; a superuser runs, once for "
    "the server: CREATE ROLE {role} NOLOGIN; GRANT {role} TO {user}"
)


def install(connection: Connection) -> None:
    """Make the role where the server has none, and let it read this database's served tables.

    Another database of the same server may make or drop the role at the same moment: then once more.

    Raises:
        DatabaseError: the user may not create roles, and nobody has made this one; the message says what to do.
    """
    driver = driver_connection(connection)
    for attempt in range(_ATTEMPTS):
        try:
            with driver.transaction():
                ensure(driver)
                driver.execute(composed("served", "grants", role=_NAME))
        except (psycopg.errors.UndefinedObject, psycopg.errors.UniqueViolation, psycopg.errors.InternalError):
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def uninstall(connection: Connection) -> None:
    """Take back what `install` gave in this database, and drop the role where no other database needs it."""
    driver = driver_connection(connection)
    if not _exists(driver):
        return
    driver.execute(composed("served", "revokes", role=_NAME))
    try:
        with driver.transaction():
            driver.execute(sql.SQL("DROP ROLE {}").format(_NAME))
    except (
        psycopg.errors.DependentObjectsStillExist,
        psycopg.errors.InsufficientPrivilege,
        psycopg.errors.UndefinedObject,
    ):
        return


def ensure(driver: psycopg.Connection[Any]) -> None:
    """Make the role where the server has none, and let this user take it on; a dump is restored only where it is.

    Raises:
        DatabaseError: the user may not, and nobody has done it; the message says what to do.
    """
    if not _exists(driver):
        try:
            with driver.transaction():
                driver.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(_NAME))
        except psycopg.errors.DuplicateObject:
            pass
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(_missing(driver)) from error
    if not _says(driver, "SELECT pg_has_role(current_user, %s, 'MEMBER')"):
        try:
            with driver.transaction():
                driver.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(_NAME))
        except psycopg.errors.InsufficientPrivilege as error:
            raise DatabaseError(_missing(driver)) from error


def _exists(driver: psycopg.Connection[Any]) -> bool:
    return _says(driver, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)")


def _says(driver: psycopg.Connection[Any], question: str) -> bool:
    row = driver.execute(question.encode(), [ROLE]).fetchone()
    return row is not None and bool(row[0])


def _missing(driver: psycopg.Connection[Any]) -> str:
    return _MISSING.format(user=driver.info.user, role=ROLE)
