"""Administration over HTTP: nobody gets in without the right key, and every use is on record."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import TypeAdapter

from app.api.access import AuditedRoute, admin_router, administers
from app.api.context import Context
from app.api.models.access import AuditPage, KeyAnswer, KeyList, NewKeyAnswer
from app.domain.access import Actor, Outcome, Scope
from app.main import create_app
from app.settings import Settings
from app.storage.engine import Database
from tests.support import servers
from tests.support.administration import (
    address,
    bearer,
    change,
    contents,
    events,
    expired_key,
    make_key,
    revoked_key,
    with_other_secret,
)
from tests.support.http import Service, serving

ADMIN = "/v1/admin"
VALUES = {"key_id": "1", "v": "1", "name": "alpha_dr1"}


def admin_calls(app: FastAPI) -> list[RouteContext]:
    """Return every route under /v1/admin."""
    return [route for route in iter_route_contexts(app.routes) if (route.path or "").startswith(ADMIN)]


CALLS = [
    (method, str(route.path), route.original_route)
    for route in admin_calls(create_app(Settings(database_url="postgresql://nowhere/none")))
    for method in sorted(route.methods or ())
]
NAMES = [f"{method} {path}" for method, path, _ in CALLS]


@pytest.fixture(scope="module")
def house(server_url: str, template: str) -> Iterator[tuple[Service, Database]]:
    """The service on an empty catalogue; the tests of this module add keys and events."""
    with servers.scratch_database(server_url, template) as database:
        make_key(database, "admin", name="somebody else")
        with serving(database) as service:
            yield service, database


@pytest.fixture
def live(database: Database) -> Iterator[Service]:
    """The service on a database of this test alone."""
    with serving(database) as service:
        yield service


def test_the_calls_of_this_house_are_among_them():
    assert {f"GET {ADMIN}/keys", f"POST {ADMIN}/keys", f"DELETE {ADMIN}/keys/{{key_id}}", f"GET {ADMIN}/audit"} <= {
        *NAMES
    }


@pytest.mark.parametrize(("method", "path", "route"), CALLS, ids=NAMES)
def test_every_route_of_administration_is_audited_and_has_a_scope(method: str, path: str, route: object):
    assert isinstance(route, AuditedRoute)
    assert isinstance(route.declared.scope, Scope)
    assert re.fullmatch(r"[a-z]+\.[a-z]+", route.declared.action)


def test_a_route_that_forgets_to_say_its_scope_is_not_made():
    with pytest.raises(TypeError, match="@administers"):
        admin_router().post("/forgotten")(lambda: None)


def test_a_route_whose_target_names_no_parameter_is_not_made():
    with pytest.raises(KeyError, match="nothing"):
        admin_router().post("/x/{n}")(administers("x.do", Scope.ADMIN, "x {nothing}")(lambda: None))


def other_scope(scope: Scope) -> Scope:
    """Return a scope that does not hold another."""
    return next(one for one in Scope if one not in {scope, Scope.ADMIN})


BAD = {
    "no key": (lambda database, scope: {}, 401, Actor.NOBODY),
    "another scheme": (lambda database, scope: {"Authorization": "Basic c29zOnNvcw=="}, 401, Actor.NOBODY),
    "no text": (lambda database, scope: {"Authorization": "Bearer"}, 401, Actor.NOBODY),
    "malformed": (lambda database, scope: bearer("sos_1_short"), 401, Actor.NOBODY),
    "not ASCII": (
        lambda database, scope: {"Authorization": b"Bearer schl\xfcssel"},
        401,
        Actor.NOBODY,
    ),
    "unknown": (lambda database, scope: bearer("sos_999999_" + 43 * "x"), 401, Actor.NOBODY),
    "larger than any": (lambda database, scope: bearer("sos_" + 18 * "9" + "_" + 43 * "x"), 401, Actor.NOBODY),
    "wrong secret": (lambda database, scope: bearer(with_other_secret(make_key(database, scope))), 401, Actor.NOBODY),
    "expired": (lambda database, scope: bearer(expired_key(database, scope)), 401, Actor.KEY),
    "revoked": (lambda database, scope: bearer(revoked_key(database, scope)), 401, Actor.KEY),
    "another scope": (lambda database, scope: bearer(make_key(database, other_scope(scope))), 403, Actor.KEY),
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("method", "path", "route"), CALLS, ids=NAMES)
def test_who_has_no_right_key_changes_nothing_and_is_on_record(
    house: tuple[Service, Database], method: str, path: str, route: AuditedRoute, bad: str
):
    service, database = house
    present, status, actor = BAD[bad]
    headers, client = present(database, route.declared.scope), address()
    before, known = contents(database), len(events(database))

    answer = service.send(method, path.format(**VALUES), headers=headers, json={"name": "x"}, client=client)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert contents(database) == before
    event, *rest = events(database)
    assert len(rest) == known
    assert (event.action, event.outcome, event.status) == (route.declared.action, Outcome.REFUSED, status)
    assert (event.actor, event.client, event.detail) == (actor, client, answer.json()["detail"])
    assert (event.key_id is None) == (actor is Actor.NOBODY)
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="SoS"')
    if status == 403:
        assert f'error="insufficient_scope", scope="{route.declared.scope}"' in challenge
        assert f"'{route.declared.scope}'" in event.detail
        assert str(other_scope(route.declared.scope)) in event.detail
    else:
        assert ('error="invalid_token"' in challenge) == bool(headers)


@pytest.mark.parametrize(("method", "path", "route"), CALLS, ids=NAMES)
@pytest.mark.parametrize("scope_of", [lambda scope: scope, lambda scope: Scope.ADMIN], ids=["its scope", "admin"])
def test_a_right_key_gets_past_the_door(
    house: tuple[Service, Database], method: str, path: str, route: AuditedRoute, scope_of
):
    service, database = house
    key = make_key(database, scope_of(route.declared.scope))
    answer = service.send(method, path.format(**VALUES) + "?nonsense=1", headers=bearer(key))
    assert answer.status_code == 422, "let in, it is told what is wrong with its request"
    event = events(database)[0]
    assert (event.action, event.outcome, event.status) == (route.declared.action, Outcome.FAILED, 422)
    assert (event.actor, event.key_name, event.parameters["nonsense"]) == (Actor.KEY, "tester", "1")
    assert event.detail == answer.json()["detail"]


def test_what_a_stranger_is_told_does_not_say_which_keys_exist(house: tuple[Service, Database]):
    service, database = house
    existing, unknown = with_other_secret(make_key(database, "admin")), "sos_999999_" + 43 * "x"
    answers = [
        service.send("GET", f"{ADMIN}/keys", headers=bearer(key), client=address()) for key in (existing, unknown)
    ]
    assert answers[0].content == answers[1].content
    assert events(database)[1].parameters == {"claimed_key": int(existing.split("_")[1])}, "the record knows"


def test_a_key_is_made_used_and_revoked(live: Service, database: Database):
    operator = make_key(database, "admin", name="operator")
    made = live.send(
        "POST",
        f"{ADMIN}/keys",
        headers=bearer(operator),
        json={"name": "nightly", "scopes": ["ingest", "calibrate"], "expires_in_days": 30},
    )
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    TypeAdapter(NewKeyAnswer).validate_json(made.content, extra="forbid")
    body = made.json()
    assert (body["name"], body["scopes"], body["created_by"]) == ("nightly", ["calibrate", "ingest"], 1)
    assert re.fullmatch(rf"sos_{body['key_id']}_[\w-]{{43}}", body["key"], re.ASCII)
    assert body["expires_at"] > body["created_at"]

    refused = live.send("GET", f"{ADMIN}/keys", headers=bearer(body["key"]))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:sos:problem:forbidden")

    listed = live.send("GET", f"{ADMIN}/keys", headers=bearer(operator))
    TypeAdapter(KeyList).validate_json(listed.content, extra="forbid")
    found = {key["name"]: (key["state"], key["last_used_at"] is None) for key in listed.json()["keys"]}
    assert found == {"nightly": ("usable", True), "operator": ("usable", False)}, "a refused use is none"

    gone = live.send("DELETE", f"{ADMIN}/keys/{body['key_id']}", headers=bearer(operator))
    TypeAdapter(KeyAnswer).validate_json(gone.content, extra="forbid")
    assert (gone.status_code, gone.json()["state"]) == (200, "revoked")
    refused = live.send("GET", f"{ADMIN}/keys", headers=bearer(body["key"]))
    assert (refused.status_code, "revoked" in refused.json()["detail"]) == (401, True)

    told = [(event.action, event.target, event.outcome, event.status, event.key_name) for event in events(database)]
    assert told == [
        ("key.list", None, "refused", 401, "nightly"),
        ("key.revoke", "key 2", "done", 200, "operator"),
        ("key.list", None, "done", 200, "operator"),
        ("key.list", None, "refused", 403, "nightly"),
        ("key.create", "key 2", "done", 201, "operator"),
    ]
    asked = {"name": "nightly", "scopes": ["ingest", "calibrate"], "expires_in_days": 30}
    assert events(database)[-1].parameters == asked


def test_what_cannot_be_revoked_is_said(live: Service, database: Database):
    operator, other = make_key(database, "admin"), make_key(database, "publish")
    number = other.split("_")[1]
    for status, kind in ((200, None), (409, "urn:sos:problem:conflict")):
        answer = live.send("DELETE", f"{ADMIN}/keys/{number}", headers=bearer(operator))
        assert (answer.status_code, answer.json().get("type")) == (status, kind)
    unknown = live.send("DELETE", f"{ADMIN}/keys/77", headers=bearer(operator))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:sos:problem:unknown-key")
    assert [(event.outcome, event.status, event.target) for event in events(database)] == [
        ("failed", 404, "key 77"),
        ("failed", 409, f"key {number}"),
        ("done", 200, f"key {number}"),
    ]


@pytest.mark.parametrize(
    ("content", "parameters"),
    [
        ('{"name": "x"}', {"name": "x"}),
        ('{"name": "x", "scopes": []}', {"name": "x", "scopes": []}),
        ('{"name": "x", "scopes": ["root"]}', {"name": "x", "scopes": ["root"]}),
        ('{"name": " ", "scopes": ["admin"]}', {"name": " ", "scopes": ["admin"]}),
        ('{"name": "a\\u0000b", "scopes": ["admin"]}', {"name": "a\ufffdb", "scopes": ["admin"]}),
        ('{"name": "x", "scopes": ["admin"], "key_id": 1}', {"name": "x", "scopes": ["admin"], "key_id": 1}),
        (
            '{"name": "x", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}',
            {"name": "x", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z"},
        ),
        (
            '{"name": "x", "scopes": ["admin"], "expires_at": "2120-01-01T00:00:00"}',
            {"name": "x", "scopes": ["admin"], "expires_at": "2120-01-01T00:00:00"},
        ),
        (
            '{"name": "x", "scopes": ["admin"], "expires_at": "2120-01-01T00:00:00Z", "expires_in_days": 3}',
            {"name": "x", "scopes": ["admin"], "expires_at": "2120-01-01T00:00:00Z", "expires_in_days": 3},
        ),
        ('{"name": "x", "scopes": ["admin"], "expires_in_days": 0}', None),
        ('{"name": "x", "scopes": ["admin"], "expires_in_days": 1e300}', None),
        ('["admin"]', {"body": ["admin"]}),
        ("{", {"body": "not JSON"}),
        ('{"name": "\\ud800", "scopes": ["admin"]}', {"body": "not JSON"}),
        ("", {}),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    house: tuple[Service, Database], content: str, parameters: dict[str, object] | None
):
    service, database = house
    operator = make_key(database, "admin")
    n_keys = len(contents(database)["access_key"])
    headers = {**bearer(operator), "Content-Type": "application/json"}
    answer = service.send("POST", f"{ADMIN}/keys", headers=headers, content=content)
    assert answer.status_code == 422
    assert len(contents(database)["access_key"]) == n_keys
    event = events(database)[0]
    assert (event.outcome, event.status, event.detail) == (Outcome.FAILED, 422, answer.json()["detail"])
    if parameters is not None:
        assert event.parameters == parameters


def test_a_body_over_the_limit_is_refused_and_on_record(house: tuple[Service, Database]):
    service, database = house
    headers = {**bearer(make_key(database, "admin")), "Content-Type": "application/json"}
    answer = service.send("POST", f"{ADMIN}/keys", headers=headers, content=b'"' + b"x" * (2 << 20) + b'"')
    assert (answer.status_code, events(database)[0].status) == (413, 413)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"] == [{"parameter": "body", "detail": "may have 1 MiB at most; send less at a time"}]
    assert events(database)[0].detail == answer.json()["detail"]
    long = service.send("POST", f"{ADMIN}/keys", headers=headers, content=b'"' + b"x" * (1 << 17) + b'"')
    assert long.status_code == 422
    assert events(database)[0].parameters == {"body": "too long to be kept"}


def test_without_a_key_a_body_is_not_even_read(house: tuple[Service, Database]):
    service, _ = house
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append("a block")
        yield b"{}"

    def ask(key: str) -> httpx.Response:
        headers = {**bearer(key), "Content-Type": "application/json"}
        return service.send("POST", f"{ADMIN}/keys", headers=headers, content=body(), client=address())

    assert (ask("sos_9_" + 43 * "x").status_code, read) == (401, [])
    assert (ask(make_key(house[1], "publish")).status_code, read) == (403, [])
    assert (ask(make_key(house[1], "admin")).status_code, read) == (422, ["a block"])


def test_no_secret_is_kept_wherever_it_is_put(live: Service, database: Database):
    operator = make_key(database, "admin")
    secret = operator.split("_", maxsplit=2)[2]
    live.send("GET", f"{ADMIN}/keys", headers=bearer(operator), params={"key": operator, operator: "x"})
    live.send("DELETE", f"{ADMIN}/keys/{operator}", headers=bearer(operator))
    live.send("POST", f"{ADMIN}/keys", headers=bearer(operator), json={"name": operator, "scopes": [operator]})
    live.send("GET", f"{ADMIN}/audit", headers=bearer(with_other_secret(operator)), params={"action": operator})
    made = live.send("POST", f"{ADMIN}/keys", headers=bearer(operator), json={"name": "x", "scopes": ["admin"]})
    kept = json.dumps([contents(database)["access_key"], *(str(event) for event in events(database))])
    assert len(events(database)) == 5
    assert "sos_1_..." in kept
    assert secret not in kept
    assert secret[1:] not in kept
    assert made.json()["key"].split("_", maxsplit=2)[2] not in kept
    assert "$argon2id$" in kept


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that secrets are compared with from now on."""
    compared: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, known: str, secret: str) -> bool:
        compared.append(known)
        return verify(self, known, secret)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return compared


