"""Tables of users that are homogenized."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "user_survey",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("look", postgresql.JSONB(), nullable=False, comment="what was understood of the table"),
        sa.Column("matches", postgresql.JSONB(), nullable=True),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.Column("file", postgresql.JSONB(), nullable=True, comment="name, rows, bytes and SHA-256 of the answer"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.job_id"], name=op.f("fk_user_survey_job_id_job"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_user_survey")),
    )
    op.create_index("ix_user_survey_client", "user_survey", ["client"])
    op.create_index("ix_user_survey_expires_at", "user_survey", ["expires_at"])
    op.create_index("ix_user_survey_job_id", "user_survey", ["job_id"])


def downgrade() -> None:
    op.drop_table("user_survey")
