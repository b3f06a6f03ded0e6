"""Shapes of what exports are asked for with, and of answers about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from app.api.models.queries import CatalogQuery
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.domain.jobs import Job
from app.services.exports import Written


class ExportRequest(CatalogQuery):
    """What is to be written: the parameters of /v1/catalog."""

    @property
    def kind(self) -> FileFormat:
        """The kind of file.

        Raises:
            ParameterError: none is named.
        """
        if self.file is None:
            raise ParameterError("format", "must be csv, parquet, arrow, jsonl, fits or votable: an export is a file")
        return self.file


class ExportFile(TypedDict):
    """A file that is written."""

    url: Annotated[str, Field(description="where it is; takes `Range`")]
    name: str
    format: str
    version: int
    rows: int
    bytes: int
    sha256: str


class ExportAnswer(TypedDict):
    """An export as it stands."""

    export: int
    state: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled")]
    reason: str | None
    created_at: datetime
    finished_at: datetime | None
    url: str
    job: Annotated[str, Field(description="the job that writes it")]
    file: Annotated[ExportFile | None, Field(description="null until it is written")]


def export_answer(job: Job, written: Written | None, base_url: str) -> ExportAnswer:
    """Return an export as it stands."""
    url = f"{base_url}/v1/exports/{job.job_id}"
    return {
        "export": job.job_id,
        "state": str(job.state),
        "reason": job.reason,
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "url": url,
        "job": f"{base_url}/v1/jobs/{job.job_id}",
        "file": None if written is None else _file(written, url),
    }


def _file(written: Written, url: str) -> ExportFile:
    return {
        "url": f"{url}/file",
        "name": written.path.name,
        "format": str(written.file),
        "version": written.version,
        "rows": written.rows,
        "bytes": written.size,
        "sha256": written.sha256,
    }