def test_a_key_is_compared_once_and_its_state_is_read_each_time(
    live: Service, database: Database, verifications: list[str]
):
    key = make_key(database, "admin")

    def ask() -> httpx.Response:
        return live.send("GET", f"{ADMIN}/keys", headers=bearer(key), client=address())

    assert [ask().status_code for _ in range(5)] == [200] * 5
    assert len(verifications) == 1
    change(database, "UPDATE access_key SET scopes = '{publish}'")
    assert (ask().status_code, len(verifications)) == (403, 1)
    change(database, "UPDATE access_key SET scopes = '{admin}', expires_at = now()")
    assert (ask().status_code, len(verifications)) == (401, 1)
    change(database, "UPDATE access_key SET expires_at = NULL, revoked_at = now()")
    assert (ask().status_code, len(verifications)) == (401, 1)
    change(database, "UPDATE access_key SET revoked_at = NULL")
    assert (ask().status_code, len(verifications)) == (200, 1)
    changed = "UPDATE access_key SET secret_hash = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$" + 43 * "A" + "'"
    change(database, changed)
    assert (ask().status_code, len(verifications)) == (401, 2)


def test_an_unknown_key_costs_as_much_as_a_wrong_one(live: Service, database: Database, verifications: list[str]):
    existing = make_key(database, "admin")
    for key in ("sos_999_" + 43 * "x", with_other_secret(existing)):
        assert live.send("GET", f"{ADMIN}/keys", headers=bearer(key)).status_code == 401
    unknown, known = verifications
    assert unknown.split("$")[:4] == known.split("$")[:4], "the same work"


