"""A step at work: where it says how far it is, and how it ends exactly once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from app.domain.jobs import Job, JobState, NewStep, Step
from app.pipeline.progress import Progress
from app.storage import jobs, steps
from app.storage.engine import Database
from workers.means import Means

SECONDS_BETWEEN_WORDS = 0.5


class StepLostError(Exception):
    """The job has ended, or another attempt at the step has begun: nothing of this one may be kept."""


@dataclass
class Work:
    """One attempt at a step of a job."""

    database: Database
    means: Means
    job: Job
    step: Step
    attempt: int
    _last_word: float = field(default=0.0)

    @property
    def version(self) -> int:
        """The version that the job makes or works on."""
        assert self.job.version_id is not None, "this task belongs to jobs with a version"
        return self.job.version_id

    def progress(self) -> Progress:
        """Return a callback that says in the job how far this step is; it may be called at any rate."""

        def say(done: int, total: int | None) -> None:
            now = time.monotonic()
            if now - self._last_word < SECONDS_BETWEEN_WORDS and done != total:
                return
            self._last_word = now
            with self.database.begin() as connection:
                jobs.set_progress(connection, self.job.job_id, self.step.stage, done, total)

        return say

    def log(self, message: str, *, level: str = "info") -> None:
        """Add a line to the job's log."""
        with self.database.begin() as connection:
            jobs.log(connection, self.job.job_id, message, level=level)

    def hold(self, connection: Connection) -> None:
        """Keep the job from being ended, by whomever, until the caller's transaction ends.

        Raises:
            StepLostError: it has ended.
        """
        if jobs.lock(connection, self.job.job_id) is not JobState.RUNNING:
            raise StepLostError

    def finish(
        self,
        connection: Connection,
        *,
        then: Sequence[NewStep] = (),
        after_stage: Sequence[NewStep] = (),
        result: dict[str, Any] | None = None,
    ) -> None:
        """Mark the step as done in the transaction that keeps its result, plan what follows, or end the job.

        Args:
            connection: in the transaction with the result.
            then: steps that follow this one.
            after_stage: steps that follow when no step of this one's stage is left.
            result: what is added to the result of the job.

        Raises:
            StepLostError: this attempt does not count any more; the transaction must not be committed.
        """
        job_id, stage = self.job.job_id, self.step.stage
        self.hold(connection)
        if not steps.finish(connection, self.step.step_id, self.attempt):
            raise StepLostError
        if result:
            jobs.set_result(connection, job_id, result)
        of_stage, of_job = steps.count_open(connection, job_id, stage)
        following = [*then, *(after_stage if of_stage == 0 else ())]
        numbers = steps.plan(connection, job_id, following)
        steps.deliver(connection, numbers)
        if numbers:
            jobs.count_steps(connection, job_id, following[0].stage)
        elif of_job:
            jobs.count_steps(connection, job_id, stage)
        else:
            jobs.end(connection, job_id, JobState.SUCCEEDED)
