"""`/v1/cone` and `/v1/region`: the right stars, everywhere on the sky, each once over all pages."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from mocpy import MOC
from pydantic import TypeAdapter

from app.api.models.pages import StarPage
from tests.support.catalogue import Truth
from tests.support.http import Service


def separations(truth: Truth, ra: float, dec: float) -> np.ndarray:
    """Angular distances in arcseconds, by unit vectors."""
    place, centre = (np.radians([truth.ra, truth.dec]), np.radians([ra, dec]))
    chord = np.linalg.norm(unit(*place) - unit(*centre)[:, None], axis=0)
    return np.degrees(2 * np.arcsin(chord / 2)) * 3600


def unit(ra, dec) -> np.ndarray:
    return np.array([np.cos(ra) * np.cos(dec), np.sin(ra) * np.cos(dec), np.sin(dec)])


@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [
        (0.0, 90.0, 0.01),
        (250.0, 89.9999, 1.0),
        (0.0, -90.0, 30.0),
        (0.0, 10.0, 0.001),
        (359.99995, 10.0, 0.0004),
        (360.0, 10.0, 40.0),
        (150.0, 2.0, 0.0001),
        (77.0, -33.0, 25.0),
        (200.0, 0.0, 180.0),
        (0.0, -90.0, 180.0),
        (330.0, -2.0, 180.0),
        (330.0, -2.0, 179.9999),
        (12.0, 34.0, 0.0),
        (150.0, 2.0, 0.0),
        (0.0, 90.0, 0.0),
    ],
)
def test_a_cone_holds_the_stars_within_its_radius_nearest_first(
    service: Service, truth: Truth, ra: float, dec: float, radius: float
):
    rows = service.rows("/v1/cone", "stars", ra=ra, dec=dec, radius=radius)
    distance = separations(truth, ra, dec)
    inside = np.flatnonzero(distance <= radius * 3600)
    assert {row["star_id"] for row in rows} == {str(number) for number in truth.star_id[inside]}
    found = np.array([row["separation_arcsec"] for row in rows])
    assert np.all(np.diff(found) >= 0)
    by_number = dict(zip(truth.star_id.tolist(), distance, strict=True))
    expected = [by_number[int(row["star_id"])] for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("radius", ["0", "180"])
def test_a_cone_holds_its_rim_wherever_it_is_asked_for(service: Service, truth: Truth, radius: str):
    place = {"ra": truth.ra[0], "dec": truth.dec[0] if radius == "0" else -truth.dec[0]}
    expected = {str(number) for number in (truth.star_id[:1] if radius == "0" else truth.star_id)}
    cone = service.rows("/v1/cone", "stars", radius=radius, **place)
    assert {row["star_id"] for row in cone} == expected
    part = service.rows("/v1/catalog", "stars", radius=radius, columns="star_id", **place)
    assert {row["star_id"] for row in part} == expected
    search = service.get("/scs", RA=place["ra"], DEC=place["dec"], SR=radius, RESPONSEFORMAT="csv")
    assert {line.partition(",")[0].strip('"') for line in search.text.splitlines()[1:]} == expected
    table = f"ra,dec\n{truth.ra[0]},{truth.dec[0]}\n"
    matched = service.post("/v1/match", table, "text/csv", radius=0, columns="star_id").text.splitlines()[1]
    assert matched.split(",")[-1] == str(truth.star_id[0])


@pytest.mark.parametrize("limit", [1, 2, 7, 300])
def test_pages_hold_every_star_once_and_in_order(service: Service, truth: Truth, limit: int):
    whole = service.rows("/v1/cone", "stars", ra=150, dec=2, radius=120, limit=1000)
    paged = service.rows("/v1/cone", "stars", ra=150, dec=2, radius=120, limit=limit)
    assert paged == whole
    assert len(whole) == np.count_nonzero(separations(truth, 150, 2) < 120 * 3600)


def test_stars_at_the_same_place_are_parted_by_a_page_without_loss(service: Service, truth: Truth):
    rows = service.rows("/v1/cone", "stars", ra=150, dec=2, radius=0.01, limit=1)
    assert [row["star_id"] for row in rows] == [str(truth.star_id[8]), str(truth.star_id[9])]


def test_a_full_last_page_has_no_next(service: Service):
    body = service.get("/v1/cone", ra=150, dec=2, radius=0.01, limit=2).json()
    assert (body["count"], body["truncated"], body["next"]) == (2, False, None)


def test_positions_and_radii_are_taken_as_users_write_them(service: Service):
    plain = service.get("/v1/cone", ra=150, dec=2, radius=0.5).content
    for query in (
        {"ra": "10:00:00", "dec": "+02:00:00", "radius": "30", "unit": "arcmin"},
        {"ra": "10 00 00", "dec": "2", "radius": "1800", "unit": "arcsec"},
    ):
        assert service.get("/v1/cone", **query).content == plain


def test_rows_have_the_columns_of_the_catalogue(service: Service, truth: Truth):
    body = service.get("/v1/cone", ra=150, dec=2, radius=0.01, limit=1)
    [row] = body.json()["stars"]
    assert list(row)[:7] == ["star_id", "gaia_dr3_source_id", "ra", "dec", "teff", "teff_lower", "teff_upper"]
    assert list(row)[-6:] == ["g_mag", "bp_mag", "rp_mag", "k_mag", "version", "separation_arcsec"]
    assert row["gaia_dr3_source_id"] == str(truth.gaia[8])
    assert row["teff"] == 4208
    TypeAdapter(StarPage).validate_json(body.content, strict=True)


def test_next_names_the_version_that_the_pages_are_of(service: Service):
    body = service.get("/v1/cone", ra=150, dec=2, radius=120, limit=3).json()
    assert "version=2" in body["next"]
    assert body["next"].startswith("http://sos.test/v1/cone?")


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({}, "ra", "is required (right ascension"),
        ({"ra": 1, "dec": 91, "radius": 1}, "dec", "-90 to 90"),
        ({"ra": -1, "dec": 1, "radius": 1}, "ra", "0 to 360"),
        ({"ra": "x", "dec": 1, "radius": 1}, "ra", "got 'x'"),
        ({"ra": "nan", "dec": 1, "radius": 1}, "ra", "got 'nan'"),
        ({"ra": 1, "dec": 1, "radius": -1}, "radius", "from 0 to 180"),
        ({"ra": 1, "dec": 1, "radius": 1, "unit": "rad"}, "unit", "'deg', 'arcmin' or 'arcsec'"),
        ({"ra": 1, "dec": 1, "radius": 1, "limit": 0}, "limit", "greater than or equal to 1"),
        ({"ra": 1, "dec": 1, "radius": 1, "limit": 10_001}, "limit", "less than or equal to 10000"),
        ({"ra": 1, "dec": 1, "radius": 1, "after": "x"}, "after", "`next` of the page before"),
        ({"ra": 1, "dec": 1, "radius": 1, "after": "YWJj"}, "after", "`next` of the page before"),
        ({"ra": 1, "dec": 1, "radius": 1, "after": "YXxi"}, "after", "`next` of the page before"),
        ({"ra": 1, "dec": 1, "radius": 1, "version": 0}, "version", "from 1, or 'current'"),
        ({"ra": 1, "dec": 1, "radius": 1, "version": "²"}, "version", "from 1, or 'current'"),
        ({"ra": 1, "dec": 1, "radius": 1, "raduis": 1}, "raduis", "no parameter of this call; it takes version"),
    ],
)
def test_bad_input_is_named_with_what_would_be_right(service: Service, query: dict, parameter: str, words: str):
    answer = service.get("/v1/cone", **query)
    problem = answer.json()
    assert answer.status_code == problem["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:sos:problem:bad-parameter"
    [found] = [error for error in problem["errors"] if error["parameter"] == parameter]
    assert words in found["detail"]


SHAPES = {
    "polygon": "140 -10, 160 -10, 160 10, 140 10",
    "box": "0 10 30 30",
    "moc": "1/0-3 2/20-30",
    "healpix": "0/4",
}


def inside(truth: Truth, shape: str) -> np.ndarray:
    """Places of the stars in a shape, by astropy and mocpy."""
    stars = SkyCoord(truth.ra, truth.dec, unit="deg")
    if shape in {"moc", "healpix"}:
        return np.flatnonzero(MOC.from_string(SHAPES[shape]).contains_skycoords(stars))
    centre, half_width, half_height = ((150, 0), 10, None) if shape == "polygon" else ((0, 10), 15, 15)
    seen = stars.transform_to(SkyCoord(*centre, unit="deg").skyoffset_frame()).cartesian
    east, north = np.arctan2(seen.y, seen.x).to_value("deg"), np.arctan2(seen.z, seen.x).to_value("deg")
    if half_height is None:  # its corners, 10 degrees east of the middle and 10 north, seen from there
        half_height = np.degrees(np.arctan(np.tan(np.radians(10)) / np.cos(np.radians(10))))
    return np.flatnonzero((np.abs(east) < half_width) & (np.abs(north) < half_height))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_region_holds_its_stars_on_pages_in_files_and_as_a_filter(service: Service, truth: Truth, shape: str):
    expected = [str(number) for number in truth.star_id[inside(truth, shape)]]
    assert len(expected) > 3
    region = {shape: SHAPES[shape]}
    for path in ("/v1/region", "/v1/catalog"):
        rows = service.rows(path, "stars", limit=2, **region)
        assert [row["star_id"] for row in rows] == expected
        file = service.get(path, format="csv", columns="star_id", **region)
        assert file.text.splitlines()[1:] == expected
        assert file.headers["X-SoS-Rows"] == str(len(expected))


def test_a_region_takes_the_filters_of_the_catalogue(service: Service, truth: Truth):
    rows = service.rows("/v1/region", "stars", healpix="0/4", moc="1/16-19", teff_min=4250, columns="star_id,teff")
    stars = np.array([int(row["star_id"]) for row in rows])
    assert set(stars) == set(truth.star_id[[place for place in inside(truth, "healpix") if place >= 50]])


def test_a_long_moc_is_sent_as_the_body(service: Service, truth: Truth):
    whole = service.get("/v1/region", moc=SHAPES["moc"]).json()["stars"]
    for body in (SHAPES["moc"], MOC.from_string(SHAPES["moc"]).to_string("json")):
        page = service.post("/v1/region", body, limit=3).json()
        rows = page["stars"]
        while page["next"]:
            page = service.post(page["next"], body).json()
            rows += page["stars"]
        assert rows == whole
    cells = " ".join(f"{cell}" for cell in range(0, 40_000, 2))
    answer = service.post("/v1/region", f"29/{cells}", format="csv", columns="star_id")
    assert (answer.status_code, answer.headers["X-SoS-Rows"]) == (200, "0")


def test_the_answer_to_a_body_is_never_taken_for_that_to_another(service: Service):
    answer = service.post("/v1/region", "0/4", format="csv", version=2)
    assert "etag" not in answer.headers
    assert "immutable" not in answer.headers["cache-control"]
    assert "immutable" not in service.post("/v1/region", "0/4", version=2).headers["cache-control"]


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ({}, "polygon", "give a polygon, box, moc or healpix"),
        ({"polygon": "1 2 3"}, "polygon", "odd number"),
        ({"polygon": "0 0 1 1 1 0 0 1"}, "polygon", "crosses itself"),
        ({"polygon": "0 0 120 0 240 0"}, "polygon", "less than a hemisphere"),
        ({"box": "1 2 0 1"}, "box", "above 0"),
        ({"moc": "1"}, "moc", "5/1-3 6/44"),
        ({"healpix": "1/48"}, "healpix", "from 0 to 47"),
        ({"healpix": "1/4", "radius": 1}, "ra", "a cone needs ra, dec and radius"),
    ],
)
def test_a_bad_region_is_named(service: Service, query: dict, parameter: str, words: str):
    answer = service.get("/v1/region", **query)
    assert answer.status_code == 422
    [found] = answer.json()["errors"]
    assert found["parameter"] == parameter
    assert words in found["detail"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"12"])
def test_a_body_that_is_no_moc_is_named(service: Service, body: bytes):
    answer = service.post("/v1/region", body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "moc")
