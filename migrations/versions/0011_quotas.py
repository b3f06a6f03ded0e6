"""Exports and queries that are left to run, by the client that asked for them; the version that an answer is from."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export",
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("client", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_export_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_export")),
    )
    op.create_index("ix_export_client", "export", ["client"])
    op.add_column("tap_job", sa.Column("client", sa.Text(), nullable=True))
    op.add_column(
        "tap_job",
        sa.Column(
            "bytes",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="of its files: uploads, answer",
        ),
    )
    op.add_column("tap_job", sa.Column("version", sa.Integer(), nullable=True, comment="that the answer is from"))
    op.create_index("ix_tap_job_client", "tap_job", ["client"])


def downgrade() -> None:
    op.drop_index("ix_tap_job_client", "tap_job")
    op.drop_column("tap_job", "version")
    op.drop_column("tap_job", "bytes")
    op.drop_column("tap_job", "client")
    op.drop_table("export")
