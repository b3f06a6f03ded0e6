"""Shapes of what exports are asked for with, and of answers about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from app.api.models.queries import CatalogQuery
from app.domain.files import ExportFormat
from app.domain.jobs import Job
from app.services.exports import Written

ExportName: TypeAlias = Literal["csv", "parquet", "arrow", "jsonl", "fits", "votable", "hats"]


NUMBERS_OR_TEXTS = ("version", "ra", "dec", "radius")


def _with_numbers(schema: dict[str, Any]) -> None:
    """Say that JSON may have numbers where a URL knows texts alone."""
    for name in NUMBERS_OR_TEXTS:
        for kind in schema["properties"][name].get("anyOf", [schema["properties"][name]]):
            if kind["type"] == "string":
                kind["type"] = ["string", "number"]


class ExportRequest(CatalogQuery):
    """What is to be written: the parameters of /v1/catalog but those of its pages."""

    model_config = ConfigDict(coerce_numbers_to_str=True, json_schema_extra=_with_numbers)

    format: ExportName = Field(  # type: ignore[assignment]  # an export is no page, and may be a folder
        description="kind of file; `hats` is a HATS folder, packed into a zip file and readable file by file as well"
    )

    @property
    def kind(self) -> ExportFormat:
        """What it is to be.

        Raises:
            ParameterError: a page is asked for.
        """
        self.refuse_pages()
        return ExportFormat(self.format)


class ExportFile(TypedDict):
    """A file that is written."""

    url: Annotated[str, Field(description="where it is; takes `Range`")]
    name: str
    format: str
    version: int
    rows: int
    bytes: int
    sha256: str
    folder: Annotated[str | None, Field(description="of a HATS folder: where its files are, each under its name")]


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
        "format": str(written.form),
        "version": written.version,
        "rows": written.rows,
        "bytes": written.size,
        "sha256": written.sha256,
        "folder": f"{url}/hats" if written.form is ExportFormat.HATS else None,
    }
