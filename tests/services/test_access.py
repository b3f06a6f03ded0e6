"""Keys: made, recognised, held to their scopes, revoked; and what a process remembers of them."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from app.domain.access import Actor, Scope
from app.domain.errors import (
    ConflictError,
    ForbiddenError,
    ParameterError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnknownKeyError,
)
from app.services import guesses
from app.services.access import Access, ensure_demo_key, require
from app.services.guesses import Guesses
from app.services.secrets import REMEMBERED_S, Secrets
from app.storage.engine import Database
from tests.support.administration import contents, events, expired_key, make_key, revoked_key, with_other_secret


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_recognised_with_what_it_allows(database: Database):
    access = Access(database)
    end = datetime.now(UTC) + timedelta(days=1)
    issued = access.create(" a person ", ["publish", "calibrate", "publish"], end)
    assert re.fullmatch(r"sos_1_[A-Za-z0-9_-]{43}", issued.text)
    assert (issued.key.name, issued.key.scopes) == ("a person", (Scope.CALIBRATE, Scope.PUBLISH))
    assert access.authenticate(issued.text, "here") == issued.key
    assert issued.key.expires_at == end
    require(issued.key, Scope.PUBLISH)
    with pytest.raises(ForbiddenError, match="scope 'ingest'; the scopes of this key: calibrate, publish"):
        require(issued.key, Scope.INGEST)


def test_the_secret_is_kept_as_argon2id_alone(database: Database):
    texts = [make_key(database, "admin") for _ in range(2)]
    assert texts[0].split("_", maxsplit=2)[2] != texts[1].split("_", maxsplit=2)[2]
    [first, second] = contents(database)["access_key"]
    hashes = [re.search(r"\$argon2id\$[^\"]+", row)[0] for row in (first, second)]
    expected = extract_parameters(PasswordHasher().hash("x"))
    assert [extract_parameters(found) for found in hashes] == [expected] * 2
    assert expected.type is Type.ID
    assert not any(text.split("_", maxsplit=2)[2] in row for text in texts for row in (first, second))


@pytest.mark.parametrize(
    ("name", "scopes", "end", "words"),
    [
        ("", ["admin"], None, "name: must be a text of 1 to 100"),
        ("a\nb", ["admin"], None, "on one line"),
        ("x" * 101, ["admin"], None, "1 to 100"),
        ("x", [], None, "must be some of calibrate, publish, ingest, admin, got none"),
        ("x", ["root", "admin"], None, "got 'root'"),
        ("x", ["admin"], datetime.now(UTC), "must be in the future"),
    ],
)
def test_what_cannot_be_a_key_is_not_made(
    database: Database, name: str, scopes: list[str], end: datetime | None, words: str
):
    with pytest.raises(ParameterError, match=words):
        Access(database).create(name, scopes, end)
    assert contents(database)["access_key"] == []


def test_what_is_wrong_with_a_key_is_said_to_whom_it_belongs(database: Database):
    access = Access(database)
    right = make_key(database, "admin")
    for text, words, key_id in (
        (None, "needs a key", None),
        ("", "this is no key", None),
        ("sos_0_" + 43 * "x", "this is no key", None),
        ("sos_01_" + right[6:], "this is no key", None),
        (right + "x", "this is no key", None),
        (right + "\n", "this is no key", None),
        (with_other_secret(right), "there is no such key", None),
        (right.replace("sos_1_", "sos_2_"), "there is no such key", None),
        (expired_key(database, "admin"), "expired on 20", 2),
        (revoked_key(database, "admin"), "revoked on 20", 3),
        (with_other_secret(revoked_key(database, "admin")), "there is no such key", None),
    ):
        with pytest.raises(UnauthenticatedError, match=words) as told:
            access.authenticate(text, f"address of {text}")
        assert (told.value.key_id, told.value.given) == (key_id, text is not None)


def test_a_key_is_revoked_once(database: Database):
    access = Access(database)
    key = make_key(database, "publish")
    revoked = access.revoke(1)
    assert revoked.revoked_at is not None
    with pytest.raises(ConflictError, match="key 1 was revoked on 20"):
        access.revoke(1)
    for unknown in (2, 2**62):
        with pytest.raises(UnknownKeyError, match=f"no key {unknown}"):
            access.revoke(unknown)
    assert access.list_all() == [revoked]
    with pytest.raises(UnauthenticatedError):
        access.authenticate(key, "here")


def test_a_right_secret_is_remembered_for_minutes_and_a_wrong_one_never(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    compared: list[str] = []
    verify = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda self, known, secret: compared.append(known) or verify(self, known, secret)
    )
    clock = Clock()
    access = Access(database, secrets=Secrets(clock=clock))
    key = make_key(database, "admin")
    access.authenticate(key, "here")
    clock.now += REMEMBERED_S - 1
    access.authenticate(key, "here")
    assert len(compared) == 1
    clock.now += 1
    access.authenticate(key, "here")
    assert len(compared) == 2
    for n in (3, 4):
        with pytest.raises(UnauthenticatedError):
            access.authenticate(with_other_secret(key), "here")
        assert len(compared) == n
    other = make_key(database, "admin")
    with pytest.raises(UnauthenticatedError):
        access.authenticate(f"sos_{other.split('_')[1]}_{key.split('_', maxsplit=2)[2]}", "here")
    assert len(compared) == 5, "remembered for its own key alone"


def test_ten_failures_within_a_minute_are_enough():
    clock = Clock()
    counted = Guesses(clock=clock)
    for _ in range(10):
        counted.check("192.0.2.1")
        counted.failed("192.0.2.1")
        clock.now += 5
    for n in range(1, 4):
        with pytest.raises(TooManyRequestsError) as told:
            counted.check("192.0.2.1")
        assert (told.value.retry_after_s, told.value.count) == (10, n)
    counted.check("192.0.2.2")
    clock.now += 10
    counted.check("192.0.2.1")
    counted.failed("192.0.2.1")
    with pytest.raises(TooManyRequestsError) as told:
        counted.check("192.0.2.1")
    assert (told.value.retry_after_s, told.value.count) == (5, 1), "the nine that are left and the new one"


def test_who_has_a_whole_network_is_one_address():
    counted = Guesses(clock=Clock())
    for n in range(10):
        counted.failed(f"2001:db8:1:2:{n}::1")
        counted.failed(f"::ffff:192.0.2.{n}")
    for same in ("2001:db8:1:2:ffff::", "2001:db8:1:2::"):
        with pytest.raises(TooManyRequestsError):
            counted.check(same)
    for other in ("2001:db8:1:3::1", "192.0.2.0", "unknown"):
        counted.check(other)


def test_failures_of_many_addresses_take_no_room_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(guesses, "_ADDRESSES", 20)
    clock = Clock()
    counted = Guesses(clock=clock)
    for _ in range(10):
        counted.failed("192.0.2.1")
    for n in range(1000):
        counted.failed(f"10.0.{n // 256}.{n % 256}")
        if n % 15 == 0:
            counted.failed("192.0.2.1")
        assert len(counted._records) <= 20
    with pytest.raises(TooManyRequestsError):
        counted.check("192.0.2.1")
    clock.now += 61
    for n in range(20):
        counted.failed(f"10.1.0.{n}")
    assert set(counted._records) == {f"10.1.0.{n}" for n in range(20)}


def test_the_demo_has_a_key_as_long_as_there_is_none_of_use(database: Database):
    revoked_key(database, "admin")
    expired_key(database, "admin")
    text = ensure_demo_key(database)
    assert text is not None
    key = Access(database).authenticate(text, "here")
    assert (key.name, key.scopes, key.expires_at) == ("demo", (Scope.ADMIN,), None)
    assert ensure_demo_key(database) is None
    [event] = events(database)
    assert (event.actor, event.action, event.target) == (Actor.COMMAND_LINE, "key.create", f"key {key.key_id}")
    Access(database).revoke(key.key_id)
    assert ensure_demo_key(database) not in {None, text}


def test_of_two_demos_at_once_one_makes_a_key(database: Database):
    made: list[str | None] = []
    both = threading.Barrier(2)

    def start() -> None:
        both.wait()
        made.append(ensure_demo_key(database))

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key is None for key in made) == [False, True]
    assert len(contents(database)["access_key"]) == 1
