"""`/v1/stars/{id}`: every form of identifier, and why a value is what it is."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from app.api.models.stars import StarAnswer
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.catalogue import FIRST_GAIA, Truth
from tests.support.http import Service, serving

PLACE = 14  # measured by all three surveys


def test_every_form_of_identifier_names_the_same_star(service: Service, truth: Truth):
    gaia = FIRST_GAIA + PLACE
    forms = [
        f"sos:{truth.star_id[PLACE]}",
        f"gaia:{gaia}",
        str(gaia),
        f"alpha_dr1:{truth.object_id('alpha_dr1', PLACE)}",
        f"gamma:{truth.object_id('gamma', 2)}",
    ]
    answers = [service.get(f"/v1/stars/{form}") for form in forms]
    assert [answer.status_code for answer in answers] == [200] * len(forms)
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["star_id"] == str(truth.star_id[PLACE])


def test_a_star_is_what_its_version_says(service: Service, truth: Truth):
    answer = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}")
    star = answer.json()
    assert answer.headers["X-SoS-Version"] == "2"
    assert star["version"] == 2
    assert star["gaia_dr3_source_id"] == str(FIRST_GAIA + PLACE)
    assert (star["ra"], star["dec"]) == (truth.ra[PLACE], truth.dec[PLACE])
    assert star["teff"]["value"] == 4200 + PLACE
    assert star["teff"]["lower"] == pytest.approx(4200 + PLACE - 0.1)
    assert star["teff"]["upper"] == pytest.approx(4200 + PLACE + 0.3)
    assert star["teff"]["unit"] == "K"
    assert star["teff"]["n"] == 1 + PLACE % 3
    assert star["feh"]["unit"] == "dex"


def test_the_contributions_say_why(service: Service, truth: Truth):
    star = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}").json()
    assert [one["survey"] for one in star["contributions"]] == ["alpha_dr1", "beta_dr2", "gamma"]
    beta = star["contributions"][1]
    assert beta["object_id"] == truth.object_id("beta_dr2", PLACE // 2)
    assert beta["measurement_id"] == str(truth.measurement_id["beta_dr2"][PLACE // 2])
    assert beta["split"] == ("train", "conformalize", "test")[PLACE % 3]
    teff = beta["teff"]
    raw, calibrated = 4002.0 + PLACE, 4200.0 + PLACE
    assert teff["raw"] == {"value": raw, "lower": raw - 0.25, "upper": raw + 0.5}
    assert teff["calibrated"] == {"value": calibrated, "lower": calibrated - 0.125, "upper": calibrated + 0.375}
    assert teff["correction"] == {"value": 198.0, "lower": 198.0 - 0.125, "upper": 198.0 + 0.375}
    assert teff["weight"] == 0.5
    assert teff["model"]["kind"] == "boosted"
    assert len(teff["model"]["sha256"]) == 64
    assert beta["row_number"] == PLACE // 2 + 1
    assert beta["file"] == {"name": "beta_dr2.fits", "sha256": "a" * 64, "descriptor_sha256": "b" * 64}
    assert star["contributions"][2]["file"]["name"] == "gamma.fits"
    assert star["contributions"][0]["teff"]["model"]["kind"] == "identity"
    assert star["contributions"][2]["teff"]["model"] is None


def test_the_correlation_is_shown_where_it_is_known(service: Service, truth: Truth):
    known = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}")
    TypeAdapter(StarAnswer).validate_json(known.content, extra="forbid")
    assert known.json()["correlation"] == {"teff_logg": 0.5, "teff_feh": None, "logg_feh": -0.25}
    assert service.get(f"/v1/stars/sos:{truth.star_id[PLACE + 1]}").json()["correlation"] is None


def test_an_excluded_value_is_shown_as_such(service: Service, truth: Truth):
    star = service.get(f"/v1/stars/alpha_dr1:{truth.object_id('alpha_dr1', 1)}").json()
    [alpha] = star["contributions"]
    assert [alpha[name]["excluded"] for name in ("teff", "logg", "feh")] == [False, True, False]


def test_what_is_missing_is_null(service: Service, truth: Truth):
    no_gaia = service.get(f"/v1/stars/sos:{truth.star_id[9]}").json()
    assert no_gaia["gaia_dr3_source_id"] is None
    no_value = service.get(f"/v1/stars/sos:{truth.star_id[4]}").json()
    assert no_value["teff"]["value"] is None
    no_raw = service.get(f"/v1/stars/alpha_dr1:{truth.object_id('alpha_dr1', 2)}").json()["contributions"][0]
    assert no_raw["teff"]["raw"] == {"value": None, "lower": None, "upper": None}
    assert no_raw["teff"]["correction"] == {"value": None, "lower": None, "upper": None}


def test_a_contribution_whose_row_was_replaced_stays_with_what_the_version_holds(database: Database):
    truth = catalogue.build(database)
    with serving(database) as service:
        before = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}").json()
        with database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM measurement WHERE survey_id = 2")
        after = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}")
    TypeAdapter(StarAnswer).validate_json(after.content, strict=True, extra="forbid")
    unknown = {"value": None, "lower": None, "upper": None}
    [alpha, beta, gamma] = before["contributions"]
    for name in ("teff", "logg", "feh"):
        beta[name] |= {"raw": unknown, "correction": unknown, "excluded": False}
    beta |= {"object_id": None, "row_number": None, "file": None, "snr": None}
    assert after.json()["contributions"] == [alpha, beta, gamma]


def test_the_answer_has_the_documented_shape(service: Service, truth: Truth):
    body = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}").content
    TypeAdapter(StarAnswer).validate_json(body, strict=True, extra="forbid")


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("sos:2", 404, "version 2 has no star sos:2"),
        ("gaia:123456789012345678", 404, "no star gaia:123456789012345678"),
        ("alpha_dr1:nothing", 404, "no star alpha_dr1:nothing"),
        ("delta:1", 404, "no survey 'delta'"),
        ("42", 422, "names no star"),
        ("sos:9223372036854775808", 422, "names no star"),
        ("sos:x", 422, "names no star"),
    ],
)
def test_a_star_that_is_not_there_is_named(service: Service, name: str, status: int, words: str):
    answer = service.get(f"/v1/stars/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]
