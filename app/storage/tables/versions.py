"""Calibration versions, their models, and the pointer to the one that is served."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class VersionRow(Base):
    """A calibration: plan, data snapshot, seed, code and library versions, metrics and validation report."""

    __tablename__ = "version"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'failed', 'ready', 'published', 'retired', 'removed')", name="known_state"
        ),
    )

    version_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text, comment="why it failed")
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    inputs: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="surveys with file checksums and row counts")
    software: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="code and library versions")
    seed: Mapped[int] = mapped_column(BigInteger)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="validation report")
    n_stars: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]
    data_state: Mapped[str | None] = mapped_column(Text, comment="of measurements and stars, when it began")


class ArtifactRow(Base):
    """Bytes under their SHA-256: a model or a figure; the same bytes are kept once."""

    __tablename__ = "artifact"

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    media_type: Mapped[str] = mapped_column(Text)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ModelRow(Base):
    """One fitted model of a version: the bias of a survey in one parameter (or of all three for a shared artifact)."""

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("version_id", "survey_id", "parameter"), Index("ix_model_fit_key", "fit_key"))

    model_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.version_id", ondelete="CASCADE"))
    survey_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("survey.survey_id"))
    parameter: Mapped[str] = mapped_column(Text)
    stage: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, comment="identity, constant, linear, quadratic or boosted")
    direction: Mapped[str] = mapped_column(Text, comment="forward or direct")
    artifact_sha256: Mapped[str] = mapped_column(ForeignKey("artifact.sha256"))
    metrics: Mapped[dict[str, Any]] = mapped_column(JSONB)
    fit_key: Mapped[str | None] = mapped_column(Text, comment="SHA-256 of everything that it was made of")


class FigureRow(Base):
    """A figure of a version's validation report."""

    __tablename__ = "figure"

    version_id: Mapped[int] = mapped_column(ForeignKey("version.version_id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    artifact_sha256: Mapped[str] = mapped_column(ForeignKey("artifact.sha256"))


class PublicationRow(Base):
    """The one row that says which version is served."""

    __tablename__ = "publication"
    __table_args__ = (CheckConstraint("only_row", name="one_row"),)

    only_row: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    version_id: Mapped[int] = mapped_column(ForeignKey("version.version_id"))
    published_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PublicationEventRow(Base):
    """Every time a version was published or rolled back to."""

    __tablename__ = "publication_event"

    event_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.version_id"))
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("version.version_id"))
    action: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
