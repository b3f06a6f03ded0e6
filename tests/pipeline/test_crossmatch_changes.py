"""Rows that come and go: the stars are those of a cross-match of everything, whatever the way that leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from app.domain.stars import CrossmatchSummary, RoundedIds
from app.pipeline import match_changes
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.storage import matching, surveys
from app.storage.engine import Database
from tests.support.servers import scratch_database
from tests.support.sightings import add_rows, star_of_objects
from tests.support.tangled_sky import FIRST_GAIA, RADII, tangled

Rows = list[dict[str, Any]]


@pytest.fixture
def twin(server_url: str, template: str) -> Iterator[Database]:
    """A second database, in which everything is always matched anew."""
    with scratch_database(server_url, template) as database:
        yield database


@pytest.fixture
def any_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small skies are small: let a part be as large as it likes."""
    monkeypatch.setattr(match_changes, "LARGEST_SHARE", np.inf)


def _add(rows: Rows, *databases: Database) -> None:
    for survey in sorted({row["survey"] for row in rows}):
        own = [row for row in rows if row["survey"] == survey]
        columns: dict[str, Any] = {name: [row[name] for row in own] for name in own[0] if name != "survey"}
        columns = {
            name: np.array(values, object) if name in {"tmass", "object_id"} else np.array(values)
            for name, values in columns.items()
        }
        for database in databases:
            add_rows(database, survey, columns, radius=RADII[survey])


def _supersede(which: str, *databases: Database) -> None:
    for database in databases:
        with database.begin() as connection:
            found = connection.exec_driver_sql(f"SELECT ingestion_id FROM ingestion WHERE {which}").scalars().all()
            surveys.supersede(connection, found)


