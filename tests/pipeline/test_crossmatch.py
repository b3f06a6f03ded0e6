"""Measurements become stars in the database, the same whatever came first, and stay the same stars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import exc, text

from app.domain.errors import ConflictError, ParameterError
from app.domain.stars import CrossmatchSummary, Overlap, RoundedIds
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.science.calibration.split import split_of
from app.science.sphere import healpix_nested, moved
from app.storage import matching, stars
from app.storage import surveys as storage_surveys
from app.storage.engine import Database
from tests.support.sightings import add_rows, star_of_objects, stars_of

FIRST_GAIA = 4_654_951_736_571_465_088
N_STARS = 600


def _designation(number: int) -> str:
    return f"{number:08d}+{number:07d}"


def _surveys(seed: int = 1) -> dict[str, dict[str, Any]]:
    """Three surveys of 600 stars: one with Gaia ids and motions, one with 2MASS names and repeats, one with neither."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, N_STARS), np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS)))
    ra[:60], dec[:60] = rng.normal(0, 0.3, 60) % 360, rng.normal(0, 20, 60)
    dec[60:100] = 90 - np.abs(rng.normal(0, 2, 40))
    pm = rng.normal(0, 60, (2, N_STARS))
    everyone = np.arange(N_STARS)
    gaia, infrared, plain = everyone[:400], np.concatenate([everyone[200:500], everyone[200:260]]), everyone[300:]

    def seen(who: np.ndarray, years: float, error_arcsec: float) -> dict[str, Any]:
        off = rng.normal(0, error_arcsec * 1000, (2, len(who)))
        place = moved(ra[who], dec[who], pm[0, who] * years + off[0], pm[1, who] * years + off[1], 1.0)
        return {"ra": place[0], "dec": place[1], "epoch_jyear": np.full(len(who), 2000.0 + years)}

    return {
        "gaia_like": seen(gaia, 16.0, 0.001) | {
            "object_id": gaia, "gaia_dr3": FIRST_GAIA + 128 * gaia, "pm_ra_cosdec_masyr": pm[0, gaia],
            "pm_dec_masyr": pm[1, gaia], "g_mag": 10 + gaia / 100,
        },
        "infrared": seen(infrared, 0.0, 0.1) | {
            "object_id": np.arange(len(infrared)) + 5000, "k_mag": 8 + infrared / 100,
            "tmass": np.array([_designation(number) for number in infrared], object),
            "g_mag": np.full(len(infrared), 20.0),
        },
        "plain": seen(plain, 0.0, 0.2) | {"object_id": plain, "g_mag": np.full(len(plain), 30.0)},
    }  # fmt: skip


def _fill(database: Database, surveys: dict[str, dict[str, Any]], *, shuffle: int | None = None) -> None:
    for name, rows in surveys.items():
        order = np.arange(len(rows["ra"]))
        if shuffle is not None:
            order = np.random.default_rng(shuffle).permutation(order)
        add_rows(database, name, {column: np.asarray(values)[order] for column, values in rows.items()})


def _run(database: Database) -> CrossmatchSummary:
    return crossmatch(database, survey_radii(database))


def _table(database: Database, query: str) -> list[Any]:
    with database.connect() as connection:
        return list(connection.execute(text(query)))


def test_stars_are_made_of_all_surveys(database: Database) -> None:
    _fill(database, _surveys())
    summary = _run(database)
    assert (summary.measurements, summary.stars, summary.new_stars, summary.gone_stars) == (1060, 600, 600, 0)
    assert summary.by_id + summary.by_position + summary.alone == 1060
    assert (summary.alone, summary.by_id, summary.matched_stars) == (300, 120, 300)
    assert summary.overlaps == (
        Overlap("gaia_like", "infrared", 200), Overlap("infrared", "plain", 200), Overlap("gaia_like", "plain", 100),
    )  # fmt: skip
    groups = stars_of(database)
    assert groups[f"gaia:{FIRST_GAIA}"] == {"gaia_like:0"}
    assert groups[f"gaia:{FIRST_GAIA + 128 * 250}"] == {"gaia_like:250", "infrared:5050", "infrared:5350"}
    assert groups[f"gaia:{FIRST_GAIA + 128 * 320}"] == {"gaia_like:320", "infrared:5120", "plain:320"}
    assert groups[f"2mass:{_designation(450)}"] == {"infrared:5250", "plain:450"}
    assert groups["plain:599"] == {"plain:599"}


