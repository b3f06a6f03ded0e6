"""Surveys, the files that were ingested into them, and the rows that were rejected."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class SurveyRow(Base):
    """A survey release as its descriptor defines it."""

    __tablename__ = "survey"

    survey_id: Mapped[int] = mapped_column(SmallInteger, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(Text, unique=True)
    title: Mapped[str] = mapped_column(Text)
    release: Mapped[str] = mapped_column(Text)
    citation: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class IngestionRow(Base):
    """One file taken in: `read = stored + rejected` holds by constraint.

    A file that was replaced has `superseded_at`: its measurements are no longer present (the view
    `present_measurement` leaves them out), and stay while a version refers to them.
    """

    __tablename__ = "ingestion"
    __table_args__ = (
        Index(
            "uq_ingestion_content",
            "survey_id",
            "file_sha256",
            "descriptor_sha256",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        CheckConstraint("rows_read = rows_stored + rows_rejected", name="every_row_accounted_for"),
    )

    ingestion_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    survey_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("survey.survey_id"))
    file_name: Mapped[str] = mapped_column(Text)
    file_sha256: Mapped[str] = mapped_column(Text)
    file_bytes: Mapped[int] = mapped_column(BigInteger)
    file_format: Mapped[str] = mapped_column(Text)
    descriptor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    descriptor_sha256: Mapped[str] = mapped_column(Text)
    rows_read: Mapped[int] = mapped_column(BigInteger)
    rows_stored: Mapped[int] = mapped_column(BigInteger)
    rows_rejected: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class RejectRow(Base):
    """A row of a file that cannot be a measurement, with its reason and every original value."""

    __tablename__ = "reject"

    ingestion_id: Mapped[int] = mapped_column(ForeignKey("ingestion.ingestion_id"), primary_key=True)
    row_number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    survey_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("survey.survey_id"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    original: Mapped[dict[str, Any]] = mapped_column(JSONB)
