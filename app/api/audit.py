"""`/v1/admin/audit`: who did what, and when."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from app.api.access import admin_router, administers, private
from app.api.context import Context, documented
from app.api.models import examples
from app.api.models.access import AuditPage, event_answer
from app.api.models.queries import AuditQuery
from app.domain.access import Scope

router = admin_router("/audit")


@router.get("", response_model=AuditPage, responses=documented(examples.AUDIT, "A page of events, newest first"))
@administers("audit.read", Scope.ADMIN)
def audit(context: Context, query: Annotated[AuditQuery, Query()]) -> Response:
    """What was done and tried in administration, newest first: done, refused and failed alike, this call too."""
    events, after = context.factory.audit().page(
        limit=query.limit, after=query.after, action=query.action, key_id=query.key, since=query.since
    )
    following = None if after is None else context.next_url(after, None)
    head = {"count": len(events), "truncated": after is not None, "next": following}
    return private({**head, "events": [event_answer(event) for event in events]})
