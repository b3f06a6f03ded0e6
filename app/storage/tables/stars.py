"""Stars, and which survey row belongs to which star."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Double,
    Identity,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class StarRow(Base):
    """A star on the sky, numbered by SoS in sky order; position at `epoch_jyear`.

    `identity` is the text that names the star whatever survey arrives first (Gaia DR3 id, else 2MASS designation,
    else its first survey object); `split` (0 train, 1 conformalize, 2 test) is a hash of it.
    """

    __tablename__ = "star"
    __table_args__ = (
        CheckConstraint("ra >= 0 AND ra < 360", name="ra_in_range"),
        CheckConstraint("dec >= -90 AND dec <= 90", name="dec_in_range"),
        UniqueConstraint("identity"),
        Index("ix_star_gaia_dr3_source_id", "gaia_dr3_source_id", unique=True),
    )

    star_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    identity: Mapped[str] = mapped_column(Text)
    gaia_dr3_source_id: Mapped[int | None] = mapped_column(BigInteger)
    tmass: Mapped[str | None] = mapped_column(Text)
    ra: Mapped[float] = mapped_column(Double)
    dec: Mapped[float] = mapped_column(Double)
    epoch_jyear: Mapped[float] = mapped_column(REAL)
    pm_ra_cosdec_masyr: Mapped[float | None] = mapped_column(REAL)
    pm_dec_masyr: Mapped[float | None] = mapped_column(REAL)
    g_mag: Mapped[float | None] = mapped_column(REAL)
    bp_mag: Mapped[float | None] = mapped_column(REAL)
    rp_mag: Mapped[float | None] = mapped_column(REAL)
    k_mag: Mapped[float | None] = mapped_column(REAL)
    split: Mapped[int] = mapped_column(SmallInteger)
    n_measurements: Mapped[int] = mapped_column(SmallInteger)
    n_surveys: Mapped[int] = mapped_column(SmallInteger)
    ambiguous: Mapped[bool] = mapped_column(Boolean)


class MatchRow(Base):
    """A survey row belongs to a star: how that was found, how far apart, and whether another star was as likely."""

    __tablename__ = "match"
    __table_args__ = (Index("ix_match_star_id", "star_id"),)

    measurement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    survey_id: Mapped[int] = mapped_column(SmallInteger)
    star_id: Mapped[int] = mapped_column(BigInteger)
    separation_arcsec: Mapped[float] = mapped_column(REAL)
    how: Mapped[int] = mapped_column(SmallInteger, comment="0 alone, 1 by id, 2 by position")
    ambiguous: Mapped[bool] = mapped_column(Boolean)


class CrossmatchRunRow(Base):
    """A cross-match that put new stars and matches in the place of earlier ones."""

    __tablename__ = "crossmatch_run"

    run_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())
    measurements: Mapped[int] = mapped_column(BigInteger)
    stars: Mapped[int] = mapped_column(BigInteger)


class CrossmatchRow(Base):
    """The one row that says what the stars and matches were made of; see `app/pipeline/match_changes.py`.

    `edition` counts changes of the rules. Where it, a radius or a file is not what it was, all is matched anew.
    `counts` hold what a cross-match of a part cannot see: sums over all measurements and stars.
    """

    __tablename__ = "crossmatch"
    __table_args__ = (CheckConstraint("only_row", name="one_row"),)

    only_row: Mapped[bool] = mapped_column(Boolean, primary_key=True, server_default=text("true"))
    edition: Mapped[int] = mapped_column(SmallInteger)
    radii: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="match radius in arcsec by survey")
    files: Mapped[list[Any]] = mapped_column(JSONB, comment="survey, ingestion and rows of each")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="what adds up over measurements and stars")
    first_epoch: Mapped[float] = mapped_column(Double)
    last_epoch: Mapped[float] = mapped_column(Double)
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())
