"""What a recalibration costs when one of eight surveys has changed, and what a second worker saves, on a simulated sky.

`python -m bench.recalibration [--stars N] [--workers 2]` makes the sky, ingests it, makes a full version with one
worker and with two, changes one survey, makes a version that takes over what is as before, and a full one of the same
data from nothing, and compares their numbers. The two workers stay from one job to the next. `--workers 2` leaves out
the version of one worker, and with it the comparison of fits.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.domain.jobs import Job
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.pipeline.plans import default_plan
from app.pipeline.requests import Calibration, Requests
from app.storage import jobs, migrate, steps, versions
from app.storage.embedded import EmbeddedServer
from app.storage.engine import Database

CHANGED = "rave_dr6"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--stars", type=int, default=200_000)
    arguments.add_argument("--workers", type=int, nargs="+", choices=(1, 2), default=(1, 2))
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="sos-bench-") as folder:
        state = Path(folder)
        state.chmod(0o755)
        with EmbeddedServer(state).lease() as url:
            measure(Database(url), state, options.stars, alone=1 in options.workers)


def measure(database: Database, state: Path, stars: int, *, alone: bool) -> None:
    write_sky(state / "sky", stars=stars, seed=20240117)
    with database.begin() as connection:
        migrate.upgrade(connection)
    ingest_folder(database, state / "sky")
    crossmatch(database, survey_radii(database))
    if alone:
        with _workers(database, state, 1):
            one = _calibrate(database, reuse=False)
    with _workers(database, state, 2):
        two = _calibrate(database, reuse=False)
        with database.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE measurement SET feh = feh + 0.05 FROM survey WHERE survey.survey_id = measurement.survey_id "
                f"AND survey.name = '{CHANGED}'"
            )
        partial = _calibrate(database, reuse=True)
        shutil.rmtree(state / "cache")  # a full run is one from nothing: no table, value or figure is there
        full = _calibrate(database, reuse=False)
    with database.connect() as connection:
        found = [versions.get(connection, job.version_id or 0).metrics for job, _ in (partial, full)]
    print(f"{stars:,} stars; seconds of wall time; load of the machine before: {os.getloadavg()[0]:.1f}")
    if alone:
        fits = [_of_fits(database, job.job_id) for job, _ in (one, two)]
        print(f"full calibration with one worker: {one[1]:.0f}")
        print(f"fits alone: one worker {fits[0]:.0f}, two workers {fits[1]:.0f}: {fits[0] / fits[1]:.2f} times faster")
    print(f"full calibration with two workers: {two[1]:.0f}, after the change {full[1]:.0f}")
    print(f"after {CHANGED} changed: {partial[1]:.0f}, {100 * partial[1] / full[1]:.0f} % of a full run")
    for name, job in (("full", full[0]), (f"after {CHANGED} changed", partial[0])):
        print(f"{name}: {_by_task(database, job.job_id)}")
    print(f"its numbers are those of the full run: {found[0] == found[1]}")


@contextmanager
def _workers(database: Database, state: Path, number: int) -> Iterator[None]:
    environment = {
        **os.environ,
        "SOS_DATABASE_URL": database.url,
        "SOS_STATE": str(state),
        "SOS_JOBS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "workers.main"]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) for _ in range(number)]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _calibrate(database: Database, *, reuse: bool) -> tuple[Job, float]:
    job_id = Requests(database).calibrate(Calibration(default_plan(), reuse=reuse))
    while True:
        with database.connect() as connection:
            job = jobs.get(connection, job_id)
        if job.state.ended:
            break
        time.sleep(0.2)
    assert job.state == "succeeded", job.reason
    with database.connect() as connection:
        done = steps.of_job(connection, job_id)
    began = min(step.started_at for step in done if step.started_at)
    return job, (max(step.finished_at for step in done if step.finished_at) - began).total_seconds()


def _by_task(database: Database, job_id: int) -> str:
    """Return how long the steps of each task took, those side by side added up, and the longest of them."""
    seconds: dict[str, list[float]] = {}
    with database.connect() as connection:
        for step in steps.of_job(connection, job_id):
            if step.started_at and step.finished_at:
                seconds.setdefault(step.task, []).append((step.finished_at - step.started_at).total_seconds())
    return ", ".join(f"{len(one)} {task} {sum(one):.1f} (longest {max(one):.1f})" for task, one in seconds.items())


def _of_fits(database: Database, job_id: int) -> float:
    """Return how long the stages of fits took, from the first step's begin to the last one's end."""
    with database.connect() as connection:
        done = [step for step in steps.of_job(connection, job_id) if step.task == "fit"]
    seconds = 0.0
    for stage in {step.stage for step in done}:
        times = [(s.started_at, s.finished_at) for s in done if s.stage == stage and s.started_at and s.finished_at]
        seconds += (max(end for _, end in times) - min(begin for begin, _ in times)).total_seconds()
    return seconds


if __name__ == "__main__":
    main()
