"""Tables of users that are homogenized: whose, by which job, what became of them, and until when they are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class UserSurveyRow(Base):
    """A table that a user has uploaded; its rows are files under the token, never rows of this database.

    Who has the token has the table. `client` is a digest of the address that sent it, by which tables are counted.
    """

    __tablename__ = "user_survey"
    __table_args__ = (
        Index("ix_user_survey_client", "client"),
        Index("ix_user_survey_expires_at", "expires_at"),
        Index("ix_user_survey_job_id", "job_id"),
    )

    token: Mapped[str] = mapped_column(Text, primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.job_id", ondelete="CASCADE"))
    client: Mapped[str] = mapped_column(Text)
    look: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="what was understood of the table")
    matches: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    file: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="name, rows, bytes and SHA-256 of the answer")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
