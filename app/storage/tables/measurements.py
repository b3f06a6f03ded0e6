"""Measurements: what a survey reported for one of its objects, in our columns and units."""

from __future__ import annotations

from sqlalchemy import REAL, BigInteger, CheckConstraint, Double, Index, Integer, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base

CELL = "(floor((dec + 90) * 60)::integer * 21600 + floor(ra * 60)::integer)"
FAST = "pm_ra_cosdec_masyr * pm_ra_cosdec_masyr + pm_dec_masyr * pm_dec_masyr > 250000"


class MeasurementRow(Base):
    """One survey row; partitioned by survey (partition `measurement_<survey>`).

    `*_err_lower`, `*_err_upper` are positive distances from the value to the ends of its 68 % interval after the
    descriptor's error model, NULL where the survey gives no error. `excluded` has bit 0, 1, 2 set where a quality cut
    excludes Teff, log g, [Fe/H]; `failed_cuts` has bit i set for the descriptor's cut number i. Bulk tables
    carry no foreign keys: checking one row by row would halve the speed of COPY, and only the pipeline writes them.
    Identifiers, cells of the sky and stars faster than 0.5"/yr are indexed for the cross-match.
    """

    __tablename__ = "measurement"
    __table_args__ = (
        Index("ix_measurement_object", "survey_id", "object_id"),
        Index("ix_measurement_ingestion_id", "ingestion_id"),
        Index("ix_measurement_gaia_dr3", "gaia_dr3", postgresql_where=text("gaia_dr3 IS NOT NULL")),
        Index("ix_measurement_gaia_dr2", "gaia_dr2", postgresql_where=text("gaia_dr2 IS NOT NULL")),
        Index("ix_measurement_tmass", "tmass", postgresql_where=text("tmass IS NOT NULL")),
        Index("ix_measurement_cell", text(CELL)),
        Index("ix_measurement_fast", "survey_id", postgresql_where=text(FAST)),
        CheckConstraint("ra >= 0 AND ra < 360", name="ra_in_range"),
        CheckConstraint("dec >= -90 AND dec <= 90", name="dec_in_range"),
        {"postgresql_partition_by": "LIST (survey_id)"},
    )

    survey_id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    measurement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ingestion_id: Mapped[int] = mapped_column(Integer)
    row_number: Mapped[int] = mapped_column(BigInteger)
    object_id: Mapped[str] = mapped_column(Text)
    gaia_dr3: Mapped[int | None] = mapped_column(BigInteger)
    gaia_dr2: Mapped[int | None] = mapped_column(BigInteger)
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
    snr: Mapped[float | None] = mapped_column(REAL)
    teff: Mapped[float | None] = mapped_column(REAL)
    teff_err_lower: Mapped[float | None] = mapped_column(REAL)
    teff_err_upper: Mapped[float | None] = mapped_column(REAL)
    logg: Mapped[float | None] = mapped_column(REAL)
    logg_err_lower: Mapped[float | None] = mapped_column(REAL)
    logg_err_upper: Mapped[float | None] = mapped_column(REAL)
    feh: Mapped[float | None] = mapped_column(REAL)
    feh_err_lower: Mapped[float | None] = mapped_column(REAL)
    feh_err_upper: Mapped[float | None] = mapped_column(REAL)
    rho_teff_logg: Mapped[float | None] = mapped_column(REAL)
    rho_teff_feh: Mapped[float | None] = mapped_column(REAL)
    rho_logg_feh: Mapped[float | None] = mapped_column(REAL)
    excluded: Mapped[int] = mapped_column(SmallInteger)
    failed_cuts: Mapped[int] = mapped_column(BigInteger)
