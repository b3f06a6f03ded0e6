"""Jobs and their steps, what a model was made of, runs of the cross-match, removed versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.text("now()")
STATES = "'queued', 'running', 'failed', 'ready', 'published', 'retired'"


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("job_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("holds", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("shares", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("version_id", sa.Integer(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("stage_started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it failed or was cancelled"),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_job_known_state")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["version.version_id"], name=op.f("fk_job_version_id_version"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job")),
    )
    op.create_index(
        "ix_job_key", "job", ["key"], unique=True, postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_table(
        "job_step",
        sa.Column("step_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_job_step_known_state")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_job_step_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_job_step")),
        sa.UniqueConstraint("job_id", "name", name=op.f("uq_job_step_job_id_name")),
    )
    op.create_index(
        "ix_job_step_open", "job_step", ["step_id"], postgresql_where=sa.text("state IN ('queued', 'running')")
    )
    op.create_table(
        "job_data",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_job_data_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "name", name=op.f("pk_job_data")),
    )
    op.create_table(
        "job_log",
        sa.Column("line_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_job_log_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_job_log")),
    )
    op.create_index("ix_job_log_job_id", "job_log", ["job_id", "line_id"])
    op.add_column(
        "model", sa.Column("fit_key", sa.Text(), nullable=True, comment="SHA-256 of everything that it was made of")
    )
    op.create_index("ix_model_fit_key", "model", ["fit_key"])
    op.create_table(
        "crossmatch_run",
        sa.Column("run_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("measurements", sa.BigInteger(), nullable=False),
        sa.Column("stars", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_crossmatch_run")),
    )
    op.add_column(
        "version", sa.Column("data_state", sa.Text(), nullable=True, comment="of measurements and stars, when it began")
    )
    op.drop_constraint(op.f("ck_version_known_state"), "version")
    op.create_check_constraint(op.f("ck_version_known_state"), "version", f"state IN ({STATES}, 'removed')")


def downgrade() -> None:
    op.execute("UPDATE version SET state = 'failed' WHERE state = 'removed'")
    op.drop_constraint(op.f("ck_version_known_state"), "version")
    op.create_check_constraint(op.f("ck_version_known_state"), "version", f"state IN ({STATES})")
    op.drop_column("version", "data_state")
    op.drop_table("crossmatch_run")
    op.drop_index("ix_model_fit_key", table_name="model")
    op.drop_column("model", "fit_key")
    for table in ("job_log", "job_data", "job_step", "job"):
        op.drop_table(table)