def test_what_a_star_is_said_to_be(database: Database) -> None:
    surveys = _surveys()
    _fill(database, surveys)
    _run(database)
    rows = _table(database, "SELECT * FROM star ORDER BY star_id")
    assert [row.star_id for row in rows] == list(range(1, 601))
    place = healpix_nested(np.array([row.ra for row in rows]), np.array([row.dec for row in rows]))
    assert np.all(np.diff(place) > 0), "numbers follow the sky"
    assert [row.split for row in rows] == split_of(np.array([row.identity for row in rows])).tolist()
    by_name = {row.identity: row for row in rows}
    star, gaia = by_name[f"gaia:{FIRST_GAIA + 128 * 320}"], surveys["gaia_like"]
    assert (star.ra, star.dec, star.epoch_jyear) == (gaia["ra"][320], gaia["dec"][320], 2016.0)
    assert star.pm_ra_cosdec_masyr == pytest.approx(gaia["pm_ra_cosdec_masyr"][320], rel=1e-6)
    assert (star.g_mag, star.k_mag, star.bp_mag) == (pytest.approx(13.2), pytest.approx(11.2), None)
    assert (star.gaia_dr3_source_id, star.tmass) == (FIRST_GAIA + 128 * 320, _designation(320))
    assert (star.n_measurements, star.n_surveys, star.ambiguous) == (3, 3, False)
    alone = by_name["plain:599"]
    assert (alone.gaia_dr3_source_id, alone.tmass, alone.pm_dec_masyr, alone.k_mag) == (None, None, None, None)
    separations = dict(_table(database, "SELECT how, max(separation_arcsec) FROM match GROUP BY how ORDER BY how"))
    assert separations[0] == 0
    assert 0.1 < separations[2] < 1.5, "the star is moved back to the epoch of the measurement"


def test_the_order_of_surveys_and_rows_changes_nothing(
    database: Database, empty_database: Database, request: pytest.FixtureRequest
) -> None:
    from app.storage import migrate

    with empty_database.begin() as connection:
        migrate.upgrade(connection)
    surveys = _surveys()
    for rows in surveys.values():
        rows["ra"][-40:], rows["dec"][-40:] = rows["ra"][:40] + 1e-4, rows["dec"][:40]
    _fill(database, surveys)
    _fill(empty_database, dict(reversed(surveys.items())), shuffle=5)
    first, second = _run(database), _run(empty_database)
    assert first == second
    assert first.ambiguous > 20
    assert star_of_objects(database) == star_of_objects(empty_database)
    columns = "identity, star_id, ra, dec, g_mag, tmass, gaia_dr3_source_id, n_surveys, ambiguous"
    stars_query = f"SELECT {columns} FROM star ORDER BY star_id"
    assert _table(database, stars_query) == _table(empty_database, stars_query)


def test_stars_keep_number_name_and_split_when_surveys_arrive(database: Database, empty_database: Database) -> None:
    from app.storage import migrate

    surveys = _surveys()
    history: dict[str, tuple[int, str, int]] = {}
    for name in ("plain", "infrared", "gaia_like"):
        _fill(database, {name: surveys[name]})
        before = max((star[0] for star in history.values()), default=0)
        summary = _run(database)
        now = star_of_objects(database)
        assert {item: now[item] for item in history} == history
        new = {star[0] for star in now.values()} - {star[0] for star in history.values()}
        assert (summary.new_stars, summary.gone_stars) == (len(new), 0)
        assert min(new) == before + 1
        history = now
    assert history["gaia_like:320"][1] == "plain:320", "the name of the first day stays"
    gaia = _table(database, "SELECT gaia_dr3_source_id FROM star WHERE identity = 'plain:320'")
    assert gaia == [(FIRST_GAIA + 128 * 320,)]
    assert _run(database).new_stars == 0
    assert star_of_objects(database) == history
    with empty_database.begin() as connection:
        migrate.upgrade(connection)
    _fill(empty_database, surveys)
    _run(empty_database)
    groups = [sorted(map(sorted, stars_of(one).values())) for one in (database, empty_database)]
    assert groups[0] == groups[1], "the stars are those of one run over everything"


def test_numbers_are_never_given_again(database: Database) -> None:
    surveys = _surveys()
    _fill(database, surveys)
    _run(database)
    with database.begin() as connection:
        connection.execute(
            text("DELETE FROM match WHERE survey_id = (SELECT survey_id FROM survey WHERE name = 'plain')")
        )
        connection.execute(text("DELETE FROM measurement_plain"))
    summary = _run(database)
    assert (summary.stars, summary.new_stars, summary.gone_stars) == (500, 0, 100)
    _fill(database, {"late": {"ra": np.array([1.0]), "dec": np.array([2.0]), "object_id": ["x"]}})
    _run(database)
    assert star_of_objects(database)["late:x"][0] == 601


def test_names_stay_unique_where_surveys_contradict_each_other(database: Database) -> None:
    far = {"ra": np.array([10.0, 50.0, 90.0]), "dec": np.zeros(3)}
    _fill(database, {
        "one": far | {"object_id": ["a", "a", "b"], "tmass": np.array([_designation(1)] * 3, object)},
        "two": far | {"object_id": ["a", "b", "c"], "gaia_dr3": [7 * 128, 7 * 128, 0]},
    })  # fmt: skip
    summary = _run(database)
    assert (summary.stars, summary.ambiguous) == (3, 5)
    assert stars_of(database) == {
        "gaia:896": {"one:a", "two:a"}, "one:a": {"one:a", "two:b"}, "one:b": {"one:b", "two:c"},
    }  # fmt: skip
    _fill(database, {"three": {"ra": np.array([1.0, 2.0]), "dec": np.zeros(2), "object_id": ["z", "z"]}})
    _run(database)
    assert {name for name in stars_of(database) if name.startswith("three")} == {
        "three:z@1.000000+0.000000", "three:z@2.000000+0.000000",
    }  # fmt: skip
    before = star_of_objects(database)
    assert _run(database).new_stars == 0
    assert star_of_objects(database) == before


