"""What a version says: calibrated measurements and homogenized stars, one partition a version."""

from __future__ import annotations

from sqlalchemy import REAL, BigInteger, Boolean, Double, Index, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.storage.tables.base import Base


class CalibratedRow(Base):
    """One measurement on the unified scale; partition `calibrated_<version>`.

    `*_lower`, `*_upper` are the ends of the 68 % interval. `in_domain` and `flags` are about the correction:
    flags bit 0 the inversion did not converge, 1 outside the domain, 2 the survey gave no error,
    4, 5, 6 Teff, log g, [Fe/H] excluded from the combination, 7 the survey has no model in this version.
    `*_weight` is the share in the combined value.
    """

    __tablename__ = "calibrated"
    __table_args__ = (
        Index("ix_calibrated_star_id", "version_id", "star_id"),
        {"postgresql_partition_by": "LIST (version_id)"},
    )

    version_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    measurement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    survey_id: Mapped[int] = mapped_column(SmallInteger)
    star_id: Mapped[int] = mapped_column(BigInteger)
    teff: Mapped[float | None] = mapped_column(REAL)
    teff_lower: Mapped[float | None] = mapped_column(REAL)
    teff_upper: Mapped[float | None] = mapped_column(REAL)
    teff_weight: Mapped[float | None] = mapped_column(REAL)
    logg: Mapped[float | None] = mapped_column(REAL)
    logg_lower: Mapped[float | None] = mapped_column(REAL)
    logg_upper: Mapped[float | None] = mapped_column(REAL)
    logg_weight: Mapped[float | None] = mapped_column(REAL)
    feh: Mapped[float | None] = mapped_column(REAL)
    feh_lower: Mapped[float | None] = mapped_column(REAL)
    feh_upper: Mapped[float | None] = mapped_column(REAL)
    feh_weight: Mapped[float | None] = mapped_column(REAL)
    in_domain: Mapped[bool] = mapped_column(Boolean)
    split: Mapped[int] = mapped_column(SmallInteger, comment="0 train, 1 conformalize, 2 test")
    flags: Mapped[int] = mapped_column(SmallInteger)


class HomogenizedRow(Base):
    """One star of a version; partition `homogenized_<version>`, rows in sky order.

    Position and magnitudes are copied in, so that a version is a whole fact and a cone reads one index.
    `*_flags`: bit 0 surveys disagree (p < 0.001), 1 some contribution lies outside its domain, 2 one measurement only,
    3 some contribution was ambiguously matched, 4 all contributions lie outside their domains: there is no value.
    `rho_*` correlates the errors of two parameters, NULL where that of a contribution is unknown.
    """

    __tablename__ = "homogenized"
    __table_args__ = (
        Index("ix_homogenized_gaia_dr3_source_id", "version_id", "gaia_dr3_source_id"),
        {"postgresql_partition_by": "LIST (version_id)"},
    )

    version_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    star_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    gaia_dr3_source_id: Mapped[int | None] = mapped_column(BigInteger)
    ra: Mapped[float] = mapped_column(Double)
    dec: Mapped[float] = mapped_column(Double)
    teff: Mapped[float | None] = mapped_column(REAL)
    teff_lower: Mapped[float | None] = mapped_column(REAL)
    teff_upper: Mapped[float | None] = mapped_column(REAL)
    teff_n: Mapped[int] = mapped_column(SmallInteger)
    teff_chi2: Mapped[float | None] = mapped_column(REAL)
    teff_p_value: Mapped[float | None] = mapped_column(REAL)
    teff_flags: Mapped[int] = mapped_column(SmallInteger)
    logg: Mapped[float | None] = mapped_column(REAL)
    logg_lower: Mapped[float | None] = mapped_column(REAL)
    logg_upper: Mapped[float | None] = mapped_column(REAL)
    logg_n: Mapped[int] = mapped_column(SmallInteger)
    logg_chi2: Mapped[float | None] = mapped_column(REAL)
    logg_p_value: Mapped[float | None] = mapped_column(REAL)
    logg_flags: Mapped[int] = mapped_column(SmallInteger)
    feh: Mapped[float | None] = mapped_column(REAL)
    feh_lower: Mapped[float | None] = mapped_column(REAL)
    feh_upper: Mapped[float | None] = mapped_column(REAL)
    feh_n: Mapped[int] = mapped_column(SmallInteger)
    feh_chi2: Mapped[float | None] = mapped_column(REAL)
    feh_p_value: Mapped[float | None] = mapped_column(REAL)
    feh_flags: Mapped[int] = mapped_column(SmallInteger)
    rho_teff_logg: Mapped[float | None] = mapped_column(REAL)
    rho_teff_feh: Mapped[float | None] = mapped_column(REAL)
    rho_logg_feh: Mapped[float | None] = mapped_column(REAL)
    g_mag: Mapped[float | None] = mapped_column(REAL)
    bp_mag: Mapped[float | None] = mapped_column(REAL)
    rp_mag: Mapped[float | None] = mapped_column(REAL)
    k_mag: Mapped[float | None] = mapped_column(REAL)
