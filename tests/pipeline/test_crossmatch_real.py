"""The cross-match of the real tables against counts made another way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord, search_around_sky
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sqlalchemy import text

from app.domain.stars import CrossmatchSummary, RoundedIds
from app.pipeline import match_changes
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.ingest import ingest, ingest_folder, scan_folder
from app.storage.engine import Database
from app.surveys import loader

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def matched(server_url: str, template: str, real_data: Path) -> Any:
    from tests.support.servers import scratch_database

    with scratch_database(server_url, template) as database:
        ingest_folder(database, real_data)
        yield database, crossmatch(database, survey_radii(database))


def _common(matched: tuple[Database, CrossmatchSummary], *surveys: str) -> int:
    return {(one.first, one.second): one.stars for one in matched[1].overlaps}[surveys]


def _positions(database: Database, survey: str) -> tuple[SkyCoord, np.ndarray]:
    query = """
        SELECT ra, dec, star_id FROM measurement JOIN match USING (measurement_id, survey_id)
        JOIN survey USING (survey_id) WHERE name = :name"""
    with database.connect() as connection:
        rows = np.array(list(connection.execute(text(query), {"name": survey})))
    return SkyCoord(rows[:, 0] * u.deg, rows[:, 1] * u.deg), rows[:, 2].astype(int)


def test_lamost_giants_and_apogee_have_the_stars_in_common_that_lie_together(
    matched: tuple[Database, CrossmatchSummary],
) -> None:
    """1,173 spectra at 1,007 positions are 938 stars: repeats of one star lie up to 3" apart."""
    giants, giant_star = _positions(matched[0], "lamost_lrs_giants")
    apogee, apogee_star = _positions(matched[0], "apogee_dr17")
    left, right, _, _ = search_around_sky(giants, apogee, 3 * u.arcsec)
    assert len(left) == 1173
    assert len({(giants.ra.deg[i], giants.dec.deg[i]) for i in left}) == 1007
    assert len(np.unique(right)) == _common(matched, "apogee_dr17", "lamost_lrs_giants") == 938
    assert np.mean(giant_star[left] == apogee_star[right]) > 0.998


@pytest.mark.parametrize(
    ("surveys", "stars"),
    [
        (("lamost_lrs", "lamost_mrs"), 162),
        (("apogee_dr17", "galah_dr4"), 466),
        (("apogee_dr17", "lamost_mrs"), 28),
        (("apogee_dr17", "lamost_lrs"), 12),
        (("gaia_gspspec", "lamost_lrs_giants"), 6),
        (("apogee_dr17", "gaia_gspspec"), 4),
    ],
)
def test_other_surveys_have_the_known_numbers_in_common(
    matched: tuple[Database, CrossmatchSummary], surveys: tuple[str, str], stars: int
) -> None:
    assert _common(matched, *surveys) == stars


def test_apogee_and_galah_meet_although_apogee_s_ids_are_rounded(matched: tuple[Database, CrossmatchSummary]) -> None:
    """All 6,748 Gaia ids above 2^60 in the APOGEE table went through a float; none of the other surveys' did."""
    assert matched[1].rounded_ids == (RoundedIds("apogee_dr17", 6748),)
    assert _common(matched, "apogee_dr17", "galah_dr3") == 131


def test_few_rows_are_ambiguous_and_repeats_are_one_star(matched: tuple[Database, CrossmatchSummary]) -> None:
    """2,178 giants have spectra at the very same place, 2,731 within 1"."""
    database, summary = matched
    assert summary.ambiguous < 0.001 * summary.measurements
    giants, star = _positions(database, "lamost_lrs_giants")
    left, right, _, _ = search_around_sky(giants, giants, 1 * u.arcsec)
    links = coo_matrix((np.ones(len(left)), (left, right)), shape=(len(star), len(star)))
    n_stars, expected = connected_components(links, directed=False)
    assert (np.bincount(expected) > 1).sum() == 2731
    assert len(np.unique(star)) == n_stars
    assert len(np.unique(np.column_stack([star, expected]), axis=0)) == n_stars


@pytest.mark.parametrize("last", ["apogee_dr17", "galah_dr4", "lamost_lrs_giants", "lamost_mrs", "rave_dr4"])
def test_the_last_survey_makes_the_stars_of_all_at_once(
    server_url: str, template: str, real_data: Path, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also APOGEE with its rounded ids, and a large part of all rows."""
    from tests.support.servers import scratch_database

    monkeypatch.setattr(match_changes, "LARGEST_SHARE", np.inf)
    with scratch_database(server_url, template) as part, scratch_database(server_url, template) as whole:
        files = scan_folder(real_data, loader.builtin()).recognised
        for late in (False, True):
            for path, descriptor in files:
                if (descriptor.name == last) is late:
                    for database in (part, whole):
                        ingest(database, descriptor, path)
            found = crossmatch(part, survey_radii(part))
            expected = crossmatch(whole, survey_radii(whole), full=True)
        assert found.why_full is None
        assert found.looked_at < 0.8 * found.measurements
        assert replace(found, why_full="asked for", looked_at=expected.looked_at) == expected
        assert _rows(part, "star") == _rows(whole, "star")
        assert _rows(part, "match") == _rows(whole, "match")


def _rows(database: Database, table: str) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1"))]
