"""A served number followed down: to the row of a file, the bytes of a model, the plan and the code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest

from app.pipeline.ingest import ingest
from app.pipeline.software import software_versions
from app.storage import artifacts, surveys, versions
from app.storage.engine import Database
from app.surveys.loader import parse
from tests.support import ingested, servers
from tests.support.http import Service, serving
from tests.support.ingested import FIRST_GAIA, Ingested
from tests.support.prov import Graph

PARAMETERS = ("teff", "logg", "feh")


@dataclass(frozen=True)
class Made:
    """A universe that came through files, and the service on it."""

    database: Database
    universe: Ingested
    service: Service

    def graph(self, path: str) -> Graph:
        return Graph(self.service.get(path).raise_for_status().json())


@pytest.fixture(scope="module")
def made(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with servers.scratch_database(server_url, template) as database:
        universe = ingested.build(database, tmp_path_factory.mktemp("files"))
        with serving(database) as service:
            yield Made(database, universe, service)


def named(universe: Ingested) -> str:
    """The star that all three surveys hold."""
    return f"gaia:{FIRST_GAIA + universe.common}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_the_raw_value_of_an_answer_stands_in_the_row_of_the_file_that_it_names(made: Made):
    star = made.service.get(f"/v1/stars/{named(made.universe)}").raise_for_status().json()
    assert [one["survey"] for one in star["contributions"]] == ["apogee_dr17", "lamost_lrs", "rave_dr6"]
    for one in star["contributions"]:
        path = made.universe.files[one["survey"]]
        assert (one["file"]["name"], one["file"]["sha256"]) == (path.name, sha256(path.read_bytes()))
        row = {
            name: column[0] for name, column in pq.read_table(path).slice(one["row_number"] - 1, 1).to_pydict().items()
        }
        assert (row["id"], row["gaia"]) == (one["object_id"], FIRST_GAIA + made.universe.common)
        for name in PARAMETERS:
            assert one[name]["raw"]["value"] == pytest.approx(row[name.upper()], rel=1e-6)


def test_a_number_leads_to_its_row_file_model_plan_and_code(made: Made):
    graph = made.graph(f"/v1/stars/{named(made.universe)}/provenance")
    answer = made.service.get(f"/v1/stars/{named(made.universe)}").json()
    for name in PARAMETERS:
        number = f"sos:version/{made.universe.version}/star/{answer['star_id']}/{name}"
        assert graph.attributes(number)["prov:value"] == answer[name]["value"]
        assert graph.attributes(number)["upper"] == answer[name]["upper"]
        combined = [one for one in answer["contributions"] if one[name]["weight"]]
        assert combined
        values = graph.sources(number, "sos:CalibratedValue")
        assert len(values) == len(combined)
        for one in combined:
            value = f"sos:version/{made.universe.version}/measurement/{one['measurement_id']}/{name}"
            assert value in values
            assert graph.attributes(value)["prov:value"] == one[name]["calibrated"]["value"]
            [measurement] = graph.sources(value, "sos:Measurement")
            [model] = graph.sources(value, "sos:Model")
            check_row(made, graph, measurement, one[name]["raw"]["value"], name)
            check_model(made, graph, model, one[name]["model"]["sha256"])
            [file] = graph.sources(measurement, "sos:File")
            assert graph.attributes(file)["sha256"] == one["file"]["sha256"]
        check_recipe(made, graph, number)


def check_row(made: Made, graph: Graph, measurement: str, raw: float, name: str) -> None:
    """The raw table has this value in the row that file checksum and row number name."""
    found = graph.attributes(measurement)
    assert found[name] == raw
    [file] = graph.sources(measurement, "sos:File")
    with made.database.connect() as connection:
        row = connection.exec_driver_sql(
            f"""SELECT r.id, r."{name.upper()}" AS value FROM raw.{found["survey"]} AS r
                JOIN ingestion AS i USING (ingestion_id) WHERE i.file_sha256 = %(sha256)s AND r.row_number = %(row)s""",
            {"sha256": graph.attributes(file)["sha256"], "row": found["row_number"]},
        ).one()
    assert row.id == found["object_id"]
    assert raw == pytest.approx(row.value, rel=1e-6)


def check_model(made: Made, graph: Graph, model: str, checksum: str) -> None:
    """The bytes that are kept under the model's checksum have it."""
    assert graph.attributes(model)["sha256"] == checksum
    with made.database.connect() as connection:
        content = connection.exec_driver_sql(
            "SELECT content FROM artifact WHERE sha256 = %(sha256)s", {"sha256": checksum}
        ).scalar_one()
    assert sha256(bytes(content)) == checksum
    assert content[:9] == b"SOS-MODEL"


def check_recipe(made: Made, graph: Graph, number: str) -> None:
    """From a number the relations lead to the one plan and the one software of its version."""
    with made.database.connect() as connection:
        version = versions.get(connection, made.universe.version)
    [plan] = graph.reached(number, "sos:Plan")
    said = graph.attributes(plan)
    assert json.loads(said["prov:value"]) == version.plan
    assert sha256(said["prov:value"].encode()) == said["sha256"]
    software = f"sos:version/{version.version_id}/software"
    assert software in graph.reached(number, "prov:SoftwareAgent")
    known = graph.attributes(software)
    assert {name: known[name] for name in version.software} == version.software == software_versions()


