"""`/v1/stars/{id}/provenance` and `/v1/versions/{v}/provenance`: valid documents, served as every other answer."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from app.api.models import examples
from app.api.models.provenance import ProvAnswer
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.catalogue import FIRST_GAIA, Truth
from tests.support.http import Service, serving
from tests.support.prov import Graph

PLACE = 14  # measured by all three surveys


def test_the_document_of_a_star_says_what_the_star_says(service: Service, truth: Truth):
    answer = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}/provenance")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["X-SoS-Version"] == "2"
    TypeAdapter(ProvAnswer).validate_json(answer.content, extra="forbid")
    graph = Graph(answer.json())
    star = service.get(f"/v1/stars/sos:{truth.star_id[PLACE]}").json()
    numbers = graph.of_type("sos:HomogenizedValue")
    assert [graph.attributes(one)["prov:value"] for one in numbers] == [star[p]["value"] for p in catalogue.PARAMETERS]
    for number in (*numbers, *graph.of_type("sos:CalibratedValue")):
        assert graph.document["entity"][number]["prov:value"]["type"] == "xsd:double", "whole numbers too"
    for number, name in zip(numbers, catalogue.PARAMETERS, strict=True):
        assert graph.attributes(number)["n"] == star[name]["n"]
        values = graph.sources(number, "sos:CalibratedValue")
        weights = {graph.attributes(value)["weight"] for value in values}
        assert weights == {one[name]["weight"] for one in star["contributions"]}
        checksums = {
            graph.attributes(model)["sha256"] for value in values for model in graph.sources(value, "sos:Model")
        }
        assert checksums == {one[name]["model"]["sha256"] for one in star["contributions"][:2]}
        assert len(graph.reached(number, "sos:Measurement")) == 3
    [measurement] = [one for one in graph.of_type("sos:Measurement") if graph.attributes(one)["survey"] == "beta_dr2"]
    said = graph.attributes(measurement)
    assert (said["object_id"], said["row_number"]) == (truth.object_id("beta_dr2", PLACE // 2), PLACE // 2 + 1)
    assert (said["teff"], said["teff_lower"]) == (4002.0 + PLACE, 4002.0 + PLACE - 0.25)
    assert graph.attributes("sos:file/" + "a" * 64)["sha256"] == "a" * 64


@pytest.mark.parametrize("row", [0, 1, 2, 3, 4])
def test_documents_of_stars_with_gaps_are_valid(service: Service, truth: Truth, row: int):
    graph = Graph(service.get(f"/v1/stars/sos:{truth.star_id[row]}/provenance").raise_for_status().json())
    values = 0 if row == 4 else 3  # the catalogue has a star without values
    assert len(graph.of_type("sos:HomogenizedValue")) == values


def test_every_form_of_identifier_names_the_same_star(service: Service, truth: Truth):
    forms = [
        f"sos:{truth.star_id[PLACE]}",
        f"gaia:{FIRST_GAIA + PLACE}",
        f"alpha_dr1:{truth.object_id('alpha_dr1', PLACE)}",
    ]
    assert "/" in forms[2]
    answers = [service.get(f"/v1/stars/{form}/provenance").raise_for_status() for form in forms]
    assert len({answer.content for answer in answers}) == 1


def test_the_version_asked_for_is_told(service: Service, truth: Truth):
    path = f"/v1/stars/sos:{truth.star_id[PLACE]}/provenance"
    old = service.get(path, version=1)
    assert old.headers["X-SoS-Version"] == "1"
    assert "immutable" in old.headers["cache-control"]
    assert service.get(path).headers["cache-control"] == "no-cache"
    assert service.get(path, version=1, headers={"If-None-Match": old.headers["etag"]}).status_code == 304
    assert all("version/2/" not in name for name in Graph(old.json()).kind)


@pytest.mark.parametrize(("name", "number"), [("1", 1), ("current", 2)])
def test_the_document_of_a_version_is_valid(service: Service, name: str, number: int):
    answer = service.get(f"/v1/versions/{name}/provenance")
    assert answer.headers["X-SoS-Version"] == str(number)
    assert answer.headers["cache-control"] == "no-cache", "another publication would be told"
    TypeAdapter(ProvAnswer).validate_json(answer.content, extra="forbid")
    graph = Graph(answer.json())
    [found] = graph.of_type("sos:Catalogue")
    assert graph.attributes(found)["n_stars"] == catalogue.N_STARS
    assert len(graph.reached(found, "sos:Model")) == 6
    assert len(graph.of_type("sos:Publication")) == 1
    [figure] = graph.of_type("sos:Figure")
    assert graph.attributes(figure)["media_type"] == "image/png"


def test_the_document_of_a_version_that_is_not_complete_is_valid(database: Database):
    truth = catalogue.build(database)
    number = catalogue.add_version(database, truth, publish=False)
    with database.begin() as connection:
        connection.exec_driver_sql(f"UPDATE version SET state = 'failed', report = NULL WHERE version_id = {number}")
    with serving(database) as service:
        graph = Graph(service.get(f"/v1/versions/{number}/provenance").raise_for_status().json())
        star = service.get("/v1/stars/sos:11/provenance", version=number)
    assert (star.status_code, graph.of_type("sos:Catalogue")) == (404, [])
    assert len(graph.of_type("sos:Model")) == 6


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/v1/stars/sos:2/provenance", 404, "version 2 has no star sos:2"),
        ("/v1/stars/delta:1/provenance", 404, "no survey 'delta'"),
        ("/v1/stars/42/provenance", 422, "names no star"),
        ("/v1/stars/sos:11/provenance?version=9", 404, "no version 9"),
        ("/v1/stars/sos:11/provenance?columns=teff", 422, "no parameter of this call"),
        ("/v1/versions/9/provenance", 404, "no version 9"),
        ("/v1/versions/x/provenance", 422, "from 1, or 'current'"),
    ],
)
def test_what_is_not_there_is_named(service: Service, path: str, status: int, words: str):
    answer = service.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]


def test_before_the_first_publication_there_is_nothing_to_tell(database: Database):
    with serving(database) as service:
        for path in ("/v1/stars/sos:1/provenance", "/v1/versions/current/provenance"):
            assert service.get(path).status_code == 503


def test_the_example_is_a_valid_document():
    Graph(examples.PROVENANCE)
