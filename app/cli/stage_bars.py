"""Progress of a job at the terminal: a bar for each of its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.cli import context

if TYPE_CHECKING:
    from rich.progress import TaskID

    from app.domain.jobs import Job


class StageBars:
    """Shows how far a job is on stderr; where that is no terminal, a line for each stage that has ended."""

    def __init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=context.messages())
        self._stage: tuple[str, TaskID] | None = None
        self._waiting = False

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_stage()
        self._bars.stop()

    def show(self, job: Job) -> None:
        """Show a job as it stands."""
        if job.started_at is None and not self._waiting:
            context.say(f"job {job.job_id} waits for another one to end")
            self._waiting = True
        if job.stage is None:
            return
        if self._stage is None or self._stage[0] != job.stage:
            self._end_stage()
            self._stage = (job.stage, self._bars.add_task(job.stage, total=None))
        self._bars.update(self._stage[1], completed=job.done or 0, total=job.total)

    def _end_stage(self) -> None:
        if self._stage is not None:
            task = next(task for task in self._bars.tasks if task.id == self._stage[1])
            self._bars.update(task.id, total=task.total or 1, completed=task.total or 1)
        self._stage = None
