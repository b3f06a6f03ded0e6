"""Shapes of answers about background jobs, and of what starts them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from app.domain.jobs import Job, JobState, LogLine, Step
from app.services.jobs import Followed


class JobAnswer(TypedDict):
    """A job as it stands."""

    job: int
    kind: Annotated[
        str, Field(description="ingest, crossmatch, calibrate, validate, publish, export, homogenize or cleanup")
    ]
    state: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled")]
    arguments: Annotated[dict[str, Any], Field(description="what was asked for")]
    requested_by: str | None
    version: Annotated[int | None, Field(description="the calibration version that the job makes or works on")]
    stage: Annotated[str | None, Field(description="what it does at present")]
    done: Annotated[int | None, Field(description="rows or steps of the stage that are done")]
    total: Annotated[int | None, Field(description="rows or steps of the stage")]
    rate: Annotated[float | None, Field(description="rows or steps a second")]
    eta: Annotated[datetime | None, Field(description="when the stage will be done if it goes on like this")]
    reason: Annotated[str | None, Field(description="why it failed or was cancelled")]
    result: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    url: str
    events: Annotated[str, Field(description="the job live, by server-sent events")]


class StepAnswer(TypedDict):
    """A step of a job."""

    name: str
    stage: str
    state: str
    attempt: Annotated[int, Field(description="how often it was begun")]
    worker: str | None
    started_at: datetime | None
    finished_at: datetime | None


class LogAnswer(TypedDict):
    """A line of a job's log."""

    line: int
    at: datetime
    level: str
    message: str


class JobDetail(JobAnswer):
    """A job with its steps and the end of its log."""

    steps: list[StepAnswer]
    log: list[LogAnswer]


class JobList(TypedDict):
    """Jobs, newest first."""

    count: int
    truncated: bool
    next: str | None
    jobs: list[JobAnswer]


class JobsQuery(BaseModel):
    """Which jobs."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=1000, description="jobs on a page, at most")
    after: int | None = Field(None, ge=1, lt=2**31, description="last job of the page before, as its `next` says")
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = Field(
        None, description="only jobs in this state"
    )

    @property
    def job_state(self) -> JobState | None:
        """The state, None for any."""
        return None if self.state is None else JobState(self.state)


class NewCalibration(BaseModel):
    """A calibration that is asked for."""

    model_config = ConfigDict(extra="forbid")

    plan: dict[str, Any] = Field(
        default_factory=dict, description="keys of the plan with other values than in the default plan; docs/science.md"
    )
    publish: bool = Field(False, description="publish the version when it is complete; needs the scope `publish` too")
    reuse: bool = Field(True, description="take over models that another version has made of exactly the same")
    like: int | None = Field(None, ge=1, lt=2**31, description="make this version again, by its plan and seed alone")


class Publication(BaseModel):
    """How a version is published."""

    model_config = ConfigDict(extra="forbid")

    force: bool = Field(False, description="serve it though it fails the gate of its plan; that goes on record")


class Served(TypedDict):
    """What is served from now on."""

    version: int
    previous: Annotated[int | None, Field(description="what was served before")]


def job_answer(job: Job, base_url: str) -> JobAnswer:
    """Return a job as it stands."""
    url = f"{base_url}/v1/jobs/{job.job_id}"
    return {
        "job": job.job_id,
        "kind": str(job.kind),
        "state": str(job.state),
        "arguments": job.arguments,
        "requested_by": job.requested_by,
        "version": job.version_id,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "rate": None if job.rate is None else float(f"{job.rate:.3g}"),
        "eta": job.eta,
        "reason": job.reason,
        "result": job.result,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "url": url,
        "events": f"{url}/events",
    }


def job_detail(found: Followed, base_url: str) -> JobDetail:
    """Return a job with its steps and the end of its log."""
    return {
        **job_answer(found.job, base_url),
        "steps": [_step(step) for step in found.steps],
        "log": [log_answer(line) for line in found.log],
    }


def _step(step: Step) -> StepAnswer:
    return {
        "name": step.name,
        "stage": step.stage,
        "state": str(step.state),
        "attempt": step.attempt,
        "worker": step.worker,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
    }


def log_answer(line: LogLine) -> LogAnswer:
    """Return a line of a job's log."""
    return {"line": line.line_id, "at": line.at, "level": line.level, "message": line.message}
