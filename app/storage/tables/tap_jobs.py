"""Queries that users left to run: what was asked, how far it is, and until when its answer is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class TapJobRow(Base):
    """A job of the Universal Worker Service; uploads and answer are files under its id in the state folder.

    `backend` names the database connection that runs it (process id and start), so that any process of the service can
    stop it, and notices when nobody runs it any more. `client` is a digest of the address that asked, by which jobs and
    bytes are counted, none where nobody counts them; nobody is shown it.
    """

    __tablename__ = "tap_job"
    __table_args__ = (
        CheckConstraint(
            "phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')", name="known_phase"
        ),
        Index("ix_tap_job_waiting", "created_at", postgresql_where=text("phase IN ('QUEUED', 'EXECUTING')")),
        Index("ix_tap_job_client", "client"),
    )

    job_id: Mapped[str] = mapped_column(Text, primary_key=True)
    phase: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    execution_seconds: Mapped[int] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    destruction_at: Mapped[datetime]
    backend: Mapped[str | None] = mapped_column(Text)
    problem: Mapped[str | None] = mapped_column(Text)
    media_type: Mapped[str | None] = mapped_column(Text)
    client: Mapped[str | None] = mapped_column(Text)
    bytes: Mapped[int] = mapped_column(BigInteger, server_default=text("0"), comment="of its files: uploads, answer")
    version: Mapped[int | None] = mapped_column(comment="that the answer is from")
