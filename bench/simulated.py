"""A simulated sky that went through the pipeline: ingested, matched and calibrated in a database of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.pipeline.calibrate import calibrate
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.pipeline.plans import default_plan
from app.science.calibration.plan import Plan
from app.storage import migrate
from app.storage.engine import Database
from bench.scratch import scratch_database


@dataclass(frozen=True)
class CalibratedSky:
    """A database with a calibrated version, the plan behind it, and the folder of the files."""

    database: Database
    version: int
    plan: Plan
    folder: Path


@contextmanager
def calibrated_sky(url: str, *, stars: int, seed: int) -> Iterator[CalibratedSky]:
    """Yield a sky of `stars` stars, written, taken in, matched and calibrated by the default plan."""
    plan = default_plan()
    with tempfile.TemporaryDirectory(prefix="sos-bench-") as folder, scratch_database(url, "sky") as database:
        write_sky(Path(folder), stars=stars, seed=seed)
        take_in(database, Path(folder))
        yield CalibratedSky(database, calibrate(database, plan), plan, Path(folder))


def take_in(database: Database, folder: Path) -> None:
    """Take the survey files of a folder into an empty database and match their stars."""
    with database.begin() as connection:
        migrate.upgrade(connection)
    ingest_folder(database, folder)
    crossmatch(database, survey_radii(database))
