"""The record of administration can only grow, holds what it was given, and no secrets."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.domain.access import Actor, AuditEntry, Outcome
from app.domain.errors import ConflictError, ParameterError
from app.services.audit import record
from app.storage import audit
from app.storage.engine import Database
from tests.support.administration import change, events

KEY = "sos_7_" + 43 * "k"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'nobody'",
        "UPDATE audit SET detail = NULL WHERE false",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE event_id = 1",
        "TRUNCATE audit",
        "TRUNCATE access_key CASCADE",
    ],
)
def test_the_audit_can_only_grow(database: Database, statement: str):
    with database.begin() as connection:
        record(connection, "version.publish", "version 7")
    before = events(database)
    with pytest.raises(ConflictError, match="the audit can only grow"):
        change(database, statement)
    assert events(database) == before
    assert len(before) == 1


def test_an_entry_comes_back_as_it_was_given(database: Database):
    change(database, "INSERT INTO access_key (name, secret_hash, scopes) VALUES ('operator', 'x', '{admin}')")
    given = AuditEntry(
        actor=Actor.KEY,
        action="survey.ingest",
        outcome=Outcome.FAILED,
        target="survey galah_dr3",
        parameters={"files": ["a.fits"], "replace": True, "limit": 2**60, "radius": 0.5, "none": None},
        key_id=1,
        status=422,
        detail="no such column",
        client="192.0.2.1",
    )
    before = datetime.now(UTC)
    with database.begin() as connection:
        number = audit.add(connection, given)
    [event] = events(database)
    assert {name: getattr(event, name) for name in vars(given)} == {**vars(given), "key_name": "operator"}
    assert event.event_id == number
    assert before <= event.at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (f"a key: {KEY}!", "a key: sos_7_...!"),
        (KEY[:-20], "sos_7_..."),
        ({"a": [{KEY: KEY}]}, {"a": [{"sos_7_...": "sos_7_..."}]}),
        (Path("/tables/galah.fits"), "/tables/galah.fits"),
        ("a\x00b\ud800", "a\ufffdb?"),
        (math.nan, "nan"),
        ((1, True, None), [1, True, None]),
        (10**30, 10**30),
        ("sos_test_database", "sos_test_database"),
    ],
)
def test_what_the_database_cannot_keep_and_what_nobody_should_is_changed(
    database: Database, value: object, kept: object
):
    with database.begin() as connection:
        record(connection, "test.run", parameters={"value": value})
    [event] = events(database)
    assert event.parameters == {"value": kept}


def test_other_texts_of_an_entry_are_cleaned_too(database: Database):
    with database.begin() as connection:
        record(connection, "test.run", KEY, outcome=Outcome.FAILED, detail=f"{KEY}\x00")
    [event] = events(database)
    assert (event.target, event.detail) == ("sos_7_...", "sos_7_...\ufffd")


def test_a_page_ends_where_the_next_begins(database: Database):
    with database.begin() as connection:
        for n in range(7):
            record(connection, "test.run" if n % 2 else "test.end", f"test {n}")
        seen, after = [], None
        for size in (3, 3, 1):
            page, after = audit.page(connection, limit=3, after=after)
            assert len(page) == size
            seen += page
        assert after is None
        assert [event.target for event in seen] == [f"test {n}" for n in range(6, -1, -1)]
        whole, after = audit.page(connection, limit=3, action="test.run")
        assert ([event.target for event in whole], after) == (["test 5", "test 3", "test 1"], None)
        with pytest.raises(ParameterError, match="after"):
            audit.page(connection, limit=3, after="nonsense")
