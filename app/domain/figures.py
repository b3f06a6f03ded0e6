"""What who runs the service watches in its database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figures:
    """Jobs, workers and the published version, at one moment; None for what there is not.

    Attributes:
        schema: revision of the database's schema; the rest is known only where it is that of this code.
        jobs: how many there are of each kind and state.
        steps: how many steps of jobs there are of each task and state.
        tap_jobs: how many queries left to run there are in each phase.
        oldest_queued_job_s: for how long the first job that waits has waited, in seconds.
        oldest_queued_step_s: the same of a step that waits for nothing but a worker.
        workers: how many have given a sign of life within the last minute.
        worker_silence_s: seconds since the last sign of life of any worker.
        version: the published version.
        stars: how many stars it has.
        published_at_s: when it was published, in seconds of Unix time.
    """

    schema: str | None
    jobs: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    steps: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    tap_jobs: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    oldest_queued_job_s: float | None = None
    oldest_queued_step_s: float | None = None
    workers: int | None = None
    worker_silence_s: float | None = None
    version: int | None = None
    stars: int | None = None
    published_at_s: float | None = None
