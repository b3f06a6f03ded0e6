"""Tables of users that are put on the unified scale as if they were surveys: what is asked, and what is understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from app.domain.columns import Column, Kind
from app.domain.conversions import ROLES, UNIFIED, converted_columns
from app.domain.files import FileFormat
from app.domain.jobs import JobState
from app.domain.matches import CANDIDATES, SEPARATION

POSITIONS, IDENTIFIERS = "positions", "identifiers"
UNNAMED = "table"

STAR = Column("star_id", Kind.ID, "Number of the star in the version that was used", None, "meta.id.cross")
SPLIT = Column("split", Kind.TEXT, "Part of the star: train, conformalize or test", None, "meta.code")
REASON = Column("reason", Kind.TEXT, "Why there is no calibrated value", None, "meta.note")


@dataclass(frozen=True)
class TakenColumn:
    """A column of a table, and what it is taken for.

    Attributes:
        role: what it holds: id, ra, dec, teff ... k_mag.
        column: its name.
        found: how it was told from the others: `given`, `UCD` or `name`.
        unit: the unit that the table gives, None where it gives none.
        ours: the unit in which it is understood, None for none.
        known: rows that have it.
    """

    role: str
    column: str
    found: str
    unit: str | None
    ours: str | None
    known: int


@dataclass(frozen=True)
class UserSurveyRequest:
    """How a table is to be homogenized.

    Attributes:
        name: what its user calls it.
        columns: names of columns by what they hold, where they are given and not to be found.
        radius: degrees around positions; None matches identifiers.
        file: the kind of file to return; None for the kind that came.
        version: of the catalogue and its plan; None for the published one.
    """

    name: str = UNNAMED
    columns: Mapping[str, str] | None = None
    radius: float | None = None
    file: FileFormat | None = None
    version: int | None = None


@dataclass(frozen=True)
class Look:
    """What is understood of a table before anything is done with it.

    Attributes:
        version: of the catalogue and its plan.
        name: what its user calls it.
        sha256: of the file.
        came_as: the kind of file that came.
        format: the kind of file that goes back.
        rows: of the table.
        by: how stars are found, by `positions` or `identifiers`.
        radius: degrees, None for identifiers.
        columns: what was taken for what.
        unused: the other columns, which come back as they are.
        usable: rows with Teff, log g and [Fe/H] of a star.
        refused: the other rows, by reason.
        findable: rows with a position or an identifier that can be read.
    """

    version: int
    name: str
    sha256: str
    came_as: str
    format: str
    rows: int
    by: str
    radius: float | None
    columns: tuple[TakenColumn, ...]
    unused: tuple[str, ...]
    usable: int
    refused: dict[str, int]
    findable: int

    @property
    def taken(self) -> dict[str, str]:
        """Names of columns by what they hold."""
        return {column.role: column.column for column in self.columns}

    @property
    def measured(self) -> dict[str, str]:
        """The same without the columns that only say which star a row is of."""
        return {role: name for role, name in self.taken.items() if role in ROLES}

    def as_mapping(self) -> dict[str, Any]:
        """Return the look as JSON knows it."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, kept: Mapping[str, Any]) -> Look:
        """Return the look of `as_mapping`."""
        columns = tuple(TakenColumn(**column) for column in kept["columns"])
        return cls(**{**kept, "columns": columns, "unused": tuple(kept["unused"])})


@dataclass(frozen=True)
class UserSurvey:
    """A table that is kept, with the job that homogenizes it.

    Attributes:
        token: who has it has the table.
        job_id: the job.
        state: of the job.
        stage: what the job does at present; `done` of `total` of it are done.
        reason: why it failed.
        look: what was understood of the table.
        matches: how many rows have found a star, None before.
        report: None before the end.
        file: name, rows, bytes and SHA-256 of what comes back, None before the end.
    """

    token: str
    job_id: int
    state: JobState
    stage: str | None
    done: int | None
    total: int | None
    reason: str | None
    look: Look
    matches: dict[str, Any] | None
    report: dict[str, Any] | None
    file: dict[str, Any] | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime


def added_columns(by: str) -> tuple[Column, ...]:
    """Return the columns that a table gets, in order: stars, values on the unified scale, and why there is none.

    >>> [column.name for column in added_columns(IDENTIFIERS)][:3]
    ['star_id', 'split', 'teff_unified']
    """
    found = (SEPARATION, CANDIDATES) if by == POSITIONS else ()
    values = tuple(
        column for column in converted_columns(UNIFIED) if column.name not in {"converged", "conversion_flags"}
    )
    return (STAR, *found, SPLIT, *values, REASON)
