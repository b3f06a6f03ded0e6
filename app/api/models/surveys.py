"""Shapes of answers about surveys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from app.domain.surveys import Ingestion, Survey


class SurveyAnswer(TypedDict):
    """A survey and how much of it is in."""

    name: str
    title: str
    release: str
    citation: str
    url: str | None
    n_files: int
    n_measurements: int
    n_rejects: int
    n_stars: Annotated[int | None, Field(description="stars of the version that it measured; null before the first")]


class IngestionAnswer(TypedDict):
    """A file that was taken in: `rows_read = rows_stored + rows_rejected`."""

    file_name: str
    file_sha256: str
    file_bytes: int
    file_format: str
    descriptor_sha256: str
    rows_read: int
    rows_stored: int
    rows_rejected: int
    started_at: datetime
    finished_at: datetime


class SurveyDetail(SurveyAnswer):
    """A survey with its files and its overlaps."""

    version: int | None
    overlaps: Annotated[dict[str, int] | None, Field(description="stars in common with each other survey")]
    ingestions: list[IngestionAnswer]


class SurveyList(TypedDict):
    """Every survey."""

    version: int | None
    surveys: list[SurveyAnswer]


def survey_answer(survey: Survey, n_stars: int | None) -> SurveyAnswer:
    """Return the answer that describes a survey."""
    return {
        "name": survey.name,
        "title": survey.title,
        "release": survey.release,
        "citation": survey.citation,
        "url": survey.url,
        "n_files": survey.n_files,
        "n_measurements": survey.n_rows,
        "n_rejects": survey.n_rejects,
        "n_stars": n_stars,
    }


def ingestion_answer(ingestion: Ingestion) -> IngestionAnswer:
    """Return the answer that describes an ingested file."""
    return {
        "file_name": ingestion.file_name,
        "file_sha256": ingestion.file_sha256,
        "file_bytes": ingestion.file_bytes,
        "file_format": ingestion.file_format,
        "descriptor_sha256": ingestion.descriptor_sha256,
        "rows_read": ingestion.rows_read,
        "rows_stored": ingestion.rows_stored,
        "rows_rejected": ingestion.rows_rejected,
        "started_at": ingestion.started_at,
        "finished_at": ingestion.finished_at,
    }
