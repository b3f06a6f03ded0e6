"""Jobs: what runs in the background, in which steps, how far it is, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class JobKind(StrEnum):
    """What a job does."""

    INGEST = "ingest"
    CROSSMATCH = "crossmatch"
    CALIBRATE = "calibrate"
    VALIDATE = "validate"
    PUBLISH = "publish"
    EXPORT = "export"
    HOMOGENIZE = "homogenize"
    CLEANUP = "cleanup"


class JobState(StrEnum):
    """The life of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


class StepState(StrEnum):
    """The life of a step of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class NewStep:
    """A step that is to be done.

    Attributes:
        name: unique within its job, so that planning the same step twice makes one.
        task: which code does it.
        stage: what people see, and what later steps wait for: the stage ends with its last step.
        arguments: of the task, as JSON.
    """

    name: str
    task: str
    stage: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JobRequest:
    """A job that somebody asks for.

    Attributes:
        kind: what it does.
        arguments: what it was asked to do, as people see it.
        key: what makes a second request the same one while the first is not done.
        steps: the first steps; each says which follow.
        holds: what no other job may use meanwhile.
        shares: what no other job may hold meanwhile.
        requested_by: name of the key or person.
        version_id: the calibration version that the job makes or works on.
    """

    kind: JobKind
    arguments: Mapping[str, Any]
    key: str
    steps: tuple[NewStep, ...]
    holds: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    requested_by: str | None = None
    version_id: int | None = None


@dataclass(frozen=True)
class Job:
    """A job as it stands; `done` of `total` counts rows or steps of the present stage."""

    job_id: int
    kind: JobKind
    state: JobState
    arguments: dict[str, Any]
    key: str
    requested_by: str | None
    version_id: int | None
    stage: str | None
    done: int | None
    total: int | None
    stage_started_at: datetime | None
    reason: str | None
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    seen_at: datetime

    @property
    def rate(self) -> float | None:
        """What the present stage gets done in a second, None where that is not known."""
        if self.state is not JobState.RUNNING or not self.done or self.stage_started_at is None:
            return None
        seconds = (self.seen_at - self.stage_started_at).total_seconds()
        return self.done / seconds if seconds > 0 else None

    @property
    def eta(self) -> datetime | None:
        """When the present stage will be done if it goes on like this, None where that is not known."""
        if self.rate is None or self.total is None or self.done is None:
            return None
        return self.seen_at + timedelta(seconds=(self.total - self.done) / self.rate)


@dataclass(frozen=True)
class Step:
    """A step of a job as it stands."""

    step_id: int
    job_id: int
    name: str
    task: str
    stage: str
    arguments: dict[str, Any]
    state: StepState
    attempt: int
    worker: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True)
class LogLine:
    """A line that a job wrote."""

    line_id: int
    at: datetime
    level: str
    message: str
