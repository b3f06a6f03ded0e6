"""Surveys, the files taken into them, and their rejected rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import UnknownSurveyError
from app.domain.surveys import Ingestion, Reject, Survey
from app.storage.queries import queries


def lock(connection: Connection, name: str) -> None:
    """Keep every other transaction from ingesting into a survey until this one ends."""
    connection.exec_driver_sql(queries("surveys")["lock_survey"], {"name": name})


def ensure(connection: Connection, descriptor: SurveyDescriptor) -> int:
    """Return the number of a descriptor's survey, which is added where it is new; the caller holds its `lock`."""
    values = {key: getattr(descriptor, key) for key in ("name", "title", "release", "citation", "url")}
    return int(connection.exec_driver_sql(queries("surveys")["add_survey"], values).scalar_one())


def list_all(connection: Connection) -> list[Survey]:
    """Return every survey with its counts, by name."""
    rows = connection.exec_driver_sql(queries("surveys")["surveys"], {"name": None})
    return [Survey(*row) for row in rows]


def get(connection: Connection, name: str) -> Survey:
    """Return a survey with its counts.

    Raises:
        UnknownSurveyError: nothing was ever ingested under this name.
    """
    row = connection.exec_driver_sql(queries("surveys")["surveys"], {"name": name}).one_or_none()
    if row is None:
        names = ", ".join(survey.name for survey in list_all(connection)) or "none yet"
        raise UnknownSurveyError(f"no survey {name!r} has been ingested; there is {names}")
    return Survey(*row)


def ingestions(connection: Connection, name: str, *, file_sha256: str | None = None) -> list[Ingestion]:
    """Return the files taken into a survey and not replaced, oldest first; only those of one content if asked."""
    parameters = {"name": name, "file_sha256": file_sha256}
    return [Ingestion(*row) for row in connection.exec_driver_sql(queries("surveys")["ingestions"], parameters)]


def add_ingestion(
    connection: Connection,
    survey_id: int,
    descriptor: SurveyDescriptor,
    *,
    file_name: str,
    file_sha256: str,
    file_bytes: int,
    file_format: str,
) -> int:
    """Open the record of a file and return its number."""
    values = {
        "survey_id": survey_id,
        "file_name": file_name,
        "file_sha256": file_sha256,
        "file_bytes": file_bytes,
        "file_format": file_format,
        "descriptor": Jsonb(descriptor.as_dict()),
        "descriptor_sha256": descriptor.sha256,
    }
    return int(connection.exec_driver_sql(queries("surveys")["add_ingestion"], values).scalar_one())


def finish_ingestion(connection: Connection, ingestion_id: int, *, rows_stored: int, rows_rejected: int) -> None:
    """Write down how many rows of a file are stored and rejected."""
    values = {"ingestion_id": ingestion_id, "rows_stored": rows_stored, "rows_rejected": rows_rejected}
    connection.exec_driver_sql(queries("surveys")["finish_ingestion"], values)


def supersede(connection: Connection, ingestion_ids: Sequence[int]) -> None:
    """Put files aside: their measurements are not present any more, their rejects are forgotten.

    The rows themselves stay until `measurements.purge_superseded` finds that nothing needs them.
    """
    connection.exec_driver_sql(queries("surveys")["supersede"], {"ingestion_ids": list(ingestion_ids)})


def add_rejects(
    connection: Connection,
    survey_id: int,
    ingestion_id: int,
    *,
    row_numbers: np.ndarray[tuple[int], np.dtype[np.int64]],
    reasons: pa.Array,
    originals: pa.Array,
) -> int:
    """Keep rows (n,) that cannot be measurements: their places, why, and their values as JSON."""
    from app.storage.bulk import copy_in  # noqa: PLC0415 - compiled code, which services that only read never load

    count = len(row_numbers)
    columns = {
        "ingestion_id": np.full(count, ingestion_id),
        "row_number": row_numbers,
        "survey_id": np.full(count, survey_id),
        "reason": reasons,
        "original": originals,
    }
    return copy_in(connection, "reject", columns) if count else 0


def rejects(connection: Connection, name: str, *, limit: int = 100, after: tuple[int, int] = (0, 0)) -> list[Reject]:
    """Return rejected rows of a survey by file and row.

    Args:
        connection: to read from.
        name: of the survey.
        limit: how many at most.
        after: ingestion and row number of the last one that was seen.
    """
    parameters = {"name": name, "limit": limit, "after_ingestion": after[0], "after_row": after[1]}
    return [Reject(*row) for row in connection.exec_driver_sql(queries("surveys")["rejects"], parameters)]


def reject_reasons(connection: Connection, name: str) -> dict[str, int]:
    """Return how many rows of a survey were rejected, by reason, most first."""
    rows = connection.exec_driver_sql(queries("surveys")["reject_reasons"], {"name": name})
    return {row.reason: row.n_rows for row in rows}
