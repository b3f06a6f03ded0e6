"""`/metrics`: figures that Prometheus reads, each moved by exactly what was asked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from threading import Event, Thread

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse
from sqlalchemy import text

from app.services.figures import KEPT_S, DatabaseFigures
from app.storage import migrate
from app.storage.engine import Database
from app.storage.pool_use import WAITS
from tests.conftest import REPOSITORY
from tests.support.catalogue import Truth
from tests.support.http import Service, serving
from tests.support.live import running

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def read(answer: httpx.Response) -> Samples:
    """Return every sample by name and labels."""
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


def requests_by_route(service: Service) -> dict[str, float]:
    """Return how many requests were answered so far, by route; all tests of the process are in it."""
    counts: dict[str, float] = {}
    for (name, labels), count in read(service.get("/metrics")).items():
        if name == "sos_http_requests_total":
            route = dict(labels)["route"]
            counts[route] = counts.get(route, 0) + count
    return counts


def routes(samples: Samples) -> set[str]:
    return {dict(labels)["route"] for name, labels in samples if name == "sos_http_requests_total"}


@pytest.fixture
def moved(service: Service) -> Callable[..., float]:
    """By how much a figure has moved since the test began."""
    before = read(service.get("/metrics"))

    def difference(name: str, **labels: str) -> float:
        return value(read(service.get("/metrics")), name, **labels) - value(before, name, **labels)

    return difference


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/v1/stars/sos:11", "/v1/stars/{id}", "2xx"),
        ("GET", "/v1/stars/alpha_dr1:A%2F0%20%2B1", "/v1/stars/{id}", "2xx"),
        ("GET", "/v1/stars/sos:11/provenance", "/v1/stars/{id}/provenance", "2xx"),
        ("GET", "/v1/stars/nothing:1", "/v1/stars/{id}", "4xx"),
        ("HEAD", "/v1/stars/sos:11", "/v1/stars/{id}", "2xx"),
        ("GET", "/v1/cone?ra=150&dec=2&radius=30", "/v1/cone", "2xx"),
        ("GET", "/v1/cone?ra=150", "/v1/cone", "4xx"),
        ("HEAD", "/v1/catalog", "/v1/catalog", "2xx"),
        ("GET", "/v1/versions/2/diff/1", "/v1/versions/{v}/diff/{w}", "2xx"),
        ("DELETE", "/v1/versions/2/diff/1", "/v1/versions/{v}/diff/{w}", "4xx"),
        ("GET", "/tap/sync?LANG=ADQL&QUERY=x", "/tap/sync", "4xx"),
        ("GET", "/tap/tables/sos.star", "/tap/tables/{name}", "2xx"),
        ("GET", "/openapi.json", "/openapi.json", "2xx"),
        ("GET", "/docs/assets/swagger-ui.css", "/docs/assets", "2xx"),
        ("GET", "/", "/", "2xx"),
        ("GET", "/v1/nothing/at/all", "none", "4xx"),
    ],
)
def test_a_request_is_counted_once_under_its_route(
    service: Service, moved: Callable[..., float], method: str, path: str, route: str, status: str
):
    for _ in range(3):
        service.send(method, path)
    assert moved("sos_http_requests_total", route=route, method=method, status=status) == 3
    assert moved("sos_http_request_duration_seconds_count", route=route, method=method) == 3
    assert moved("sos_http_request_duration_seconds_bucket", route=route, method=method, le="+Inf") == 3


def test_paths_and_methods_that_do_not_exist_add_no_labels(service: Service):
    service.get("/v1/nowhere")
    service.send("OTHER", "/v1/nowhere")
    service.get("/metrics")
    before = set(read(service.get("/metrics")))
    for place in range(50):
        service.get(f"/v1/nowhere/{place}")
        service.get(f"/nowhere-{place}")
        service.send(f"METHOD{place}", "/v1/nowhere")
        service.get(f"/v1/stars/sos:{10**6 + place}")
    after = set(read(service.get("/metrics")))
    assert {one for one in after - before if dict(one[1]).get("route") != "/v1/stars/{id}"} == set()
    assert routes(read(service.get("/metrics"))) >= {"none", "/v1/stars/{id}"}


def test_routes_are_those_of_the_application(service: Service):
    known = {getattr(route, "path_format", None) for route in service.app.routes}
    known |= set(service.get("/openapi.json").json()["paths"])
    counts = requests_by_route(service)
    for path in ("/v1/stars/sos:1", "/v1/surveys", "/v1/catalog?limit=1", "/v1/cone?ra=0&dec=0&radius=0.1", "/v1/jobs"):
        service.get(path)
    now = requests_by_route(service)
    found = {route for route, count in now.items() if route.startswith("/v1/") and count > counts.get(route, 0)}
    assert found == {"/v1/stars/{id}", "/v1/surveys", "/v1/catalog", "/v1/cone", "/v1/jobs"}
    assert found <= known


def test_a_failure_counts_as_such(catalogue_database: Database, truth: Truth, monkeypatch: pytest.MonkeyPatch):
    with serving(catalogue_database) as service:
        before = read(service.get("/metrics"))

        def broken(_: object) -> None:
            raise RuntimeError("broken on purpose")

        monkeypatch.setattr("app.factory.Factory.surveys", broken)
        assert service.send("GET", "/v1/surveys").status_code == 500
        after = read(service.get("/metrics"))
    labels = {"route": "/v1/surveys", "method": "GET", "status": "5xx"}
    assert value(after, "sos_http_requests_total", **labels) - value(before, "sos_http_requests_total", **labels) == 1


def test_nothing_is_in_progress_but_the_question(service: Service):
    assert value(read(service.get("/metrics")), "sos_http_requests_in_progress") == 1


@pytest.mark.parametrize("form", ["csv", "parquet", "arrow", "fits", "votable", "jsonl"])
def test_files_are_counted_by_bytes_and_rows(service: Service, moved: Callable[..., float], form: str):
    answer = service.get("/v1/catalog", format=form, headers={"accept-encoding": "identity"})
    assert moved("sos_streamed_bytes_total", format=form) == len(answer.content)
    assert moved("sos_streamed_rows_total", format=form) == int(answer.headers["x-sos-rows"]) > 0


def test_answers_to_queries_are_counted_by_bytes_and_rows(service: Service, moved: Callable[..., float]):
    query = {"LANG": "ADQL", "QUERY": "SELECT star_id FROM sos.star", "MAXREC": "7"}
    sizes = []
    for form in ("tsv", "votable/td"):
        answer = service.get("/tap/sync", **query, RESPONSEFORMAT=form, headers={"accept-encoding": "identity"})
        sizes.append(len(answer.content))
    assert moved("sos_streamed_bytes_total", format="tsv") == sizes[0]
    assert moved("sos_streamed_bytes_total", format="votable") == sizes[1]
    assert moved("sos_streamed_rows_total", format="votable") == moved("sos_streamed_rows_total", format="tsv") == 7


def test_refusals_are_counted(catalogue_database: Database, truth: Truth):
    with serving(catalogue_database, rate_limit=1e-3, rate_burst=4) as service:
        before = read(service.get("/metrics"))
        answers = [service.get("/v1/surveys").status_code for _ in range(10)]
        after = read(service.get("/metrics"))
    refused = "sos_refused_requests_total"
    assert answers.count(429) == 6
    assert value(after, refused, limit="rate") - value(before, refused, limit="rate") == 6
    assert value(after, refused, limit="keys") == value(before, refused, limit="keys")


def test_the_published_version_and_the_build_are_told(service: Service, truth: Truth):
    found = read(service.get("/metrics"))
    revision = migrate.expected_revision()
    assert value(found, "sos_database_up") == value(found, "sos_schema_current") == 1
    assert value(found, "sos_schema_info", revision=revision, expected=revision) == 1
    assert value(found, "sos_published_version") == 2
    assert value(found, "sos_published_stars") > 0
    assert time.time() - 3_600 < value(found, "sos_published_timestamp_seconds") <= time.time()
    assert value(found, "process_resident_memory_bytes") > 1e7
    assert value(found, "process_cpu_seconds_total") > 0
    assert value(found, "sos_processes") == 1
    assert [name for name, _ in found].count("sos_build_info") == 1
    for pool, size in {"reads": 2, "pages": 2, "files": 2, "queries": 4, "administration": 4}.items():
        assert value(found, "sos_database_pool_size", pool=pool) == size
        assert value(found, "sos_database_pool_in_use", pool=pool) == 0


def test_jobs_and_workers_are_counted(database: Database):
    with database.begin() as connection:
        connection.execute(text(JOBS))
    with serving(database) as service:
        found = read(service.get("/metrics"))
    assert value(found, "sos_jobs", kind="export", state="queued") == 2
    assert value(found, "sos_jobs", kind="export", state="running") == 1
    assert ("sos_jobs", frozenset({("kind", "ingest"), ("state", "failed")})) in found
    assert value(found, "sos_job_steps", task="export", state="queued") == 1
    assert value(found, "sos_tap_jobs", phase="QUEUED") == 0
    assert 600 <= value(found, "sos_job_oldest_queued_seconds") < 660
    assert 300 <= value(found, "sos_job_step_oldest_queued_seconds") < 360
    assert value(found, "sos_workers") == 1
    assert 20 <= value(found, "sos_worker_last_heartbeat_age_seconds") < 60
    assert ("sos_published_version", frozenset()) not in found


JOBS = """
INSERT INTO job (kind, state, arguments, key, holds, shares, created_at)
SELECT 'export', state, '{}', key, '{}', '{}', now() - age * interval '1 minute'
FROM (VALUES ('queued', 'a', 10), ('queued', 'b', 5), ('running', 'c', 20)) AS j (state, key, age);
INSERT INTO job_step (job_id, name, task, stage, arguments, state, queued_at)
SELECT job_id, 'one', 'export', 'export', '{}', 'queued', now() - interval '5 minutes' FROM job WHERE key = 'c';
INSERT INTO jobs.procrastinate_workers (last_heartbeat)
VALUES (now() - interval '20 seconds'), (now() - interval '1 day')
"""


@pytest.fixture
def gone() -> Iterator[Service]:
    """A service whose database is not there."""
    with serving(Database("postgresql://nobody@127.0.0.1:1/nothing")) as service:
        yield service


def test_without_a_database_there_are_figures_still(gone: Service):
    assert gone.get("/v1/cone", ra=1, dec=1, radius=1).status_code == 503
    found = read(gone.get("/metrics"))
    assert value(found, "sos_database_up") == 0
    assert ("sos_published_version", frozenset()) not in found
    assert value(found, "sos_http_requests_total", route="/v1/cone", method="GET", status="5xx") >= 1


def test_a_database_of_another_schema_is_said_so(empty_database: Database):
    with serving(empty_database) as service:
        found = read(service.get("/metrics"))
    assert (value(found, "sos_database_up"), value(found, "sos_schema_current")) == (1, 0)
    assert value(found, "sos_schema_info", revision="none", expected=migrate.expected_revision()) == 1
    assert ("sos_workers", frozenset()) not in found


def test_a_database_that_does_not_answer_keeps_nobody_waiting(
    catalogue_database: Database, truth: Truth, monkeypatch: pytest.MonkeyPatch
):
    answered = Event()
    monkeypatch.setattr("app.api.metrics.PATIENCE_S", 0.2)
    monkeypatch.setattr(DatabaseFigures, "read", lambda _: answered.wait(120))
    with serving(catalogue_database) as service:
        answers = [read(service.get("/metrics")) for _ in range(3)]
        assert not answered.is_set(), "all three came while the first still waited for the database"
        answered.set()
    assert [value(answer, "sos_database_up") for answer in answers] == [0, 0, 0]


def test_the_database_is_asked_every_five_seconds_at_most(database: Database):
    clock = [100.0]
    figures = DatabaseFigures(database, clock=lambda: clock[0])
    first = figures.read()
    clock[0] += KEPT_S - 0.1
    assert figures.read() is first
    clock[0] += 0.2
    assert figures.read() is not first


def test_waits_for_connections_are_counted(database: Database):
    narrow = Database(database.url, size=1, name="narrow")

    def waits() -> float:
        return sum(
            sample.value
            for family in WAITS.collect()
            for sample in family.samples
            if sample.name.endswith("_count") and sample.labels == {"pool": "narrow"}
        )

    def ask() -> None:
        with narrow.connect():
            pass

    with narrow.connect():
        assert (narrow.use.in_use, narrow.use.size, narrow.use.waiting, waits()) == (1, 1, 0, 0)
        waiting = Thread(target=ask)
        waiting.start()
        while narrow.use.waiting == 0:
            time.sleep(0.001)
    waiting.join()
    assert (narrow.use.in_use, narrow.use.waiting, waits()) == (0, 0, 1)
    narrow.dispose()


def test_openmetrics_is_spoken_to_who_asks_for_it(service: Service):
    answer = service.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_several_processes_add_up_what_they_count(catalogue_database: Database, truth: Truth):
    with running(catalogue_database, "--workers", "2", SOS_RATE_LIMIT="0") as (url, _):
        # A new connection each time: whichever process is free takes it.
        for _ in range(40):
            assert httpx.get(f"{url}/v1/stars/sos:11").status_code == 200
        time.sleep(2.5)
        answers = [read(httpx.get(f"{url}/metrics")) for _ in range(10)]
    for found in answers:
        assert value(found, "sos_http_requests_total", route="/v1/stars/{id}", method="GET", status="2xx") == 40
        assert value(found, "sos_http_request_duration_seconds_count", route="/v1/stars/{id}", method="GET") == 40
        assert value(found, "sos_processes") == 2
        assert value(found, "sos_database_up") == 1
        assert value(found, "sos_database_pool_size", pool="reads") == 16
        memory = [size for (name, _), size in found.items() if name == "process_resident_memory_bytes"]
        assert len(memory) == 2
        assert min(memory) > 1e7


def test_the_manual_names_figures_that_there_are(service: Service):
    text = (REPOSITORY / "docs" / "monitoring.md").read_text(encoding="utf-8")
    alerts = yaml.safe_load(text.partition("## Alerts")[2].partition("```yaml")[2].partition("```")[0])
    rules = alerts["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 10
    service.post("/v1/stars", '["sos:11"]', "application/json")
    described = {family.name for family in parse(service.get("/metrics").text)}
    named = set(re.findall(r"\bsos_[a-z_]+", " ".join(rule["expr"] for rule in rules)))
    named |= set(re.findall(r"^\| `(sos_[a-z_]+)`", text, flags=re.MULTILINE))
    for name in named:
        assert re.sub(r"_(total|bucket|sum|count|info)$", "", name) in {re.sub("_info$", "", one) for one in described}
