"""Tables of users that are homogenized, as rows; and what a version knows of the stars in them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, delete, func, insert, text

from app.domain.errors import NotFoundError, TooManyRequestsError
from app.domain.jobs import JobState
from app.domain.quotas import Quota
from app.domain.user_surveys import Look, UserSurvey
from app.storage import bulk
from app.storage.engine import driver_connection
from app.storage.queries import queries
from app.storage.rendering import partition
from app.storage.statements import composed
from app.storage.tables import UserSurveyRow

Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]


def add(connection: Connection, token: str, job_id: int, client: str, look: Look, *, days: int) -> None:
    """Add a table that is kept for some days."""
    values = {"token": token, "job_id": job_id, "client": client, "look": look.as_mapping()}
    expires_at = func.now() + text("make_interval(days => :days)").bindparams(days=days)
    connection.execute(insert(UserSurveyRow).values(**values, expires_at=expires_at))


def insist_on_quota(connection: Connection, client: str, quota: Quota) -> None:
    """Insist that a client may have one more table; nobody else is counted until the caller's transaction ends.

    Raises:
        TooManyRequestsError: it has as many as it may, to be done or kept; says when the first of them goes.
    """
    connection.exec_driver_sql(_SQL["lock"])
    kept = connection.exec_driver_sql(_SQL["kept"], {"client": client}).all()
    waiting = sum(row.open for row in kept)
    if waiting >= quota.at_once:
        problem = f"{waiting} of your tables are being homogenized, and no more than {quota.at_once} may be at once"
        raise TooManyRequestsError(problem, retry_after_s=60)
    if len(kept) >= quota.kept:
        wait = max(int((kept[0].expires_at - kept[0].seen_at).total_seconds()), 1)
        problem = f"{len(kept)} of your tables are kept, and no more than {quota.kept} may be: DELETE one"
        raise TooManyRequestsError(problem, retry_after_s=wait)


def get(connection: Connection, token: str) -> UserSurvey:
    """Return a table.

    Raises:
        NotFoundError: there is no such table, or it is past its time.
    """
    row = connection.exec_driver_sql(_SQL["get"], {"token": token}).one_or_none()
    if row is None:
        raise NotFoundError("there is no such table: it was deleted, its time was over, or it never was")
    values = {key: value for key, value in row._mapping.items() if key in _FIELDS}  # noqa: SLF001 - SQLAlchemy's name
    return UserSurvey(**values | {"look": Look.from_mapping(values["look"]), "state": JobState(values["state"])})


def set_matches(connection: Connection, token: str, matches: dict[str, Any]) -> None:
    """Say how many rows of a table have found a star."""
    connection.exec_driver_sql(_SQL["set_matches"], {"token": token, "matches": Jsonb(matches)})


def set_results(connection: Connection, token: str, report: dict[str, Any], file: dict[str, Any]) -> None:
    """Keep the report about a table, and what is to be known of the file that comes back."""
    values = {"token": token, "report": Jsonb(report), "file": Jsonb(file)}
    connection.exec_driver_sql(_SQL["set_results"], values)


def remove(connection: Connection, token: str) -> None:
    """Forget a table."""
    connection.execute(delete(UserSurveyRow).where(UserSurveyRow.token == token))


def any_expired(connection: Connection) -> bool:
    """Return whether a table is past its time."""
    return bool(connection.exec_driver_sql(_SQL["any_expired"]).scalar_one())


def expired(connection: Connection) -> list[tuple[str, int]]:
    """Return token and job of every table past its time."""
    return [(row.token, row.job_id) for row in connection.exec_driver_sql(_SQL["expired"])]


def tokens(connection: Connection) -> set[str]:
    """Return the tokens of all tables."""
    return set(connection.exec_driver_sql(_SQL["tokens"]).scalars())


def contributions(connection: Connection, version: int, star_id: np.ndarray[Any, np.dtype[np.int64]]) -> Columns:
    """Return the measurements behind the combined values of some stars, in star order: split, weights, raw values."""
    calibrated = partition("calibrated", version)
    query = composed("user_surveys", "contributions", calibrated=calibrated, version=sql.Literal(version))
    return bulk.copy_out(connection, query.as_string(driver_connection(connection)), {"stars": star_id.tolist()})


_SQL = queries("user_surveys")
_FIELDS = frozenset(field.name for field in fields(UserSurvey))
