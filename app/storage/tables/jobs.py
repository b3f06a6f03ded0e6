"""Background jobs, their steps, what these hand to each other, and what they write for people to read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class JobRow(Base):
    """A job: what was asked for, by whom, how far it is and how it ended.

    Of the jobs that are not done, no two have the same `key`. A job starts when no earlier one that is not done holds
    what it holds or shares, or shares what it holds.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name="known_state"),
        Index("ix_job_key", "key", unique=True, postgresql_where=text("state IN ('queued', 'running')")),
    )

    job_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    key: Mapped[str] = mapped_column(Text)
    holds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    shares: Mapped[list[str]] = mapped_column(ARRAY(Text))
    requested_by: Mapped[str | None] = mapped_column(Text)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("version.version_id", ondelete="SET NULL"))
    stage: Mapped[str | None] = mapped_column(Text)
    done: Mapped[int | None] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    stage_started_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text, comment="why it failed or was cancelled")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class StepRow(Base):
    """A step of a job: the unit that one worker does at a time; `attempt` counts how often it was begun."""

    __tablename__ = "job_step"
    __table_args__ = (
        UniqueConstraint("job_id", "name"),
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="known_state"),
        Index("ix_job_step_open", "step_id", postgresql_where=text("state IN ('queued', 'running')")),
    )

    step_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.job_id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    task: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    attempt: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    worker: Mapped[str | None] = mapped_column(Text)
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class JobDataRow(Base):
    """What one step of a job leaves for another; goes with the job's end."""

    __tablename__ = "job_data"

    job_id: Mapped[int] = mapped_column(ForeignKey("job.job_id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class JobLogRow(Base):
    """A line that a job wrote."""

    __tablename__ = "job_log"
    __table_args__ = (Index("ix_job_log_job_id", "job_id", "line_id"),)

    line_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.job_id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    level: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
