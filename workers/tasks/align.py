"""Between the fits of two stages: the last fits become models, and the next surveys are made ready to be fitted."""

from __future__ import annotations

from app.pipeline import course
from app.pipeline.alignment import align as climb
from app.pipeline.alignment import begin
from workers.work import Work


def align(work: Work, *, fits: list[str], reuse: bool, publish: bool) -> None:
    """Assemble the models of `fits`, go on to the next stage that has something to fit, or end the calibration.

    Args:
        work: the step.
        fits: surveys whose parameters have been fitted by the steps before.
        reuse: take models over from a version where they were made of the same.
        publish: publish the version in the end.
    """
    with work.database.begin() as connection:
        work.hold(connection)  # a job that is cancelled at this moment must not leave a version that runs
        begin(connection, work.version)
    reached = climb(work.database, work.job.job_id, work.version, fits, reuse=reuse)
    for line in reached.remarks:
        work.log(line)
    with work.database.begin() as connection:
        reached.save(connection)
        if reached.pending:
            work.finish(connection, then=course.fits(reached.stage, reached.pending, reuse=reuse, publish=publish))
        else:
            work.finish(connection, then=[course.consistency(publish=publish)])