def test_stars_of_one_name_at_one_place_are_told_apart(database: Database) -> None:
    """Four spectra of one object at one place have three 2MASS names that other stars are called by."""
    others = {"ra": np.array([10.0, 20.0, 30.0]), "dec": np.zeros(3), "object_id": ["p", "q", "r"]}
    names = np.array([_designation(number) for number in (1, 2, 3)], object)
    _fill(database, {"first": others | {"tmass": names}})
    _run(database)
    same = {"ra": np.full(4, 50.0), "dec": np.zeros(4), "object_id": ["o"] * 4}
    ids = {"gaia_dr2": np.array([5, 6, 7, 0]) * 128}
    _fill(database, {"second": same | ids | {"tmass": np.array([*names, None], object)}})
    _run(database)
    new = sorted(name for name, objects in stars_of(database).items() if "second:o" in objects)
    assert new == ["second:o@50.000000+0.000000", *(f"second:o@50.000000+0.000000#{n}" for n in range(2, len(new) + 1))]
    assert len(new) >= 3
    before = star_of_objects(database)
    assert _run(database).new_stars == 0
    assert star_of_objects(database) == before


def test_ids_that_went_through_a_float_are_left_aside_and_told(database: Database) -> None:
    surveys = _surveys()
    whole = surveys["gaia_like"]["gaia_dr3"]
    damaged = surveys["gaia_like"] | {"gaia_dr3": whole.astype(np.float64).astype(np.int64)}
    _fill(database, {"damaged": damaged, "whole": surveys["gaia_like"]})
    summary = _run(database)
    assert summary.rounded_ids == (RoundedIds("damaged", 400),)
    assert (summary.stars, summary.ambiguous) == (400, 0)
    assert sorted(row[0] for row in _table(database, "SELECT gaia_dr3_source_id FROM star")) == whole.tolist()


def test_nothing_to_match_is_no_error(database: Database) -> None:
    summary = _run(database)
    assert (summary.measurements, summary.stars, summary.overlaps) == (0, 0, ())
    _fill(database, _surveys())
    _run(database)
    with database.begin() as connection:
        connection.execute(text("DELETE FROM measurement"))
    assert _run(database).gone_stars == 600


def test_a_survey_without_a_radius_is_refused(database: Database) -> None:
    _fill(database, _surveys())
    with pytest.raises(ParameterError, match="every survey needs a match radius in arcsec, plain has none"):
        crossmatch(database, {"gaia_like": 1.0, "infrared": 3.0})


def test_a_pile_of_stars_is_refused_and_the_old_stars_stay(database: Database) -> None:
    _fill(database, _surveys())
    _run(database)
    before = star_of_objects(database)
    pile = {"ra": np.full(2500, 12.0), "dec": np.full(2500, 34.0), "object_id": np.arange(2500)}
    _fill(database, {"piled": pile | {"gaia_dr3": 128 * np.arange(1, 2501)}})
    with pytest.raises(ConflictError, match=r"near ra 12\.00000, dec 34\.00000, most of them of piled"):
        _run(database)
    assert star_of_objects(database) == before


def test_two_at_once_are_refused(database: Database) -> None:
    _fill(database, _surveys())
    with database.begin() as connection:
        matching.begin(connection)
        with pytest.raises(ConflictError, match="a cross-match is running"):
            _run(database)
    assert _run(database).stars == 600


def test_no_survey_is_ingested_meanwhile(database: Database) -> None:
    _fill(database, _surveys())
    with database.begin() as connection:
        matching.begin(connection)
        with database.begin() as other:
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(exc.OperationalError, match="lock timeout"):
                storage_surveys.lock(other, "plain")
            other.rollback()


def test_the_tables_have_the_indexes_and_constraints_of_the_schema_afterwards(database: Database) -> None:
    query = """
        SELECT indexdef FROM pg_indexes WHERE tablename IN ('star', 'match')
        UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN
            ('star'::regclass, 'match'::regclass) ORDER BY 1"""
    before = _table(database, query)
    _fill(database, _surveys())
    _run(database)
    assert _table(database, query) == before


def test_progress_ends_complete(database: Database) -> None:
    _fill(database, _surveys())
    steps: list[tuple[int, int | None]] = []
    crossmatch(database, survey_radii(database), progress=lambda done, total: steps.append((done, total)))
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_overlaps_are_read_back(database: Database) -> None:
    _fill(database, _surveys())
    summary = _run(database)
    with database.connect() as connection:
        assert stars.overlaps(connection) == summary.overlaps
