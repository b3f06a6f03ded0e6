"""Cross-match and cones against q3c and astropy, on the same positions and in the same run.

Pairs within 1" of two tables of random positions, half of them common, both stored in sky order: ours in memory and in
SQL, `q3c_join` on its index where a PostgreSQL with the extension is installed (there our SQL too), and
`search_around_sky`. All must find the same pairs. Then the whole stage, from the table `measurement` to `star` and
`match`, in a process of its own, and again when more rows have come, the part that these can have changed and
everything; and cones of 1' on `homogenized`, timed inside the server.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import astropy.units as u
import numpy as np
import psycopg
from astropy.coordinates import SkyCoord, search_around_sky
from psycopg import sql
from sqlalchemy import text

from app.pipeline.crossmatch import crossmatch
from app.science.crossmatch.pairs import pairs_within
from app.science.sphere import healpix_nested, moved
from app.storage import bulk, measurements, migrate, sky, version_tables
from app.storage.embedded import EmbeddedServer
from app.storage.engine import Database, driver_connection, driver_url

RADIUS_ARCSEC = 1.0
CONES = 20_000
RADII = {"gaia_like": 1.0, "infrared": 3.0, "optical": 3.0}
SURVEYS = {"gaia_like": (0.7, 2016.0, 1.0), "infrared": (0.7, 2000.0, 100.0), "optical": (0.5, 2000.0, 200.0)}
"""Share of the stars that a survey saw, its epoch, and the error of its positions in mas."""
SHARES = (0.01, 0.05)
Sky = tuple[np.ndarray, np.ndarray]
Result = list[tuple[str, float, str]]


def measure(url: str, rows: int = 2_000_000) -> Result:
    """Return rows/s of each way to match, times of a cone, and speed and memory of the whole stage."""
    left, right = _sides(rows)
    table: Result = []
    pairs_within(*left, *right, RADIUS_ARCSEC)
    expected = _timed(table, "pairs, in memory", rows, lambda: len(pairs_within(*left, *right, RADIUS_ARCSEC).left))
    coordinates = [SkyCoord(ra * u.deg, dec * u.deg) for ra, dec in (left, right)]
    radius = RADIUS_ARCSEC * u.arcsec
    found = _timed(
        table, "pairs, astropy search_around_sky", rows, lambda: len(search_around_sky(*coordinates, radius)[0])
    )
    assert found == expected, (found, expected)
    with _scratch_database(url) as database:
        table += _in_server(database, left, right, expected, "core PostgreSQL")
        table += _cones(database, rows, "core PostgreSQL")
    binaries = _q3c_binaries()
    if binaries is None:
        table.append(("q3c is not installed here: nothing to compare with", float("nan"), ""))
    else:
        with _server(binaries) as q3c_url, _scratch_database(q3c_url) as database:
            table += _in_server(database, left, right, expected, "server with q3c")
            table += _q3c_join(database, rows, expected)
            table += _cones(database, rows, "server with q3c")
    with _scratch_database(url) as database:
        table += _whole_stage(database, rows // 2)
    return table


def _sides(rows: int) -> tuple[Sky, Sky]:
    """Return two tables of positions in sky order; half of the right ones lie within 1" of a left one."""
    rng = np.random.default_rng(1)
    left = _sky(rng, rows)
    near = moved(left[0][::2], left[1][::2], *rng.uniform(-1000, 1000, (2, rows // 2)), 1.0)
    far = _sky(rng, rows - rows // 2)
    return _sorted(*left), _sorted(np.concatenate([near[0], far[0]]), np.concatenate([near[1], far[1]]))


def _sky(rng: np.random.Generator, n: int) -> Sky:
    return rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))


def _sorted(ra: np.ndarray, dec: np.ndarray) -> Sky:
    order = np.argsort(healpix_nested(ra, dec))
    return ra[order], dec[order]


def _timed(table: Result, what: str, rows: int, run: Callable[[], int]) -> int:
    started = time.perf_counter()
    result = run()
    table.append((what, rows / (time.perf_counter() - started), "rows/s"))
    return result


def _in_server(database: Database, left: Sky, right: Sky, expected: int, where: str) -> Result:
    table: Result = []
    with database.begin() as connection:
        for name, (ra, dec) in (("left_side", left), ("right_side", right)):
            connection.exec_driver_sql(f"CREATE TABLE {name} (id bigint, ra float8, dec float8)")
            bulk.copy_in(connection, name, {"id": np.arange(len(ra)), "ra": ra, "dec": dec})
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE left_side, right_side")
        connection.exec_driver_sql("SET max_parallel_workers_per_gather = 0")

        def run() -> int:
            return len(sky.pairs_within_radius(connection, "left_side", "right_side", RADIUS_ARCSEC)["left_id"])

        run()
        found = _timed(table, f"pairs, SQL cell join, {where}", len(left[0]), run)
    assert found == expected, (found, expected)
    return table


def _q3c_join(database: Database, rows: int, expected: int) -> Result:
    table: Result = []
    query = """SELECT l.id AS left_id, r.id AS right_id
        FROM left_side AS l JOIN right_side AS r ON q3c_join(l.ra, l.dec, r.ra, r.dec, %(r)s)"""
    with database.begin() as connection:
        connection.exec_driver_sql("SET max_parallel_workers_per_gather = 0")
        sky.create_sky_index(connection, "right_side")
        connection.exec_driver_sql("ANALYZE right_side")

        def run() -> int:
            return len(bulk.copy_out(connection, query, {"r": RADIUS_ARCSEC / 3600})["left_id"])

        run()
        found = _timed(table, "pairs, q3c_join on its index, server with q3c", rows, run)
    assert abs(found - expected) <= 1, (found, expected)
    return table


def _cones(database: Database, rows: int, where: str) -> Result:
    """Return the time of a cone of 1' in a function of the server, which prepares it once."""
    with database.begin() as connection:
        version_tables.create(connection, 1)
        ra, dec = _sorted(*_sky(np.random.default_rng(2), rows))
        zeros = np.zeros(rows, np.int64)
        counts = {f"{name}_{count}": zeros for name in ("teff", "logg", "feh") for count in ("n", "flags")}
        columns = {"version_id": zeros + 1, "star_id": np.arange(rows), "ra": ra, "dec": dec, **counts}
        version_tables.append(connection, "homogenized", 1, columns)
        version_tables.attach(connection, 1)
    parameters = {"version_id": "1", "ra": "a", "dec": "d", "radius": "1 / 60.0", "limit": "1000000", "offset": "0"}
    query = sky.STARS_IN_CONE
    for name, value in parameters.items():
        query = query.replace(f"%({name})s", value)
    with_cones = _loop(database, f"SELECT count(*) FROM ({query}) AS star INTO n")
    seconds = with_cones - _loop(database, "n := 0")
    return [(f"cone of 1' among {rows:,} stars, {where}", 1e3 * seconds / CONES, "ms")]


def _loop(database: Database, body: str) -> float:
    """Return the seconds that the server takes for `CONES` random positions, the plan made beforehand."""
    with database.begin() as connection:
        driver = driver_connection(connection)
        driver.execute(_LOOP.replace("BODY", body).encode())
        driver.execute(b"SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL max_parallel_workers_per_gather = 0")
        driver.execute(f"SELECT cones({CONES // 10})".encode())
        started = time.perf_counter()
        driver.execute(f"SELECT cones({CONES})".encode())
        return time.perf_counter() - started


_LOOP = """
CREATE OR REPLACE FUNCTION cones(how_many int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    a float8;
    d float8;
    n int;
    total int := 0;
BEGIN
    FOR i IN 1..how_many LOOP
        a := random() * 360;
        d := degrees(asin(random() * 2 - 1));
        BODY;
        total := total + n;
    END LOOP;
    RETURN total;
END $$
"""


def _whole_stage(database: Database, n_stars: int) -> Result:
    """Match three surveys of moving stars, with Gaia ids, 2MASS names, or neither, and repeats; then add rows."""
    with database.begin() as connection:
        migrate.upgrade(connection)
        rows = _fill_surveys(connection, n_stars)
    seconds, stars, megabytes = _in_child(database.url)
    nothing, _, _ = _in_child(database.url)
    return [
        (f"cross-match of {rows:,} measurements to {stars:,.0f} stars, first run", rows / seconds, "rows/s"),
        ("the same, time in all", seconds, "s"),
        ("the same, memory", megabytes, "MiB"),
        ("the same once more, nothing new", nothing, "s"),
        *(line for share in SHARES for line in _with_more(database, n_stars, rows, share)),
    ]


def _with_more(database: Database, n_stars: int, rows: int, share: float) -> Result:
    """Add a share of new rows, of known stars and new ones alike, and match them; then match everything."""
    with database.begin() as connection:
        _add_rows(connection, n_stars, int(share * rows), seed=int(1000 * share))
    part, _, part_memory = _in_child(database.url)
    full, _, full_memory = _in_child(database.url, "--full")
    what = f"{100 * share:.0f} % more rows"
    return [
        (f"{what}, what they can have changed", part, "s"),
        (f"{what}, all matched anew", full, "s"),
        (f"{what}, what they can have changed, memory", part_memory, "MiB"),
        (f"{what}, all matched anew, memory", full_memory, "MiB"),
    ]


def _fill_surveys(connection: Any, n_stars: int) -> int:
    rng = np.random.default_rng(3)
    ra, dec, pm = _stars(n_stars)
    total = 0
    for number, (survey, (share, epoch, error)) in enumerate(SURVEYS.items(), 1):
        seen = rng.permutation(n_stars)[: int(share * n_stars)]
        seen = np.concatenate([seen, seen[: len(seen) // 10]])
        off = pm[:, seen] * (epoch - 2000.0) + rng.normal(0, error, (2, len(seen)))
        place = moved(ra[seen], dec[seen], *off, 1.0)
        connection.execute(
            text("INSERT INTO survey (name, title, release, citation) VALUES (:name, '-', '-', '-')"), {"name": survey}
        )
        _add_survey(connection, number, survey, seen, place, epoch, pm[:, seen])
        total += len(seen)
    return total


def _stars(n_stars: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    ra, dec = _sky(rng, n_stars)
    return ra, dec, rng.normal(0, 15, (2, n_stars))


def _add_rows(connection: Any, n_stars: int, rows: int, seed: int) -> None:
    """Add sightings to the last survey: half of them of stars that are there, half of others."""
    rng = np.random.default_rng(seed)
    ra, dec, pm = _stars(n_stars)
    seen = rng.integers(0, n_stars, rows)
    off = rng.normal(0, 200, (2, rows))
    place = moved(ra[seen], dec[seen], *off, 1.0)
    new = rng.random(rows) < 0.5
    place[0][new], place[1][new] = _sky(rng, int(new.sum()))
    _add_survey(connection, len(SURVEYS), "optical", seen, place, 2000.0, pm[:, seen], file=seed)


def _add_survey(
    connection: Any,
    number: int,
    survey: str,
    seen: np.ndarray,
    place: Sky,
    epoch: float,
    pm: np.ndarray,
    *,
    file: int = 1,
) -> None:
    n = len(seen)
    columns: dict[str, Any] = {
        "row_number": np.arange(n), "object_id": np.char.add(f"{file}-", np.arange(n).astype(str)).astype(object),
        "ra": place[0], "dec": place[1],
        "epoch_jyear": np.full(n, epoch), "excluded": np.zeros(n, np.int16), "failed_cuts": np.zeros(n, np.int64),
    }  # fmt: skip
    if survey == "gaia_like":
        columns |= {"gaia_dr3": 2**60 + 128 * seen, "pm_ra_cosdec_masyr": pm[0], "pm_dec_masyr": pm[1]}
    if survey == "infrared":
        columns["tmass"] = np.char.mod("%016d", seen).astype(object)
    partition = measurements.open_partition(connection, number, survey)
    measurements.append(connection, partition, file, columns)
    measurements.close_partition(connection, partition)


def _in_child(url: str, *words: str) -> tuple[float, float, float]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-P", __file__, url, *words, "--match"], check=True, capture_output=True, env=environment
    )
    seconds, stars, kibibytes = map(float, done.stdout.split())
    return seconds, stars, kibibytes / 1024


def _match(url: str, *, full: bool) -> None:
    database = Database(url)
    started = time.perf_counter()
    summary = crossmatch(database, RADII, full=full)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(time.perf_counter() - started, summary.stars, peak)


def _q3c_binaries() -> Path | None:
    controls = sorted(Path("/usr/share/postgresql").glob("*/extension/q3c.control"))
    folders = (Path("/usr/lib/postgresql") / control.parents[1].name / "bin" for control in controls)
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


@contextmanager
def _server(binaries: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedServer(Path(folder) / "state", binaries=binaries)
        try:
            yield server.start()
        finally:
            server.stop()


@contextmanager
def _scratch_database(url: str) -> Iterator[Database]:
    name = f"bench_crossmatch_{os.getpid()}"
    with psycopg.connect(driver_url(url), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        database = Database(urlsplit(driver_url(url))._replace(path=f"/{name}").geturl())
        try:
            with database.begin() as connection:
                migrate.upgrade(connection)
            yield database
        finally:
            database.dispose()
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    if sys.argv[-1] == "--match":
        _match(sys.argv[1], full="--full" in sys.argv)
    else:
        for what, value, unit in measure(sys.argv[1], *map(int, sys.argv[2:])):
            print(f"{what:90s} {value:14,.3f} {unit}")
