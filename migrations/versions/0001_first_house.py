"""The first house: surveys, measurements, stars, versions, catalogue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS raw")
    op.execute("CREATE SEQUENCE measurement_number AS bigint")
    op.create_table(
        "artifact",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_artifact")),
    )
    op.create_table(
        "calibrated",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("measurement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("star_id", sa.BigInteger(), nullable=False),
        sa.Column("teff", sa.REAL(), nullable=True),
        sa.Column("teff_lower", sa.REAL(), nullable=True),
        sa.Column("teff_upper", sa.REAL(), nullable=True),
        sa.Column("teff_weight", sa.REAL(), nullable=True),
        sa.Column("logg", sa.REAL(), nullable=True),
        sa.Column("logg_lower", sa.REAL(), nullable=True),
        sa.Column("logg_upper", sa.REAL(), nullable=True),
        sa.Column("logg_weight", sa.REAL(), nullable=True),
        sa.Column("feh", sa.REAL(), nullable=True),
        sa.Column("feh_lower", sa.REAL(), nullable=True),
        sa.Column("feh_upper", sa.REAL(), nullable=True),
        sa.Column("feh_weight", sa.REAL(), nullable=True),
        sa.Column("in_domain", sa.Boolean(), nullable=False),
        sa.Column("split", sa.SmallInteger(), nullable=False, comment="0 train, 1 conformalize, 2 test"),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "measurement_id", name=op.f("pk_calibrated")),
        postgresql_partition_by="LIST (version_id)",
    )
    op.create_index("ix_calibrated_star_id", "calibrated", ["version_id", "star_id"], unique=False)
    op.create_table(
        "homogenized",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("star_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gaia_dr3_source_id", sa.BigInteger(), nullable=True),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
        sa.Column("teff", sa.REAL(), nullable=True),
        sa.Column("teff_lower", sa.REAL(), nullable=True),
        sa.Column("teff_upper", sa.REAL(), nullable=True),
        sa.Column("teff_n", sa.SmallInteger(), nullable=False),
        sa.Column("teff_chi2", sa.REAL(), nullable=True),
        sa.Column("teff_p_value", sa.REAL(), nullable=True),
        sa.Column("teff_flags", sa.SmallInteger(), nullable=False),
        sa.Column("logg", sa.REAL(), nullable=True),
        sa.Column("logg_lower", sa.REAL(), nullable=True),
        sa.Column("logg_upper", sa.REAL(), nullable=True),
        sa.Column("logg_n", sa.SmallInteger(), nullable=False),
        sa.Column("logg_chi2", sa.REAL(), nullable=True),
        sa.Column("logg_p_value", sa.REAL(), nullable=True),
        sa.Column("logg_flags", sa.SmallInteger(), nullable=False),
        sa.Column("feh", sa.REAL(), nullable=True),
        sa.Column("feh_lower", sa.REAL(), nullable=True),
        sa.Column("feh_upper", sa.REAL(), nullable=True),
        sa.Column("feh_n", sa.SmallInteger(), nullable=False),
        sa.Column("feh_chi2", sa.REAL(), nullable=True),
        sa.Column("feh_p_value", sa.REAL(), nullable=True),
        sa.Column("feh_flags", sa.SmallInteger(), nullable=False),
        sa.Column("g_mag", sa.REAL(), nullable=True),
        sa.Column("bp_mag", sa.REAL(), nullable=True),
        sa.Column("rp_mag", sa.REAL(), nullable=True),
        sa.Column("k_mag", sa.REAL(), nullable=True),
        sa.PrimaryKeyConstraint("version_id", "star_id", name=op.f("pk_homogenized")),
        postgresql_partition_by="LIST (version_id)",
    )
    op.create_index(
        "ix_homogenized_gaia_dr3_source_id", "homogenized", ["version_id", "gaia_dr3_source_id"], unique=False
    )
    op.create_table(
        "match",
        sa.Column("measurement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("star_id", sa.BigInteger(), nullable=False),
        sa.Column("separation_arcsec", sa.REAL(), nullable=False),
        sa.Column("how", sa.SmallInteger(), nullable=False, comment="0 alone, 1 by id, 2 by position"),
        sa.Column("ambiguous", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("measurement_id", name=op.f("pk_match")),
    )
    op.create_index("ix_match_star_id", "match", ["star_id"], unique=False)
    op.create_table(
        "measurement",
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("measurement_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ingestion_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("gaia_dr3", sa.BigInteger(), nullable=True),
        sa.Column("gaia_dr2", sa.BigInteger(), nullable=True),
        sa.Column("tmass", sa.Text(), nullable=True),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
        sa.Column("epoch_jyear", sa.REAL(), nullable=False),
        sa.Column("pm_ra_cosdec_masyr", sa.REAL(), nullable=True),
        sa.Column("pm_dec_masyr", sa.REAL(), nullable=True),
        sa.Column("g_mag", sa.REAL(), nullable=True),
        sa.Column("bp_mag", sa.REAL(), nullable=True),
        sa.Column("rp_mag", sa.REAL(), nullable=True),
        sa.Column("k_mag", sa.REAL(), nullable=True),
        sa.Column("snr", sa.REAL(), nullable=True),
        sa.Column("teff", sa.REAL(), nullable=True),
        sa.Column("teff_err_lower", sa.REAL(), nullable=True),
        sa.Column("teff_err_upper", sa.REAL(), nullable=True),
        sa.Column("logg", sa.REAL(), nullable=True),
        sa.Column("logg_err_lower", sa.REAL(), nullable=True),
        sa.Column("logg_err_upper", sa.REAL(), nullable=True),
        sa.Column("feh", sa.REAL(), nullable=True),
        sa.Column("feh_err_lower", sa.REAL(), nullable=True),
        sa.Column("feh_err_upper", sa.REAL(), nullable=True),
        sa.Column("rho_teff_logg", sa.REAL(), nullable=True),
        sa.Column("rho_teff_feh", sa.REAL(), nullable=True),
        sa.Column("rho_logg_feh", sa.REAL(), nullable=True),
        sa.Column("excluded", sa.SmallInteger(), nullable=False),
        sa.Column("failed_cuts", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("dec >= -90 AND dec <= 90", name=op.f("ck_measurement_dec_in_range")),
        sa.CheckConstraint("ra >= 0 AND ra < 360", name=op.f("ck_measurement_ra_in_range")),
        sa.PrimaryKeyConstraint("survey_id", "measurement_id", name=op.f("pk_measurement")),
        postgresql_partition_by="LIST (survey_id)",
    )
    op.create_index("ix_measurement_ingestion_id", "measurement", ["ingestion_id"], unique=False)
    op.create_index("ix_measurement_object", "measurement", ["survey_id", "object_id"], unique=False)
    op.create_table(
        "star",
        sa.Column("star_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("gaia_dr3_source_id", sa.BigInteger(), nullable=True),
        sa.Column("tmass", sa.Text(), nullable=True),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
        sa.Column("epoch_jyear", sa.REAL(), nullable=False),
        sa.Column("pm_ra_cosdec_masyr", sa.REAL(), nullable=True),
        sa.Column("pm_dec_masyr", sa.REAL(), nullable=True),
        sa.Column("g_mag", sa.REAL(), nullable=True),
        sa.Column("bp_mag", sa.REAL(), nullable=True),
        sa.Column("rp_mag", sa.REAL(), nullable=True),
        sa.Column("k_mag", sa.REAL(), nullable=True),
        sa.Column("split", sa.SmallInteger(), nullable=False),
        sa.Column("n_measurements", sa.SmallInteger(), nullable=False),
        sa.Column("n_surveys", sa.SmallInteger(), nullable=False),
        sa.Column("ambiguous", sa.Boolean(), nullable=False),
        sa.CheckConstraint("dec >= -90 AND dec <= 90", name=op.f("ck_star_dec_in_range")),
        sa.CheckConstraint("ra >= 0 AND ra < 360", name=op.f("ck_star_ra_in_range")),
        sa.PrimaryKeyConstraint("star_id", name=op.f("pk_star")),
        sa.UniqueConstraint("identity", name=op.f("uq_star_identity")),
    )
    op.create_index("ix_star_gaia_dr3_source_id", "star", ["gaia_dr3_source_id"], unique=True)
    op.create_table(
        "survey",
        sa.Column("survey_id", sa.SmallInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("survey_id", name=op.f("pk_survey")),
        sa.UniqueConstraint("name", name=op.f("uq_survey_name")),
    )
    op.create_table(
        "version",
        sa.Column("version_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it failed"),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "inputs",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="surveys with file checksums and row counts",
        ),
        sa.Column(
            "software", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="code and library versions"
        ),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column(
            "metrics", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=True, comment="validation report"),
        sa.Column("n_stars", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'failed', 'ready', 'published', 'retired')",
            name=op.f("ck_version_known_state"),
        ),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_version")),
    )
    op.create_table(
        "figure",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("artifact_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_sha256"], ["artifact.sha256"], name=op.f("fk_figure_artifact_sha256_artifact")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.version_id"], name=op.f("fk_figure_version_id_version"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "name", name=op.f("pk_figure")),
    )
    op.create_table(
        "ingestion",
        sa.Column("ingestion_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("file_format", sa.Text(), nullable=False),
        sa.Column("descriptor", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("descriptor_sha256", sa.Text(), nullable=False),
        sa.Column("rows_read", sa.BigInteger(), nullable=False),
        sa.Column("rows_stored", sa.BigInteger(), nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "rows_read = rows_stored + rows_rejected", name=op.f("ck_ingestion_every_row_accounted_for")
        ),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.survey_id"], name=op.f("fk_ingestion_survey_id_survey")),
        sa.PrimaryKeyConstraint("ingestion_id", name=op.f("pk_ingestion")),
        sa.UniqueConstraint(
            "survey_id",
            "file_sha256",
            "descriptor_sha256",
            name=op.f("uq_ingestion_survey_id_file_sha256_descriptor_sha256"),
        ),
    )
    op.create_table(
        "model",
        sa.Column("model_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("parameter", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False, comment="identity, constant, linear, quadratic or boosted"),
        sa.Column("direction", sa.Text(), nullable=False, comment="forward or direct"),
        sa.Column("artifact_sha256", sa.Text(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_sha256"], ["artifact.sha256"], name=op.f("fk_model_artifact_sha256_artifact")
        ),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.survey_id"], name=op.f("fk_model_survey_id_survey")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.version_id"], name=op.f("fk_model_version_id_version"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", name=op.f("pk_model")),
        sa.UniqueConstraint(
            "version_id", "survey_id", "parameter", name=op.f("uq_model_version_id_survey_id_parameter")
        ),
    )
    op.create_table(
        "publication",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("only_row", name=op.f("ck_publication_one_row")),
        sa.ForeignKeyConstraint(["version_id"], ["version.version_id"], name=op.f("fk_publication_version_id_version")),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_publication")),
    )
    op.create_table(
        "publication_event",
        sa.Column("event_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["previous_id"], ["version.version_id"], name=op.f("fk_publication_event_previous_id_version")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.version_id"], name=op.f("fk_publication_event_version_id_version")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_publication_event")),
    )
    op.create_table(
        "reject",
        sa.Column("ingestion_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.BigInteger(), nullable=False),
        sa.Column("survey_id", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("original", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["ingestion_id"], ["ingestion.ingestion_id"], name=op.f("fk_reject_ingestion_id_ingestion")
        ),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.survey_id"], name=op.f("fk_reject_survey_id_survey")),
        sa.PrimaryKeyConstraint("ingestion_id", "row_number", name=op.f("pk_reject")),
    )
    op.create_index(op.f("ix_reject_survey_id"), "reject", ["survey_id"], unique=False)


def downgrade() -> None:
    op.execute("DROP SCHEMA raw CASCADE")
    op.execute("DROP SEQUENCE measurement_number")
    op.drop_index(op.f("ix_reject_survey_id"), table_name="reject")
    op.drop_table("reject")
    op.drop_table("publication_event")
    op.drop_table("publication")
    op.drop_table("model")
    op.drop_table("ingestion")
    op.drop_table("figure")
    op.drop_table("version")
    op.drop_table("survey")
    op.drop_index("ix_star_gaia_dr3_source_id", table_name="star")
    op.drop_table("star")
    op.drop_index("ix_measurement_object", table_name="measurement")
    op.drop_index("ix_measurement_ingestion_id", table_name="measurement")
    op.drop_table("measurement")
    op.drop_index("ix_match_star_id", table_name="match")
    op.drop_table("match")
    op.drop_index("ix_homogenized_gaia_dr3_source_id", table_name="homogenized")
    op.drop_table("homogenized")
    op.drop_index("ix_calibrated_star_id", table_name="calibrated")
    op.drop_table("calibrated")
    op.drop_table("artifact")
