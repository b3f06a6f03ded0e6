"""`/v1/versions/{v}/diff/{w}`: what changed, and no star left out in silence."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from app.api.models.diffs import DiffAnswer
from tests.support.catalogue import N_STARS
from tests.support.http import Service

VALUED = N_STARS - 1


def test_what_changed_is_summed_up(service: Service):
    answer = service.get("/v1/versions/1/diff/2")
    TypeAdapter(DiffAnswer).validate_json(answer.content, extra="forbid")
    body = answer.json()
    assert (body["first"], body["second"], body["sigma"]) == (1, 2, 3.0)
    assert answer.headers["X-SoS-Version"] == "1"
    assert "immutable" in answer.headers["cache-control"]
    summary = body["summary"]
    assert (summary["common"], summary["moved"]) == (N_STARS, VALUED)
    teff = summary["parameters"]["teff"]
    assert (teff["unit"], teff["all"]["n"], teff["all"]["moved"]) == ("K", VALUED, VALUED)
    assert teff["all"]["median"] == pytest.approx(100, rel=0.01)
    assert summary["parameters"]["logg"]["all"]["median"] == pytest.approx(1 / 1024, rel=0.01)
    assert set(teff["surveys"]) == {"alpha_dr1", "beta_dr2", "gamma"}


def test_the_list_of_stars_says_that_there_are_more_and_where(service: Service):
    first = service.get("/v1/versions/1/diff/current", limit=250).json()
    assert (first["count"], len(first["stars"]), first["truncated"]) == (250, 250, True)
    second = service.get(first["next"]).json()
    assert (second["count"], second["truncated"], second["next"], second["summary"]) == (
        VALUED - 250,
        False,
        None,
        None,
    )
    assert (second["first"], second["second"]) == (1, 2)
    assert len({star["star_id"] for star in first["stars"] + second["stars"]}) == VALUED


def test_the_limit_is_a_choice(service: Service):
    far = service.get("/v1/versions/1/diff/2", sigma=1e6).json()
    assert (far["summary"]["moved"], far["stars"], far["truncated"]) == (0, [], False)
    same = service.get("/v1/versions/2/diff/2").json()
    assert same["summary"]["parameters"]["feh"]["all"] | {"n": 0} == {
        **dict.fromkeys(("n", "moved"), 0),
        **dict.fromkeys(("q025", "q16", "median", "q84", "q975"), 0.0),
    }


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("1/diff/9", 404, "9"),
        ("9/diff/current", 404, "9"),
        ("1/diff/two", 422, "from 1"),
        ("1/diff/2?sigma=-1", 422, "sigma"),
        ("1/diff/2?limit=0", 422, "limit"),
        ("1/diff/2?after=zzz", 422, "after"),
        ("1/diff/2?version=1", 422, "version"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(service: Service, path: str, status: int, word: str):
    answer = service.get(f"/v1/versions/{path}")
    assert answer.status_code == status
    assert word in answer.json()["detail"]
