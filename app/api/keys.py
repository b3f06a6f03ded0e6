"""`/v1/admin/keys`: the keys to administration."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from starlette.responses import Response

from app.api.access import Admin, admin_router, administers, private
from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.access import KeyAnswer, KeyList, NewKey, NewKeyAnswer, key_answer, new_key_answer
from app.api.models.queries import NoQuery
from app.domain.access import Scope

router = admin_router("/keys")

Number = Annotated[int, Path(ge=1, lt=2**63, description="number of a key", examples=[7])]
Nothing = Annotated[NoQuery, Query()]


@router.get("", response_model=KeyList, responses=documented(examples.KEYS, "Every key"))
@administers("key.list", Scope.ADMIN)
def keys(context: Context, _: Nothing) -> Response:
    """Every key, newest first, without its secret; expired and revoked ones too."""
    return private({"keys": [key_answer(key) for key in context.factory.access().list_all()]})


@router.post(
    "",
    status_code=201,
    response_model=NewKeyAnswer,
    responses=documented(examples.NEW_KEY, "The key; this answer alone holds its text", status=201),
)
@administers("key.create", Scope.ADMIN)
def create(context: Context, admin: Admin, _: Nothing, body: NewKey) -> Response:
    """Make a key."""
    end = body.end(datetime.now(UTC))
    issued = context.factory.access().create(body.name, body.scopes, end, created_by=admin.key.key_id)
    admin.target = f"key {issued.key.key_id}"
    return private(new_key_answer(issued), 201)


@router.delete("/{key_id}", response_model=KeyAnswer, responses=documented(examples.REVOKED_KEY, "The revoked key"))
@administers("key.revoke", Scope.ADMIN, "key {key_id}")
def revoke(context: Context, _: Nothing, key_id: Number) -> Response:
    """Make a key useless from now on; it stays in the list, and in the record."""
    return private(key_answer(context.factory.access().revoke(key_id)))