def _tables(database: Database) -> tuple[list[Any], list[Any]]:
    with database.connect() as connection:
        return tuple(
            [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")]
            for table in ("star", "match")
        )


def _whole(summary: CrossmatchSummary) -> CrossmatchSummary:
    return replace(summary, looked_at=0, why_full=None)


def _step(database: Database, twin: Database, *, way: str | None = None) -> CrossmatchSummary:
    """Match both databases, each in its way, and hold them to the same stars, matches and summary."""
    part = crossmatch(database, survey_radii(database))
    full = crossmatch(twin, survey_radii(twin), full=True)
    assert part.why_full == way
    assert full.why_full == "asked for"
    assert full.looked_at == full.measurements
    assert _tables(database) == _tables(twin)
    assert _whole(part) == _whole(full)
    return part


@pytest.mark.usefixtures("any_share")
@pytest.mark.parametrize("seed", [*range(12), 34])
def test_rows_in_steps_make_the_stars_of_all_rows(database: Database, twin: Database, seed: int) -> None:
    rows = tangled(1000 + seed, n_stars=200)
    rng = np.random.default_rng(seed)
    cuts = [int(cut * len(rows)) for cut in ((0.5, 0.9, 0.93) if seed % 2 else (0.8, 0.82, 0.99))]
    for place, part in enumerate(np.split(np.array(rows, object), cuts)):
        _add(list(part), database, twin)
        summary = _step(database, twin, way=None if place else match_changes.NOTHING_BEFORE)
    assert summary.looked_at < summary.measurements
    for _ in range(2):
        with database.connect() as connection:
            left = connection.exec_driver_sql("SELECT ingestion_id FROM ingestion WHERE superseded_at IS NULL")
            some = sorted(left.scalars().all())
        gone = int(rng.choice(some))
        _supersede(f"ingestion_id = {gone}", database, twin)
        _step(database, twin)
    _add(rows[:10], database, twin)
    _step(database, twin)


@pytest.mark.usefixtures("any_share")
def test_nothing_new_is_nothing_to_do(database: Database, twin: Database) -> None:
    _add(tangled(5), database, twin)
    first = crossmatch(database, survey_radii(database))
    before = _tables(database)
    again = crossmatch(database, survey_radii(database))
    assert (again.looked_at, again.new_stars, again.gone_stars, again.why_full) == (0, 0, 0, None)
    assert replace(_whole(again), new_stars=first.new_stars) == _whole(first)
    assert _tables(database) == before


@pytest.mark.usefixtures("any_share")
def test_only_what_differs_is_written(database: Database) -> None:
    _add(tangled(6, n_stars=300), database)
    crossmatch(database, survey_radii(database))
    stamps = "SELECT {}, xmin::text FROM {} ORDER BY 1"
    with database.connect() as connection:
        before = {t: dict(map(tuple, connection.exec_driver_sql(stamps.format(k, t)))) for k, t in _KEYS.items()}
    _add([_lone(7.0, 8.0), _lone(7.0, 8.0 + 0.2 / 3600)], database)
    summary = crossmatch(database, survey_radii(database))
    assert summary.looked_at == 2
    with database.connect() as connection:
        after = {t: dict(map(tuple, connection.exec_driver_sql(stamps.format(k, t)))) for k, t in _KEYS.items()}
    assert all(rows.items() <= after[table].items() for table, rows in before.items())
    assert [len(after[table]) - len(before[table]) for table in ("star", "match")] == [1, 2]


_KEYS = {"star_id": "star", "measurement_id": "match"}


def _lone(ra: float, dec: float, **values: Any) -> dict[str, Any]:
    empty = {"gaia_dr3": 0, "gaia_dr2": 0, "tmass": None, "pm_ra_cosdec_masyr": np.nan, "pm_dec_masyr": np.nan}
    number = f"{ra:.6f} {dec:.6f}"
    return empty | {"survey": "beta", "object_id": number, "ra": ra, "dec": dec, "epoch_jyear": 2000.0} | values


@pytest.mark.usefixtures("any_share")
def test_a_star_follows_its_name_to_the_other_side_of_the_sky(database: Database, twin: Database) -> None:
    """The star is named after a row that goes; when a row of that name comes elsewhere, number and split go there."""
    mass = {"tmass": "2M000001"}
    quiet = [_lone(5.0 * n, -40.0) for n in range(20)]
    _add([_lone(100.0, 10.0), *quiet], database, twin)
    _add([_lone(100.0, 10.0, survey="gamma", object_id="named", **mass)], database, twin)
    _step(database, twin, way=match_changes.NOTHING_BEFORE)
    name = star_of_objects(database)["gamma:named"]
    assert name[1] == "2mass:2M000001"
    _supersede("survey_id = (SELECT survey_id FROM survey WHERE name = 'gamma')", database, twin)
    _step(database, twin)
    assert star_of_objects(database)["beta:100.000000 10.000000"] == name
    _add([_lone(280.0, -10.0, survey="alpha", object_id="far", **mass)], database, twin)
    summary = _step(database, twin)
    now = star_of_objects(database)
    assert now["alpha:far"] == name
    assert now["beta:100.000000 10.000000"][0] > 20
    assert summary.looked_at == 2


@pytest.mark.usefixtures("any_share")
def test_what_changes_for_all_is_matched_for_all(database: Database, twin: Database) -> None:
    _add(tangled(8), database, twin)
    _step(database, twin, way=match_changes.NOTHING_BEFORE)
    radii = survey_radii(database) | {"gamma": 5.5}
    wider = crossmatch(database, radii)
    assert wider.why_full == "the match radius of gamma has changed"
    assert crossmatch(database, radii).looked_at == 0
    with database.begin() as connection:
        made = matching.made_of(connection)
        assert made is not None
        matching.keep(connection, replace(made, edition=0))
    assert crossmatch(database, radii).why_full == match_changes.OTHER_RULES
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE star SET n_measurements = n_measurements + 1 WHERE star_id = 1")
    assert crossmatch(database, radii).why_full == match_changes.OTHER_STARS
    with database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM measurement WHERE measurement_id = 7")
    assert crossmatch(database, radii).why_full == match_changes.OTHER_ROWS
    crossmatch(twin, radii, full=True)
    assert len(_tables(database)[1]) == len(_tables(twin)[1]) - 1


@pytest.mark.usefixtures("any_share")
def test_ids_that_turn_out_to_be_rounded_are_judged_for_the_whole_survey(database: Database, twin: Database) -> None:
    """Nine rounded ids are too few to tell; the tenth and more condemn all of them, an exact one acquits them."""

    def damaged(first: int, count: int) -> Rows:
        ids = (FIRST_GAIA + 128 * np.arange(first, first + count)).astype(np.float64).astype(np.int64).tolist()
        return [_lone(3.0 * n, 20.0, gaia_dr3=one) for n, one in enumerate(ids, first)]

    _add(damaged(0, 9), database, twin)
    assert _step(database, twin, way=match_changes.NOTHING_BEFORE).rounded_ids == ()
    why = match_changes.OTHER_JUDGEMENT.format("beta")
    _add(damaged(9, 20), database, twin)
    assert _step(database, twin, way=why).rounded_ids == (RoundedIds("beta", 29),)
    _add(damaged(29, 2), database, twin)
    assert _step(database, twin).rounded_ids == (RoundedIds("beta", 31),)
    _add([_lone(200.0, 20.0, gaia_dr3=FIRST_GAIA + 128 * 777)], database, twin)
    assert _step(database, twin, way=why).rounded_ids == ()


def test_a_large_part_is_matched_with_all_the_rest(database: Database, twin: Database) -> None:
    rows = tangled(9, n_stars=100)
    _add(rows[:150], database, twin)
    _step(database, twin, way=match_changes.NOTHING_BEFORE)
    _add(rows[150:], database, twin)
    _step(database, twin, way=match_changes.LARGE)


@pytest.mark.usefixtures("any_share")
def test_what_fails_leaves_the_old_stars(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tangled(10)
    _add(rows[:300], database)
    crossmatch(database, survey_radii(database))
    before = _tables(database)
    _add(rows[300:], database)

    def broken(*arguments: Any) -> None:
        raise RuntimeError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr(matching, "change", lambda *given: (change(*given), broken()))
        with pytest.raises(RuntimeError, match="plug"):
            crossmatch(database, survey_radii(database))
    assert _tables(database) == before
    assert crossmatch(database, survey_radii(database)).why_full is None


change = matching.change


@pytest.mark.usefixtures("any_share")
def test_readers_wait_for_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tangled(11)
    _add(rows[:300], database)
    crossmatch(database, survey_radii(database))
    before = _tables(database)
    _add(rows[300:], database)
    seen = []

    def written(*given: Any) -> None:
        change(*given)
        with database.connect() as reader:
            reader.execute(text("SET LOCAL lock_timeout = '1ms'"))
            seen.extend(reader.exec_driver_sql("SELECT * FROM star ORDER BY 1").all())

    monkeypatch.setattr(matching, "change", written)
    crossmatch(database, survey_radii(database))
    assert [tuple(row) for row in seen] == before[0]
    assert _tables(database)[0] != before[0]


def test_files_of_the_simulated_sky_come_one_after_the_other(
    database: Database, twin: Database, tmp_path: Path
) -> None:
    """5,000 stars and eight files: the smallest last, each in a folder of its own."""
    write_sky(tmp_path / "all", stars=5_000, seed=3)
    files = sorted(
        (one for one in (tmp_path / "all").iterdir() if one.suffix != ".json"), key=lambda one: one.stat().st_size
    )
    late = [one for one in files if "truth" not in one.name][:2]
    for number, one in enumerate(late):
        folder = tmp_path / f"late {number}"
        folder.mkdir()
        one.rename(folder / one.name)
    (tmp_path / "all" / "truth.parquet").unlink()
    for target in (database, twin):
        ingest_folder(target, tmp_path / "all")
    _step(database, twin, way=match_changes.NOTHING_BEFORE)
    for number in range(len(late)):
        for target in (database, twin):
            ingest_folder(target, tmp_path / f"late {number}")
        summary = _step(database, twin)
        assert 0 < summary.looked_at < 0.2 * summary.measurements
