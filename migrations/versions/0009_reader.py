"""The role that users' own queries run under, and the queries that users left to run."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.storage import reader_role

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reader_role.install(op.get_bind())
    op.create_table(
        "tap_job",
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("execution_seconds", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destruction_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backend", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "phase IN ('PENDING', 'QUEUED', 'EXECUTING', 'COMPLETED', 'ERROR', 'ABORTED')",
            name=op.f("ck_tap_job_known_phase"),
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_tap_job")),
    )
    op.create_index(
        "ix_tap_job_waiting",
        "tap_job",
        ["created_at"],
        postgresql_where=sa.text("phase IN ('QUEUED', 'EXECUTING')"),
    )


def downgrade() -> None:
    op.drop_table("tap_job")
    reader_role.uninstall(op.get_bind())
