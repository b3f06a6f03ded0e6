"""External scales that no model ever sees: stars, clusters and cluster members of the literature, by source."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import REAL, BigInteger, CheckConstraint, Double, ForeignKey, Integer, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class ReferenceFileRow(Base):
    """A reference table that was loaded: which file, how many rows, and how many were left out, by reason."""

    __tablename__ = "reference_file"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    citation: Mapped[str] = mapped_column(Text)
    file_name: Mapped[str] = mapped_column(Text)
    file_sha256: Mapped[str] = mapped_column(Text)
    rows_read: Mapped[int] = mapped_column(Integer)
    rows_stored: Mapped[int] = mapped_column(Integer)
    left_out: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="rows by reason")
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReferenceStarRow(Base):
    """A star whose parameters are known otherwise: interferometry and parallax, or asteroseismology."""

    __tablename__ = "reference_star"

    source: Mapped[str] = mapped_column(Text, ForeignKey("reference_file.source", ondelete="CASCADE"), primary_key=True)
    row_number: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    gaia_dr3_source_id: Mapped[int | None] = mapped_column(BigInteger)
    tmass: Mapped[str | None] = mapped_column(Text)
    ra: Mapped[float | None] = mapped_column(Double)
    dec: Mapped[float | None] = mapped_column(Double)
    teff: Mapped[float | None] = mapped_column(REAL)
    teff_err: Mapped[float | None] = mapped_column(REAL)
    logg: Mapped[float | None] = mapped_column(REAL)
    logg_err: Mapped[float | None] = mapped_column(REAL)
    feh: Mapped[float | None] = mapped_column(REAL)
    feh_err: Mapped[float | None] = mapped_column(REAL)


class ReferenceClusterRow(Base):
    """The mean [Fe/H] of a cluster; `cluster` is its name in the one spelling that all tables share."""

    __tablename__ = "reference_cluster"
    __table_args__ = (CheckConstraint("kind IN ('open', 'globular')", name="known_kind"),)

    source: Mapped[str] = mapped_column(Text, ForeignKey("reference_file.source", ondelete="CASCADE"), primary_key=True)
    cluster: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, comment="as the table spells it")
    kind: Mapped[str] = mapped_column(Text)
    ra: Mapped[float | None] = mapped_column(Double)
    dec: Mapped[float | None] = mapped_column(Double)
    feh: Mapped[float | None] = mapped_column(REAL)
    feh_err: Mapped[float | None] = mapped_column(REAL)
    n_stars: Mapped[int | None] = mapped_column(Integer)


class ReferenceMemberRow(Base):
    """A member of a cluster by its Gaia DR3 id; ids that a table gives to two clusters are not here."""

    __tablename__ = "reference_member"

    source: Mapped[str] = mapped_column(Text, ForeignKey("reference_file.source", ondelete="CASCADE"), primary_key=True)
    gaia_dr3_source_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    cluster: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text, comment="of the cluster, as the table spells it")
    ra: Mapped[float] = mapped_column(Double)
    dec: Mapped[float] = mapped_column(Double)
    g_mag: Mapped[float | None] = mapped_column(REAL)
    probability: Mapped[float | None] = mapped_column(REAL)
