"""Sky queries: the q3c extension where the server has it, functions of the same names elsewhere; numbers of stars."""

from pathlib import Path

from alembic import op

from app.storage import sky

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    sky.install(op.get_bind(), functions=(SQL / "0002_sky.sql").read_text(encoding="utf-8"))
    op.execute("CREATE SEQUENCE star_number AS bigint")


def downgrade() -> None:
    op.execute("DROP SEQUENCE star_number")
    sky.uninstall(op.get_bind(), functions=(SQL / "0002_sky_down.sql").read_text(encoding="utf-8"))
