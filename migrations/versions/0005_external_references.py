"""External scales: benchmark stars, asteroseismology, clusters and their members."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("reference_member", "reference_cluster", "reference_star", "reference_file")


def upgrade() -> None:
    op.create_table(
        "reference_file",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("citation", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_stored", sa.Integer(), nullable=False),
        sa.Column("left_out", postgresql.JSONB(), nullable=False, comment="rows by reason"),
        sa.Column("loaded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_reference_file")),
    )
    op.create_table(
        "reference_star",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("gaia_dr3_source_id", sa.BigInteger(), nullable=True),
        sa.Column("tmass", sa.Text(), nullable=True),
        sa.Column("ra", sa.Double(), nullable=True),
        sa.Column("dec", sa.Double(), nullable=True),
        *(
            sa.Column(f"{name}{error}", sa.REAL(), nullable=True)
            for name in ("teff", "logg", "feh")
            for error in ("", "_err")
        ),
        sa.PrimaryKeyConstraint("source", "row_number", name=op.f("pk_reference_star")),
        _owned("reference_star"),
    )
    op.create_table(
        "reference_cluster",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="as the table spells it"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ra", sa.Double(), nullable=True),
        sa.Column("dec", sa.Double(), nullable=True),
        sa.Column("feh", sa.REAL(), nullable=True),
        sa.Column("feh_err", sa.REAL(), nullable=True),
        sa.Column("n_stars", sa.Integer(), nullable=True),
        sa.CheckConstraint("kind IN ('open', 'globular')", name=op.f("ck_reference_cluster_known_kind")),
        sa.PrimaryKeyConstraint("source", "cluster", name=op.f("pk_reference_cluster")),
        _owned("reference_cluster"),
    )
    op.create_table(
        "reference_member",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("gaia_dr3_source_id", sa.BigInteger(), nullable=False),
        sa.Column("cluster", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="of the cluster, as the table spells it"),
        sa.Column("ra", sa.Double(), nullable=False),
        sa.Column("dec", sa.Double(), nullable=False),
        sa.Column("g_mag", sa.REAL(), nullable=True),
        sa.Column("probability", sa.REAL(), nullable=True),
        sa.PrimaryKeyConstraint("source", "gaia_dr3_source_id", name=op.f("pk_reference_member")),
        _owned("reference_member"),
    )


def _owned(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["source"],
        ["reference_file.source"],
        name=op.f(f"fk_{table}_source_reference_file"),
        ondelete="CASCADE",
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
