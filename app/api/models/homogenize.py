"""Shapes of what tables are homogenized with, and of answers about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from app.api.models.conversion import ColumnsQuery
from app.api.models.queries import FileName
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.domain.jobs import JobState
from app.domain.matches import LARGEST_RADIUS_DEG
from app.domain.sky import parse_radius
from app.domain.user_surveys import UNNAMED, Look, UserSurvey, UserSurveyRequest

PLACES = ("ra", "dec", "id")


class HomogenizeQuery(ColumnsQuery):
    """How an uploaded table is homogenized."""

    radius: str | None = Field(
        None, description="radius around each position, in degrees unless `unit` says otherwise; without it ids match"
    )
    unit: Literal["deg", "arcmin", "arcsec"] = Field("deg", description="unit of the radius")
    ra: str | None = Field(None, description="name of the column of right ascensions; found by UCD or name if left out")
    dec: str | None = Field(None, description="name of the column of declinations; found by UCD or name if left out")
    id: str | None = Field(None, description="name of the column of identifiers; found by name if left out")
    name: str = Field(UNNAMED, min_length=1, max_length=60, description="what you call the table")
    format: FileName | None = Field(None, description="kind of file to return; that of the upload if left out")
    dry_run: bool = Field(False, description="only say what is understood of the table, and do nothing")

    @property
    def request(self) -> UserSurveyRequest:
        """The request.

        Raises:
            ParameterError: a parameter has no usable value, or does not go together with another.
        """
        radius = None if self.radius is None else parse_radius(self.radius, self.unit, LARGEST_RADIUS_DEG)
        for name, value in (("ra", self.ra), ("dec", self.dec)):
            if value is not None and radius is None:
                raise ParameterError("radius", f"is missing: {name}= names a column of positions")
        if self.id is not None and radius is not None:
            raise ParameterError("id", "matches identifiers; leave out the radius")
        places = {role: getattr(self, role) for role in PLACES if getattr(self, role) is not None}
        return UserSurveyRequest(
            name=self.name,
            columns=places | self.named,
            radius=radius,
            file=None if self.format is None else FileFormat(self.format),
            version=self.number,
        )


class TakenColumnAnswer(TypedDict):
    """A column, and what it is taken for."""

    role: Annotated[str, Field(description="id, ra, dec, teff, logg, feh, teff_err ... snr, g_mag, k_mag")]
    column: str
    found: Annotated[str, Field(description="`given`, `UCD` or `name`")]
    unit: Annotated[str | None, Field(description="that the table gives")]
    understood_as: Annotated[str | None, Field(description="unit in which the values are taken")]
    rows: Annotated[int, Field(description="that have it")]


class LookAnswer(TypedDict):
    """What is understood of a table."""

    version: Annotated[int, Field(description="of the catalogue, and of the plan by which the table is fitted")]
    name: str
    sha256: Annotated[str, Field(description="of the file that came")]
    came_as: str
    format: Annotated[str, Field(description="kind of file that goes back")]
    rows: int
    by: Annotated[str, Field(description="how stars are found: `positions` or `identifiers`")]
    radius_arcsec: float | None
    columns: list[TakenColumnAnswer]
    unused: Annotated[list[str], Field(description="the other columns, which come back as they are")]
    usable: Annotated[int, Field(description="rows with Teff, log g and [Fe/H] of a star")]
    refused: Annotated[dict[str, int], Field(description="the other rows, by reason")]
    findable: Annotated[int, Field(description="rows with a position or an identifier that can be read")]


class RepeatsAnswer(TypedDict):
    """A survey of the catalogue whose values the table repeats."""

    survey: str
    rows: Annotated[int, Field(description="linked rows of stars of the survey")]
    identical: Annotated[int, Field(description="of these with the survey's own values")]


class MatchesAnswer(TypedDict):
    """How many rows have found a star."""

    rows: int
    usable: int
    matched: int
    ambiguous: Annotated[int, Field(description="rows with several stars within the radius: none of them is a link")]
    linked: Annotated[int, Field(description="rows whose star ties the table to the catalogue")]
    stars: Annotated[int, Field(description="different stars among these")]
    stars_by_split: dict[str, int]
    median_separation_arcsec: float | None
    repeats: list[RepeatsAnswer]


class HomogenizedFileAnswer(TypedDict):
    """The table as it comes back."""

    url: Annotated[str, Field(description="where it is; takes `Range`")]
    name: str
    format: str
    rows: int
    bytes: int
    sha256: str


class HomogenizeAnswer(TypedDict):
    """A table that is homogenized, as it stands."""

    id: Annotated[str, Field(description="who has it has the table: it cannot be guessed")]
    state: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled")]
    stage: Annotated[str | None, Field(description="match or calibrate")]
    done: int | None
    total: int | None
    reason: Annotated[str | None, Field(description="why it failed, and what would help")]
    created_at: datetime
    finished_at: datetime | None
    expires_at: Annotated[datetime, Field(description="when everything that there is of the table is removed")]
    url: str
    job: Annotated[str, Field(description="the job that does it")]
    table: LookAnswer
    matches: Annotated[MatchesAnswer | None, Field(description="null until the rows have been matched")]
    results: Annotated[
        dict[str, Any] | None, Field(description="by parameter: model and why, held-out offsets, coverage; then null")
    ]
    warnings: Annotated[list[str] | None, Field(description="null until there is a report")]
    report: Annotated[str | None, Field(description="where the whole report is, null until there is one")]
    file: Annotated[HomogenizedFileAnswer | None, Field(description="null until it is written")]


def look_answer(look: Look) -> LookAnswer:
    """Return what is understood of a table."""
    return {
        "version": look.version,
        "name": look.name,
        "sha256": look.sha256,
        "came_as": look.came_as,
        "format": look.format,
        "rows": look.rows,
        "by": look.by,
        "radius_arcsec": None if look.radius is None else round(look.radius * 3600, 6),
        "columns": [
            {
                "role": column.role,
                "column": column.column,
                "found": column.found,
                "unit": column.unit,
                "understood_as": column.ours,
                "rows": column.known,
            }
            for column in look.columns
        ],
        "unused": list(look.unused),
        "usable": look.usable,
        "refused": look.refused,
        "findable": look.findable,
    }


def homogenize_answer(found: UserSurvey, base_url: str) -> HomogenizeAnswer:
    """Return a table as it stands."""
    url = f"{base_url}/v1/homogenize/{found.token}"
    there = found.state is JobState.SUCCEEDED and found.report is not None
    report: dict[str, Any] = found.report or {}
    matches: Any = found.matches
    return {
        "id": found.token,
        "state": str(found.state),
        "stage": found.stage,
        "done": found.done,
        "total": found.total,
        "reason": found.reason,
        "created_at": found.created_at,
        "finished_at": found.finished_at,
        "expires_at": found.expires_at,
        "url": url,
        "job": f"{base_url}/v1/jobs/{found.job_id}",
        "table": look_answer(found.look),
        "matches": matches,
        "results": {name: _short(part) for name, part in report["parameters"].items()} if there else None,
        "warnings": report["warnings"] if there else None,
        "report": f"{url}/report" if there else None,
        "file": _file(found.file, url) if there and found.file is not None else None,
    }


def _short(part: dict[str, Any]) -> dict[str, Any]:
    """Return what the report says of a parameter without its bins and the figures of the fit."""
    held_out, coverage = part["held_out"], part["coverage"]
    return {
        **{key: part[key] for key in ("unit", "model", "why", "learnt_from_stars", "median_correction", "errors")},
        "held_out": held_out and {key: value for key, value in held_out.items() if not key.startswith("bins")},
        "coverage": coverage and coverage["overall"],
    }


def _file(kept: dict[str, Any], url: str) -> HomogenizedFileAnswer:
    return {
        "url": f"{url}/file",
        "name": kept["name"],
        "format": kept["format"],
        "rows": kept["rows"],
        "bytes": kept["bytes"],
        "sha256": kept["sha256"],
    }