def test_the_document_of_the_version_names_everything_that_made_it(made: Made):
    version = made.universe.version
    graph = made.graph(f"/v1/versions/{version}/provenance")
    [catalogue] = graph.of_type("sos:Catalogue")
    files = graph.reached(catalogue, "sos:File")
    paths = made.universe.files.values()
    assert {graph.attributes(file)["sha256"] for file in files} == {sha256(path.read_bytes()) for path in paths}
    for rows in graph.reached(catalogue, "sos:Measurements"):
        found = graph.attributes(rows)
        assert found["rows_read"] == found["rows_stored"] + found["rows_rejected"] > 0
        assert found["rows_rejected"] > 0
    with made.database.connect() as connection:
        models = versions.models(connection, version)
        figures = versions.figure_names(connection, version)
        record = versions.get(connection, version)
        for name in graph.of_type("sos:Figure"):
            assert artifacts.get(connection, graph.attributes(name)["sha256"]).content
    reached = graph.reached(catalogue, "sos:Model")
    assert {graph.attributes(one)["sha256"] for one in reached} == {model.artifact_sha256 for model in models}
    assert len(reached) == len(models) == 12
    assert sorted(graph.attributes(one)["prov:label"] for one in graph.of_type("sos:Figure")) == figures != []
    for fit in graph.of_type("sos:Fit"):
        assert graph.attributes(fit)["seed"] == record.seed
        assert graph.reached(fit, "sos:File") == files
    [report] = graph.of_type("sos:Report")
    text = json.dumps(record.report, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert graph.attributes(report)["sha256"] == sha256(text.encode())
    [publication] = graph.of_type("sos:Publication")
    assert graph.attributes(publication)["action"] == "publish"


def test_times_that_were_written_down_are_told_and_no_others(made: Made):
    graph = made.graph(f"/v1/versions/{made.universe.version}/provenance")
    with made.database.connect() as connection:
        known = {one.ingestion_id: one for name in made.universe.files for one in surveys.ingestions(connection, name)}
    for name in graph.of_type("sos:Ingestion"):
        one = known[int(name.rpartition("/")[2])]
        said = graph.attributes(name)
        assert said["prov:startTime"] == one.started_at.isoformat()
        assert said["prov:endTime"] == one.finished_at.isoformat()
    for kind in ("sos:CrossMatch", "sos:Fit", "sos:Calibration", "sos:Homogenization", "sos:Validation"):
        for name in graph.of_type(kind):
            assert not {"prov:startTime", "prov:endTime"} & graph.attributes(name).keys()


@pytest.mark.parametrize("kind", ["sos:Fit", "sos:Calibration", "sos:Homogenization"])
def test_only_what_the_version_did_is_laid_at_its_software(made: Made, kind: str):
    graph = made.graph(f"/v1/versions/{made.universe.version}/provenance")
    software = f"sos:version/{made.universe.version}/software"
    assert all(software in graph.edges[name] for name in graph.of_type(kind))
    for other in ("sos:Ingestion", "sos:CrossMatch", "sos:Validation", "sos:Publication"):
        assert all(software not in graph.edges[name] for name in graph.of_type(other))


def test_every_number_of_every_star_can_be_followed(made: Made):
    rows = made.service.rows("/v1/catalog", "stars", columns="star_id,teff,logg,feh", limit=500)
    for row in rows[::50]:
        graph = made.graph(f"/v1/stars/sos:{row['star_id']}/provenance")
        numbers = graph.of_type("sos:HomogenizedValue")
        assert len(numbers) == sum(row[name] is not None for name in PARAMETERS)
        for number in numbers:
            for kind in ("sos:File", "sos:Model", "sos:Plan", "prov:SoftwareAgent", "sos:Descriptor"):
                assert graph.reached(number, kind), (number, kind)


def test_files_that_were_replaced_since_stay_in_the_record_of_the_version(server_url: str, template: str, tmp_path):
    with servers.scratch_database(server_url, template) as database:
        universe = ingested.build(database, tmp_path, stars=400)
        descriptor = parse(ingested._DESCRIPTOR.format(name="rave_dr6").replace("2.0", "3.0"), "rave_dr6.toml")
        calls = ("/v1/versions/current/provenance", f"/v1/stars/{named(universe)}/provenance")
        with serving(database) as service:
            before = [service.get(call).raise_for_status().json() for call in calls]
            ingest(database, descriptor, universe.files["rave_dr6"], replace_earlier=True)
            after = [service.get(call).raise_for_status().json() for call in calls]
    assert after == before
    checksum = sha256(universe.files["rave_dr6"].read_bytes())
    whole = Graph(after[0])
    assert f"sos:file/{checksum}" in whole.reached(f"sos:version/{universe.version}/catalogue", "sos:File")