def test_after_ten_wrong_keys_an_address_has_to_wait(live: Service, database: Database, verifications: list[str]):
    right, fresh = make_key(database, "admin"), make_key(database, "admin")

    def ask(key: str, client: str = "192.0.2.1") -> httpx.Response:
        return live.send("GET", f"{ADMIN}/keys", headers=bearer(key), client=client)

    assert ask(right).status_code == 200
    assert {ask(with_other_secret(right)).status_code for _ in range(10)} == {401}
    verifications.clear()
    waits = [ask(with_other_secret(right)) for _ in range(12)]
    assert {answer.status_code for answer in waits} == {429}
    assert waits[0].json()["type"] == "urn:sos:problem:too-many-requests"
    assert 0 < int(waits[0].headers["Retry-After"]) <= 60
    assert (ask(fresh).status_code, ask(right).status_code) == (429, 200), "a key that was right just now still is"
    assert verifications == []
    assert ask(fresh, "192.0.2.2").status_code == 200, "others are not concerned"
    told = [(event.status, event.outcome, event.parameters) for event in reversed(events(database))]
    assert told[:11] == [(200, "done", {}), *[(401, "refused", {"claimed_key": 1})] * 10]
    assert told[11:13] == [(429, "refused", {"refused_in_a_row": n}) for n in (1, 10)], "each is counted, few are kept"


