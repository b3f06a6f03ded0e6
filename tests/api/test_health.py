"""`/healthz`, `/readyz`: what a supervisor asks."""

from __future__ import annotations

import gc

from app.storage import migrate
from app.storage.engine import Database
from tests.support import catalogue
from tests.support.http import Service, serving


def test_a_process_with_a_published_version_is_ready(service: Service):
    assert service.get("/healthz").json() == {"status": "ok"}
    answer = service.get("/readyz")
    expected = migrate.expected_revision()
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "schema": expected,
        "expected_schema": expected,
        "version": 2,
        "problems": [],
        "workers": 0,
        "worker_seen_at": None,
    }


def test_a_database_without_the_schema_is_not_ready(empty_database: Database):
    with serving(empty_database) as service:
        answer = service.get("/readyz")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "run `sos migrate`" in answer.json()["detail"]
        assert service.get("/healthz").status_code == 200


def test_a_database_that_is_gone_is_said_so():
    gone = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with serving(gone) as service:
        answer = service.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
        assert "cannot be reached" in answer.json()["detail"]
        listed = service.get("/v1/versions")
        assert (listed.status_code, listed.headers["retry-after"]) == (503, "5")
        assert listed.json()["type"] == "urn:sos:problem:database"


def test_connections_that_the_server_ended_are_replaced(database: Database):
    catalogue.build(database)
    with serving(database) as service:
        assert service.get("/v1/stars/sos:11").status_code == 200
        with database.begin() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        for path in ("/v1/stars/sos:11", "/v1/cone?ra=0&dec=90&radius=1", "/v1/catalog", "/v1/catalog?format=csv"):
            assert service.get(path).status_code == 200


def test_what_a_process_has_made_at_its_start_is_left_out_of_collections_of_garbage(catalogue_database: Database):
    with serving(catalogue_database):
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
