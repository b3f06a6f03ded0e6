"""What may be asked about background jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.domain.jobs import Job, JobState, LogLine, Step
from app.storage import jobs, steps
from app.storage.engine import Database

LOG_LINES = 50
HIDDEN = "debug"
"""Lines of this level are for who runs the service: they may name its files."""


@dataclass(frozen=True)
class Followed:
    """A job with its steps and lines of its log."""

    job: Job
    steps: tuple[Step, ...]
    log: tuple[LogLine, ...]


@dataclass(frozen=True)
class JobPage:
    """Jobs, newest first; `next` is the number below which the next page begins, None where there is none."""

    jobs: tuple[Job, ...]
    next: int | None


class Jobs:
    """Looks at jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, job_id: int, *, after: int = 0) -> Followed:
        """Return a job with the lines that its log has after a line.

        Raises:
            UnknownJobError: there is no such job.
        """
        with self._database.connect() as connection:
            lines = jobs.log_tail(connection, job_id, limit=LOG_LINES, after=after)
            shown = tuple(line for line in lines if line.level != HIDDEN)
            return Followed(jobs.get(connection, job_id), tuple(steps.of_job(connection, job_id)), shown)

    def newest(self, *, limit: int, before: int | None = None, state: JobState | None = None) -> JobPage:
        """Return jobs, newest first, from below a number where one is given."""
        with self._database.connect() as connection:
            found = jobs.list_jobs(connection, limit=limit + 1, before=before or jobs.NEWEST, state=state)
        return JobPage(tuple(found[:limit]), found[limit - 1].job_id if len(found) > limit else None)

    def workers(self) -> tuple[int, datetime | None]:
        """Return how many workers live, and when one last gave a sign of life."""
        with self._database.connect() as connection:
            return steps.workers(connection)