def test_the_audit_is_read_in_pages_newest_first(live: Service, database: Database):
    operator, other = make_key(database, "admin"), make_key(database, "admin")
    for _ in range(5):
        live.send("GET", f"{ADMIN}/keys", headers=bearer(other))
    first = live.send("GET", f"{ADMIN}/audit", headers=bearer(operator), params={"limit": 2, "action": "key.list"})
    TypeAdapter(AuditPage).validate_json(first.content, extra="forbid")
    seen, answer = list(first.json()["events"]), first
    while answer.json()["truncated"]:
        assert answer.json()["count"] == 2
        answer = live.send("GET", answer.json()["next"], headers=bearer(operator))
        seen += answer.json()["events"]
    assert [event["event_id"] for event in seen] == ["5", "4", "3", "2", "1"]
    assert answer.json()["next"] is None

    def count(**asked: object) -> int:
        found = live.send("GET", f"{ADMIN}/audit", headers=bearer(operator), params={"limit": 1000, **asked})
        return found.raise_for_status().json()["count"]

    assert (count(key=2), count(key=99), count(action="version.publish")) == (5, 0, 0)
    assert (count(key=2, since=seen[1]["at"]), count(since="2120-01-01T00:00:00+02:00")) == (2, 0)
    for wrong in ({"limit": 0}, {"after": "x"}, {"since": "2020-01-01T00:00:00"}, {"key": 0}, {"event": 1}):
        refused = live.send("GET", f"{ADMIN}/audit", headers=bearer(operator), params=wrong)
        assert refused.status_code == 422
        assert next(iter(wrong)) in refused.json()["detail"]


