"""Alembic's entry: migrations run on the connection handed over by `app.storage.migrate`, or on SOS_DATABASE_URL."""

from alembic import context
from sqlalchemy import Connection

from app.storage.tables import Base

# Made while the service runs, not by migrations: survey and version partitions, raw.<survey>, procrastinate's tables.
DYNAMIC = ("measurement_", "calibrated_", "homogenized_", "procrastinate_")


def include_name(name: str | None, kind: str, parent_names: dict[str, str | None]) -> bool:
    """Keep alembic's comparison to the tables that migrations own."""
    if kind == "schema":
        return name is None
    if kind == "table":
        return not str(name).startswith(DYNAMIC)
    return True


def run(connection: Connection) -> None:
    """Run the migrations in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_server_default=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if handed_over is None:
    from app.settings import Settings
    from app.storage.engine import Database

    url = Settings().database_url
    if url is None:
        raise SystemExit("set SOS_DATABASE_URL, or use `sos migrate` for the embedded server")
    with Database(url).begin() as connection:
        run(connection)
else:
    run(handed_over)
