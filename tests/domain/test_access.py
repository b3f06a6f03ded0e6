"""Scopes, and when a key is of use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import AccessKey, IssuedKey, Scope

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)


def key(*, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> AccessKey:
    return AccessKey(7, "x", (Scope.PUBLISH,), NOW, None, expires_at, revoked_at, None)


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_holds_itself_and_admin_holds_all(scope: Scope):
    assert scope.within([scope])
    assert scope.within([Scope.ADMIN])
    assert not scope.within([])
    assert [other for other in Scope if other.within([scope])] == (list(Scope) if scope is Scope.ADMIN else [scope])


def test_a_key_ends_at_its_end_and_with_its_revocation():
    assert key().state(NOW) == "usable"
    assert key(expires_at=LATER).state(NOW) == "usable"
    assert key(expires_at=LATER).state(LATER) == "expired"
    assert key(revoked_at=LATER).state(NOW) == "revoked"
    assert key(expires_at=NOW, revoked_at=NOW).state(LATER) == "revoked"


def test_the_text_of_a_key_does_not_slip_into_a_log():
    assert "sos_7_secret" not in repr(IssuedKey(key(), "sos_7_secret"))
