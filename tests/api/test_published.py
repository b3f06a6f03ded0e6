"""What a version says stays byte for byte the same while rows come, change stars, are replaced and cleaned up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from app.pipeline import match_changes
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.ingest import ingest
from app.storage import measurements, version_tables, versions
from app.storage.engine import Database
from tests.support.descriptors import toy, write_toy
from tests.support.http import Service, serving

N = 60
OTHER = {'name = "toy"': 'name = "other"'}
FIRST_GAIA = 2**62
RIVALLED, MERGED = range(20, 40), range(50, N)
"""Stars that later rows bring apart, and pairs of stars that they bring together."""

_CALIBRATED = """
    INSERT INTO calibrated_{0} (version_id, measurement_id, survey_id, star_id, teff, teff_lower, teff_upper, in_domain,
                                split, flags)
    SELECT {0}, x.measurement_id, x.survey_id, x.star_id, m.teff + {0}, m.teff, m.teff + 100, true, s.split, 0
    FROM match AS x JOIN present_measurement AS m USING (measurement_id, survey_id) JOIN star AS s USING (star_id)"""
_HOMOGENIZED = """
    INSERT INTO homogenized_{0} (version_id, star_id, gaia_dr3_source_id, ra, dec, g_mag, teff, teff_n, teff_flags,
                                 logg_n, logg_flags, feh_n, feh_flags)
    SELECT {0}, star_id, gaia_dr3_source_id, ra, dec, g_mag, 5000 + {0}, n_measurements, 0, 0, 4, 0, 4
    FROM star ORDER BY star_id"""


@pytest.fixture(autouse=True)
def _any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_changes, "LARGEST_SHARE", np.inf)


@pytest.fixture
def places() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {"ra": rng.uniform(0, 360, N), "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N)))}


@pytest.fixture
def service(database: Database, tmp_path: Path, places: dict[str, np.ndarray]) -> Iterator[Service]:
    """Two surveys of the same stars, half of them with Gaia ids, in a published version."""
    ids = np.where(np.arange(N) % 2 == 0, FIRST_GAIA + 128 * np.arange(N), 0)
    none = [None] * N
    ingest(database, toy(), write_toy(tmp_path / "toy.parquet", N, gaia=ids, tmass=none, **places))
    far = np.arange(N) >= MERGED.start
    near = {"ra": places["ra"], "dec": places["dec"] + np.where(far, 2.5, 0.7) / 3600}
    names = [f"2M0852{n:04d}+1149254" if n in MERGED else None for n in range(N)]
    ingest(database, toy(**OTHER), write_toy(tmp_path / "other.parquet", N, gaia=ids * 0, tmass=names, **near))
    crossmatch(database, survey_radii(database))
    publish(database)
    with serving(database, rate_limit=0) as running:
        yield running


def publish(database: Database) -> int:
    with database.begin() as connection:
        version = versions.create(connection, plan={"name": "test"}, inputs={}, software={"sos": "0"}, seed=1)
        version_tables.create(connection, version)
        for statement in (_CALIBRATED, _HOMOGENIZED):
            connection.exec_driver_sql(statement.format(version))
        version_tables.attach(connection, version)
        versions.finish(connection, version, n_stars=N)
        versions.publish(connection, version)
    return version


def answers(service: Service, places: dict[str, np.ndarray], version: int = 1) -> dict[str, bytes]:
    """Return what a version says: stars by all their names, cones, the whole catalogue, all measurements."""
    names = [f"sos:{n}" for n in range(1, N + 1)] + [f"gaia:{FIRST_GAIA + 128 * n}" for n in range(0, N, 2)]
    names += [quote(f"{survey}:star {n}", safe=":") for survey in ("toy", "other") for n in range(N)]
    paths = [f"/v1/stars/{name}?version={version}" for name in names]
    for ra, dec in zip(places["ra"].tolist(), places["dec"].tolist(), strict=True):
        paths.append(f"/v1/cone?ra={ra}&dec={dec}&radius=0.2&version={version}")
    for form in ("csv", "jsonl", "parquet"):
        paths.append(f"/v1/catalog?format={form}&version={version}")
        paths += [f"/v1/surveys/{one}/measurements?format={form}&version={version}" for one in ("toy", "other")]
    paths += [f"/v1/surveys/{one}/measurements?limit=40&version={version}" for one in ("toy", "other")]
    found = {}
    for path in paths:
        answer = service.get(path)
        assert answer.status_code == 200, (path, answer.text)
        found[path] = answer.content
    return found


def count(database: Database, query: str) -> int:
    with database.connect() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())


def test_a_published_version_stays_while_rows_come_and_are_replaced(
    database: Database, service: Service, tmp_path: Path, places: dict[str, np.ndarray]
) -> None:
    before = answers(service, places)
    assert before["/v1/surveys/toy/measurements?format=csv&version=1"].count(b"\n") == N + 1

    def unchanged() -> bool:
        now = answers(service, places)
        return [path for path in before if now[path] != before[path]] == []

    more(database, tmp_path, places)
    assert unchanged()
    summary = crossmatch(database, survey_radii(database))
    assert summary.why_full is None
    moved = count(database, "SELECT count(*) FROM calibrated_1 AS c JOIN match AS x USING (measurement_id) "
                            "WHERE x.star_id <> c.star_id")  # fmt: skip
    assert moved >= len(RIVALLED) + len(MERGED)
    assert summary.gone_stars == len(MERGED)
    assert unchanged()

    replace_toy(database, tmp_path, places)
    assert unchanged()
    assert service.get("/v1/surveys/toy").json()["n_measurements"] == 20
    with database.begin() as connection:
        assert measurements.purge_superseded(connection) == 0, "the next cross-match has to see what went"
    summary = crossmatch(database, survey_radii(database))
    assert (summary.why_full, summary.measurements) == (None, 20 + N)
    assert unchanged()
    purge_spares_what_a_version_needs(database)
    assert unchanged()
    new = publish(database)
    assert service.get(f"/v1/surveys/toy/measurements?format=csv&version={new}").text.count("\n") == 21
    assert unchanged()
    purge_takes_what_no_version_needs(database)


def more(database: Database, folder: Path, places: dict[str, np.ndarray]) -> None:
    """Add rows beside those of `other`, as near as the first ones were, and rows that know the 2MASS name of others."""
    who = np.array([*RIVALLED, *MERGED])
    names = [f"2M0852{n:04d}+1149254" if n in MERGED else None for n in who.tolist()]
    dec = places["dec"][who] + np.where(who < MERGED.start, 1.5, 0.0) / 3600
    ids = [f"late {n}" for n in who.tolist()]
    count = len(who)
    table = write_toy(
        folder / "more.parquet", count, id=ids, gaia=np.zeros(count, int), tmass=names, ra=places["ra"][who], dec=dec
    )
    ingest(database, toy(), table)


def replace_toy(database: Database, folder: Path, places: dict[str, np.ndarray]) -> None:
    """Put a new edition with fewer and other rows in the place of both files."""
    some = {name: values[:20] for name, values in places.items()}
    table = write_toy(folder / "edition.parquet", 20, teff=np.full(20, 4321.0), gaia=np.zeros(20, int), **some)
    ingest(database, toy(), table, replace_earlier=True)


def purge_spares_what_a_version_needs(database: Database) -> None:
    """The file that the version calibrated stays, that of the rows which came later goes."""
    with database.begin() as connection:
        assert measurements.purge_superseded(connection) == 1
    assert count(database, "SELECT count(*) FROM measurement_toy") == N + 20
    assert count(database, "SELECT count(*) FROM raw.toy") == N + 20
    assert count(database, "SELECT count(*) FROM ingestion WHERE superseded_at IS NOT NULL") == 1


def purge_takes_what_no_version_needs(database: Database) -> None:
    with database.begin() as connection:
        assert measurements.purge_superseded(connection) == 0
        version_tables.drop(connection, 1)
        running = versions.create(connection, plan={}, inputs={}, software={}, seed=1)
        assert measurements.purge_superseded(connection) == 0, "a version that is being made may have read the rows"
        versions.fail(connection, running, "enough")
        assert measurements.purge_superseded(connection) == 1
    assert count(database, "SELECT count(*) FROM measurement_toy") == 20
    assert count(database, "SELECT count(*) FROM raw.toy") == 20
