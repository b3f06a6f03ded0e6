"""`sos key` and `sos audit`: keys and the record without the service."""

from __future__ import annotations

import json
import os
import pwd

import pytest

from app.cli.audit import on_record
from app.domain.access import Actor, Outcome
from app.domain.errors import ConflictError
from app.services.access import Access
from app.storage.engine import Database
from tests.support.administration import contents, events
from tests.support.cli import sos

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name


def test_a_key_is_printed_alone_once_and_works(database: Database):
    made = sos("key", "create", "nightly", "--scope", "calibrate", "--scope", "publish", database=database)
    assert made.exit_code == 0, made.output
    text = made.stdout.strip()
    assert "only once" in made.stderr
    assert text not in made.stderr
    key = Access(database).authenticate(text, "here")
    assert (key.name, [str(scope) for scope in key.scopes], key.created_by) == (
        "nightly",
        ["calibrate", "publish"],
        None,
    )
    [event] = events(database)
    assert (event.actor, event.key_id, event.key_name) == (Actor.COMMAND_LINE, None, ACCOUNT)
    assert (event.action, event.target, event.outcome, event.status) == ("key.create", "key 1", Outcome.DONE, None)
    assert event.parameters == {"name": "nightly", "scopes": ["calibrate", "publish"]}
    shown = "".join(sos(*call, database=database).output for call in (["key", "list"], ["audit"], ["audit", "--json"]))
    assert "nightly" in shown
    assert text.split("_", maxsplit=2)[2] not in shown


def test_programs_get_json(database: Database):
    options = ["--scope", "admin", "--expires-in-days", "30", "--json"]
    made = json.loads(sos("key", "create", "x", *options, database=database).stdout)
    assert made["key"].startswith("sos_1_")
    assert made["expires"] > made["created"]
    [listed] = json.loads(sos("key", "list", "--json", database=database).stdout)
    assert listed == {name: value for name, value in made.items() if name != "key"}


def test_a_revoked_key_stays_in_the_list(database: Database):
    sos("key", "create", "x", "--scope", "admin", database=database)
    revoked = sos("key", "revoke", "1", database=database)
    assert (revoked.exit_code, "key 1 (x) is revoked" in revoked.stderr) == (0, True)
    assert (sos("key", "revoke", "1", database=database).exit_code) == 4
    assert (sos("key", "revoke", "2", database=database).exit_code) == 3
    [listed] = json.loads(sos("key", "list", "--json", database=database).stdout)
    assert listed["state"] == "revoked"
    recorded = json.loads(sos("audit", "--json", "--limit", "3", database=database).stdout)
    assert [(event["action"], event["target"], event["outcome"]) for event in recorded] == [
        ("key.revoke", "key 2", "failed"),
        ("key.revoke", "key 1", "failed"),
        ("key.revoke", "key 1", "done"),
    ]
    assert "no key 2" in recorded[0]["detail"]
    cut = sos("audit", "--limit", "2", "--action", "key.revoke", database=database)
    assert "more than these 2 events" in cut.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x", "--scope", "root"], "got 'root'"),
        (["", "--scope", "admin"], "1 to 100 characters"),
        (["x", "--scope", "admin", "--expires-in-days", "0"], "expires-in-days"),
        (["x"], "--scope"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(database: Database, arguments: list[str], words: str):
    answer = sos("key", "create", *arguments, database=database)
    assert answer.exit_code == 2
    assert words in " ".join(answer.stderr.split())
    assert contents(database)["access_key"] == []


def test_a_command_is_on_record_with_what_became_of_it(database: Database):
    with on_record(database, "version.publish", parameters={"force": False, "version": None}) as command:
        command.target = "version 7"
        command.parameters["before"] = 6
    with pytest.raises(ConflictError), on_record(database, "version.publish", "version 8"):
        raise ConflictError("it fails its gate")
    failed, done = events(database)
    assert (done.outcome, done.target, done.parameters) == (Outcome.DONE, "version 7", {"force": False, "before": 6})
    assert (failed.outcome, failed.target, failed.detail) == (Outcome.FAILED, "version 8", "it fails its gate")