@contextmanager
def serving_also(database: Database, endpoint: Callable[..., object]) -> Iterator[Service]:
    """The service with one more call of administration."""
    router = admin_router("/tests")
    router.post("/{n}")(administers("test.run", Scope.PUBLISH, "test {n}")(endpoint))
    with serving(database) as service:
        service.app.include_router(router)
        yield service


def test_a_call_that_breaks_is_on_record(database: Database):
    def breaks(context: Context, n: str) -> None:
        raise ZeroDivisionError(n)

    key = make_key(database, "publish")
    with serving_also(database, breaks) as service:
        assert service.send("POST", f"{ADMIN}/tests/seven", headers=bearer(key)).status_code == 500
    [event] = events(database)
    assert (event.outcome, event.status, event.target) == (Outcome.FAILED, 500, "test seven")
    assert event.detail == "ZeroDivisionError('seven')"


def test_what_is_done_and_cannot_be_put_on_record_is_not_called_done(
    database: Database, caplog: pytest.LogCaptureFixture
):
    def closes(n: str) -> dict[str, str]:
        change(database, "ALTER TABLE audit ADD CONSTRAINT full_house CHECK (event_id < 0) NOT VALID")
        return {"n": n}

    key = make_key(database, "publish")
    with serving_also(database, closes) as service:
        answer = service.send("POST", f"{ADMIN}/tests/seven", headers=bearer(key))
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "could not be put on record" in answer.json()["detail"]
        refused = service.send("POST", f"{ADMIN}/tests/seven", headers=bearer(with_other_secret(key)))
        assert refused.status_code == 401, "a refusal stays one"
    assert caplog.text.count("not on record: test.run of test seven") == 2
    assert key.split("_", maxsplit=2)[2] not in caplog.text


def test_another_method_is_no_use_of_a_call(house: tuple[Service, Database]):
    service, database = house
    known = len(events(database))
    assert service.send("PATCH", f"{ADMIN}/keys").status_code == 405
    assert len(events(database)) == known
    head = service.send("HEAD", f"{ADMIN}/keys", client=address())
    assert (head.status_code, len(events(database))) == (401, known + 1), "HEAD is a GET"


def test_reading_needs_no_key_and_takes_no_harm_from_one(house: tuple[Service, Database]):
    service, database = house
    known = len(events(database))
    assert service.send("GET", "/v1/versions", headers=bearer("nonsense")).status_code == 200
    assert len(events(database)) == known


def test_the_description_says_what_a_call_needs(house: tuple[Service, Database]):
    description = house[0].get("/openapi.json").json()
    scheme = description["components"]["securitySchemes"]["key"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for method, path, route in CALLS:
        call = description["paths"][path][method.lower()]
        assert call["security"] == [{"key": []}]
        assert f"the scope `{route.declared.scope}`" in call["description"]
        assert {"401", "403", "429"} <= set(call["responses"])
        assert any(
            "example" in one.get("content", {}).get("application/json", {}) for one in call["responses"].values()
        )
    assert all("security" not in call for call in description["paths"]["/v1/cone"].values())
