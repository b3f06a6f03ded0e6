"""Keys to administration, and the record of what was done with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class AccessKeyRow(Base):
    """A key; its secret is kept as a hash alone."""

    __tablename__ = "access_key"
    __table_args__ = (
        CheckConstraint(
            "scopes <@ ARRAY['calibrate', 'publish', 'ingest', 'admin'] AND cardinality(scopes) > 0",
            name="known_scopes",
        ),
    )

    key_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[str] = mapped_column(Text, comment="Argon2id")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    created_by: Mapped[int | None] = mapped_column(
        ForeignKey("access_key.key_id"), comment="key that made it; null for the command line"
    )
    expires_at: Mapped[datetime | None] = mapped_column(comment="null for never")
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class AuditRow(Base):
    """What somebody did, or tried to do; a trigger keeps rows as they were written."""

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("actor IN ('key', 'command line', 'nobody')", name="known_actor"),
        CheckConstraint("outcome IN ('done', 'refused', 'failed')", name="known_outcome"),
        Index("ix_audit_action_event_id", "action", "event_id"),
        Index("ix_audit_key_id_event_id", "key_id", "event_id"),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    key_id: Mapped[int | None] = mapped_column(
        ForeignKey("access_key.key_id"), comment="null where none was recognised"
    )
    key_name: Mapped[str | None] = mapped_column(Text, comment="of the key, or the account on the command line")
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    target: Mapped[str | None] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    outcome: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None] = mapped_column(Integer, comment="of HTTP; null on the command line")
    detail: Mapped[str | None] = mapped_column(Text, comment="why it was refused or failed")
    client: Mapped[str | None] = mapped_column(Text, comment="address")
