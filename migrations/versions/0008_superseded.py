"""Replaced files stay while a version needs them; a cross-match can look at new rows and their neighbours alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# How the neighbours of a new row are found; the numbers are those of app/science/crossmatch/cells.py.
INDEXES = {f"ix_measurement_{column}": column for column in ("gaia_dr3", "gaia_dr2", "tmass")}
CELL = "(floor((dec + 90) * 60)::integer * 21600 + floor(ra * 60)::integer)"
FAST = "pm_ra_cosdec_masyr * pm_ra_cosdec_masyr + pm_dec_masyr * pm_dec_masyr > 250000"
_CONTENT = ["survey_id", "file_sha256", "descriptor_sha256"]


def upgrade() -> None:
    op.add_column("ingestion", sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint(op.f("uq_ingestion_survey_id_file_sha256_descriptor_sha256"), "ingestion", type_="unique")
    op.create_index(
        "uq_ingestion_content", "ingestion", _CONTENT, unique=True, postgresql_where=sa.text("superseded_at IS NULL")
    )
    op.create_table(
        "crossmatch",
        sa.Column("only_row", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("edition", sa.SmallInteger(), nullable=False),
        sa.Column("radii", postgresql.JSONB(), nullable=False, comment="match radius in arcsec by survey"),
        sa.Column("files", postgresql.JSONB(), nullable=False, comment="survey, ingestion and rows of each"),
        sa.Column("counts", postgresql.JSONB(), nullable=False, comment="what adds up over measurements and stars"),
        sa.Column("first_epoch", sa.Double(), nullable=False),
        sa.Column("last_epoch", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("only_row", name=op.f("pk_crossmatch")),
        sa.CheckConstraint("only_row", name=op.f("ck_crossmatch_one_row")),
    )
    for index, column in INDEXES.items():
        op.create_index(index, "measurement", [column], postgresql_where=sa.text(f"{column} IS NOT NULL"))
    op.create_index("ix_measurement_cell", "measurement", [sa.text(CELL)])
    op.create_index("ix_measurement_fast", "measurement", ["survey_id"], postgresql_where=sa.text(FAST))
    # A hashed list of a few numbers, looked into once a row: every reader of present rows stays a scan or a lookup.
    op.execute("""
        CREATE VIEW present_measurement AS
        SELECT * FROM measurement
        WHERE ingestion_id NOT IN (SELECT ingestion_id FROM ingestion WHERE superseded_at IS NOT NULL)""")


def downgrade() -> None:
    op.execute("DROP VIEW present_measurement")
    for index in (*INDEXES, "ix_measurement_cell", "ix_measurement_fast"):
        op.drop_index(index, "measurement")
    op.drop_table("crossmatch")
    # What was replaced went at once before: its rows, and the record of its files.
    op.execute("""
        WITH gone AS (DELETE FROM measurement
                      WHERE ingestion_id IN (SELECT ingestion_id FROM ingestion WHERE superseded_at IS NOT NULL)
                      RETURNING measurement_id)
        DELETE FROM match WHERE measurement_id IN (SELECT measurement_id FROM gone)""")
    op.execute("DELETE FROM ingestion WHERE superseded_at IS NOT NULL")
    op.drop_index("uq_ingestion_content", "ingestion")
    op.create_unique_constraint(op.f("uq_ingestion_survey_id_file_sha256_descriptor_sha256"), "ingestion", _CONTENT)
    op.drop_column("ingestion", "superseded_at")
