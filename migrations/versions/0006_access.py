"""Keys to administration, and an audit that can only grow."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "access_key",
        sa.Column("key_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False, comment="Argon2id"),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True, comment="key that made it; null for the command line"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True, comment="null for never"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "scopes <@ ARRAY['calibrate', 'publish', 'ingest', 'admin'] AND cardinality(scopes) > 0",
            name=op.f("ck_access_key_known_scopes"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["access_key.key_id"], name=op.f("fk_access_key_created_by_access_key")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_access_key")),
    )
    op.create_table(
        "audit",
        sa.Column("event_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=True, comment="null where none was recognised"),
        sa.Column("key_name", sa.Text(), nullable=True, comment="of the key, or the account on the command line"),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("parameters", postgresql.JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True, comment="of HTTP; null on the command line"),
        sa.Column("detail", sa.Text(), nullable=True, comment="why it was refused or failed"),
        sa.Column("client", sa.Text(), nullable=True, comment="address"),
        sa.CheckConstraint("actor IN ('key', 'command line', 'nobody')", name=op.f("ck_audit_known_actor")),
        sa.CheckConstraint("outcome IN ('done', 'refused', 'failed')", name=op.f("ck_audit_known_outcome")),
        sa.ForeignKeyConstraint(["key_id"], ["access_key.key_id"], name=op.f("fk_audit_key_id_access_key")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_action_event_id", "audit", ["action", "event_id"])
    op.create_index("ix_audit_key_id_event_id", "audit", ["key_id", "event_id"])
    op.execute((SQL / "0006_audit.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    op.drop_table("audit")
    op.execute("DROP FUNCTION audit_only_grows()")
    op.drop_table("access_key")
