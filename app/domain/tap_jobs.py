"""Queries that users leave to run: jobs of the Universal Worker Service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """How far a job is."""

    PENDING = "PENDING"
    QUEUED = "QUEUED"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"

    @property
    def ended(self) -> bool:
        """Whether nothing will happen any more."""
        return self in {Phase.COMPLETED, Phase.ERROR, Phase.ABORTED}


@dataclass(frozen=True)
class TapJob:
    """A job; `parameters` are those of the request, by name in capitals, `version` the one that its answer is from."""

    job_id: str
    phase: Phase
    run_id: str | None
    parameters: dict[str, str]
    execution_seconds: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    destruction_at: datetime
    backend: str | None
    problem: str | None
    media_type: str | None
    version: int | None
