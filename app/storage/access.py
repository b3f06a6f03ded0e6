"""Keys to administration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from app.domain.access import AccessKey, Scope
from app.storage.queries import queries

_SQL = queries("access")


def add(
    connection: Connection,
    name: str,
    scopes: Sequence[Scope],
    *,
    secret_hash: str,
    expires_at: datetime | None,
    created_by: int | None,
) -> AccessKey:
    """Add a key."""
    values = {
        "name": name,
        "secret_hash": secret_hash,
        "scopes": [str(scope) for scope in scopes],
        "expires_at": expires_at,
        "created_by": created_by,
    }
    found = _rows(connection, "add", values)
    return _from_row(found[0])


def find(connection: Connection, key_id: int) -> tuple[AccessKey, str] | None:
    """Return a key in whatever state and the hash of its secret, None where there is none of this number."""
    found = _rows(connection, "find", {"key_id": key_id})
    return (_from_row(found[0]), found[0]["secret_hash"]) if found else None


def list_all(connection: Connection) -> list[AccessKey]:
    """Return every key in whatever state, newest first."""
    return [_from_row(row) for row in _rows(connection, "keys", {})]


def revoke(connection: Connection, key_id: int) -> AccessKey | None:
    """Revoke a key; return None where there is none of this number that is not revoked already."""
    found = _rows(connection, "revoke", {"key_id": key_id})
    return _from_row(found[0]) if found else None


def used(connection: Connection, key_id: int) -> None:
    """Note that a key was used now."""
    connection.exec_driver_sql(_SQL["used"], {"key_id": key_id})


def lock(connection: Connection) -> None:
    """Let nobody else add or change a key until the transaction ends."""
    connection.exec_driver_sql(_SQL["lock"])


def _rows(connection: Connection, query: str, values: dict[str, Any]) -> Sequence[RowMapping]:
    return connection.exec_driver_sql(_SQL[query], values).mappings().all()


def _from_row(row: RowMapping) -> AccessKey:
    values = {name: value for name, value in row.items() if name != "secret_hash"}
    return AccessKey(**{**values, "scopes": tuple(Scope(scope) for scope in row["scopes"])})
