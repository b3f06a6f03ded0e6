"""Whatever is killed at whatever moment, the work completes by itself, nothing is doubled, nothing is lost.

`SOS_TEST_KILLS=50` kills fifty times; the suite does with fewer.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter

import pytest

from app.domain.catalog import Slice
from app.domain.columns import CATALOG
from app.domain.files import ExportFormat
from app.pipeline.calibrate import calibrate
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.mock import write_sky
from app.pipeline.plans import default_plan
from app.pipeline.requests import Calibration, Requests
from app.services.exports import arguments_of
from app.storage import migrate, versions
from app.storage.engine import Database
from tests.support.disasters import House, Reader, house

KILLS = int(os.environ.get("SOS_TEST_KILLS", "12"))
FILES = {
    "apogee_dr17": "allStar-dr17-synspec_rev1.fits",
    "lamost_lrs": "dr10_v2.0_LRS_stellar.csv.gz",
}
VICTIMS = ("worker", "postgres", "api")
STAGES = (
    "ingest",
    "cross-match",
    "align",
    "fit",
    "consistency",
    "homogenize",
    "index",
    "validate",
    "publish",
    "export",
)
RUNNING = """SELECT split_part(s.stage, ' ', 1) FROM job_step AS s JOIN job AS j USING (job_id)
             WHERE s.state = 'running' AND j.state = 'running'"""
OPEN = "SELECT count(*) FROM job WHERE state IN ('queued', 'running')"


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sky")
    write_sky(folder, stars=10_000, seed=5)
    return folder


class Requester:
    """Asks for everything that there is to be done, one round after the other."""

    def __init__(self, house: House, database: Database, sky) -> None:
        self.requests, self.house, self.sky = Requests(database), house, sky
        self.jobs: list[int] = []
        self.round = 0

    def ask_for_stars(self) -> None:
        for survey, name in FILES.items():
            self.jobs.append(self.requests.ingest_upload(_copied(self.house, self.sky / name), survey))
        self.jobs.append(self.requests.crossmatch())

    def ask_for_a_version(self) -> None:
        self.round += 1
        self.jobs.append(self.requests.calibrate(Calibration(default_plan(), publish=True, reuse=self.round % 2 == 0)))
        if self.round > 1:
            wanted = arguments_of(Slice(columns=CATALOG), ExportFormat.CSV, self.round - 1)
            self.jobs.append(self.requests.export(wanted))


def _copied(house: House, path):
    from app.pipeline.uploads import Upload

    upload = Upload(house.state / "uploads", path.name)
    upload.write(path.read_bytes())
    upload.close()
    return upload


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_what_is_killed_at_any_moment_is_done_in_the_end_and_once(tmp_path_factory, sky):
    state = tmp_path_factory.mktemp("house")
    state.chmod(0o755)
    rng = random.Random(11)
    with house(state) as burning:
        database = Database(burning.url)
        with database.begin() as connection:
            migrate.upgrade(connection)
        asked = Requester(burning, database, sky)
        asked.ask_for_stars()
        burning.start_all()
        killed, readers = _burn(burning, asked, rng)
        burning.wait_until(lambda: burning.rows(OPEN)[0][0] == 0, patience_s=400)
        for reader in readers:
            reader.ending.set()
            reader.join()
        _check(burning, database, asked, killed)
        assert [fault for reader in readers for fault in reader.faults] == []
        assert sum(reader.answers for reader in readers) > 0
        database.dispose()


def _burn(burning: House, asked: Requester, rng: random.Random) -> tuple[Counter, list[Reader]]:
    """Kill until every stage was hit and there were enough kills; return what was killed in which stage."""
    killed: Counter = Counter()
    readers: list[Reader] = []
    deadline = time.monotonic() + 1000
    while sum(killed.values()) < KILLS or _missing(killed) or _spared(killed):
        assert time.monotonic() < deadline, f"only these were killed: {killed}"
        burning.start_all()
        if burning.rows(OPEN)[0][0] == 0:
            asked.ask_for_a_version()
        if not readers and burning.rows("SELECT count(*) FROM publication")[0][0]:
            stars = [row[0] for row in burning.rows("SELECT star_id FROM star ORDER BY star_id LIMIT 50")]
            readers = [Reader(burning, {}, stars)]
            readers[0].start()
        _kill_somebody(burning, rng, killed)
    return killed, readers


def _missing(killed: Counter) -> set[str]:
    """Return the stages in which no worker was killed yet."""
    return {*STAGES} - {stage for victim, stage in killed if victim == "worker"}


def _spared(killed: Counter) -> set[str]:
    """Return who was not killed yet."""
    return {*VICTIMS} - {victim for victim, _ in killed}


def _kill_somebody(burning: House, rng: random.Random, killed: Counter) -> None:
    """Wait for a stage that nobody was killed in, or else for some time, and kill."""
    missing = _missing(killed)
    until = time.monotonic() + (10.0 if missing else rng.uniform(0.2, 4.0))
    while time.monotonic() < until:
        running = {row[0] for row in burning.rows(RUNNING)}
        hit = running & missing
        if hit:
            stage = min(hit)
            if stage not in {"publish", "index", "export"}:
                time.sleep(rng.uniform(0.0, 0.6))
            burning.kill("worker 1")
            killed["worker", stage] += 1
            return
        if not missing or not running:
            time.sleep(0.05)
    running = sorted({row[0] for row in burning.rows(RUNNING)})
    if running and not missing:
        spared = _spared(killed)
        victim = rng.choice(sorted(spared)) if spared else rng.choices(VICTIMS, [0.5, 0.3, 0.2])[0]
        burning.kill("worker 1" if victim == "worker" else victim)
        killed[victim, running[0]] += 1
    elif running and sum(killed.values()) < KILLS and ("postgres", running[0]) not in killed:
        burning.kill("postgres")
        killed["postgres", running[0]] += 1


def _check(burning: House, database: Database, asked: Requester, killed: Counter) -> None:
    ended = burning.rows("SELECT state, reason, count(*) FROM job GROUP BY 1, 2")
    assert [row[0] for row in ended] == ["succeeded"], (ended, killed)
    assert burning.rows("SELECT count(*) FROM job_step WHERE state <> 'done'") == [(0,)]
    assert burning.rows("SELECT count(*) FROM job_data") == [(0,)]
    # Every row of the files is there once.
    files = burning.rows("SELECT rows_read, rows_stored, rows_rejected FROM ingestion ORDER BY ingestion_id")
    assert len(files) == len(FILES)
    stored = sum(row[1] for row in files)
    assert burning.rows("SELECT count(*), count(DISTINCT measurement_id) FROM measurement") == [(stored, stored)]
    assert burning.rows("SELECT count(*) FROM match") == [(stored,)]
    assert burning.rows("SELECT count(*) FROM reject") == [(sum(row[2] for row in files),)]
    for survey in FILES:
        whole = burning.rows(f"SELECT count(*) FROM raw.{survey}")[0][0]
        assert burning.rows(
            f"SELECT count(*) FROM measurement JOIN survey USING (survey_id) WHERE name = '{survey}'"
        ) == [(whole,)]
    # Every version is the one that a single process makes, undisturbed.
    alone = calibrate(database, default_plan())
    homogenize_stars(database, alone)
    with database.connect() as connection:
        made = [versions.get(connection, number) for number in range(1, asked.round + 1)]
        expected = versions.get(connection, alone)
        current = versions.current(connection)
    assert current == asked.round
    stars = burning.rows("SELECT count(*) FROM star")[0][0]
    for version in made:
        assert version.metrics["catalogue_sha256"] == expected.metrics["catalogue_sha256"]
        assert version.n_stars == stars
        for table, rows in (("homogenized", stars), ("calibrated", stored)):
            found = burning.rows(f"SELECT count(*) FROM {table} WHERE version_id = {version.version_id}")
            assert found == [(rows,)]
    print(sum(killed.values()), "kills:", dict(sorted(killed.items())))
    tables = burning.rows(
        "SELECT relname FROM pg_class WHERE relname ~ '^(calibrated|homogenized)_[0-9]+$' AND NOT relispartition "
        "AND relkind = 'r'"
    )
    assert tables == []
    exports = [path.name for path in (burning.state / "exports").glob("*")]
    assert len(exports) == asked.round - 1
    sizes = {path.read_bytes().count(b"\n") for path in (burning.state / "exports").glob("*")}
    assert sizes <= {stars + 1}
