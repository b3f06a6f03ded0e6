"""`sos versions`, `sos publish` and `sos rollback`: which calibration is served."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli import context, diff, network
from app.cli.audit import on_record

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(invoke_without_command=True)
app.command()(diff.diff)
app.command()(network.network)


@app.callback()
def versions(ctx: typer.Context, *, json: AsJson = False) -> None:
    """List the calibration versions, newest first; `diff` compares two, `network` shows how weak surveys are tied."""
    from app.storage import versions as store

    if ctx.invoked_subcommand is not None:
        return
    with context.open_database() as database, database.connect() as connection:
        found = store.list_all(connection)
    context.emit([_row(version) for version in found], json=json)


@app.command()
def show(
    version: Annotated[int, typer.Argument(help="Version.")],
    *,
    json: AsJson = False,
) -> None:
    """Show everything about a version: plan, input files, software, seed, metrics, and its models with checksums."""
    from app.storage import versions as store

    with context.open_database() as database, database.connect() as connection:
        found = store.get(connection, version)
        models = store.models(connection, version)
    if json:
        context.emit({"version": found, "models": models}, json=True)
        return
    context.emit(
        _row(found) | {"seed": found.seed, **{f"software {name}": one for name, one in found.software.items()}}
    )
    files = [(survey, one) for survey, listed in found.inputs.items() for one in listed]
    context.emit([{"survey": survey, "file": one["file_name"], "sha256": one["file_sha256"]} for survey, one in files])
    columns = ("survey", "parameter", "stage", "kind", "direction", "artifact_sha256")
    context.emit([{name: getattr(model, name) for name in columns} for model in models])


def publish(
    version: Annotated[int, typer.Argument(help="Version to serve.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Serve it though it fails its gate, on record.")] = False,
) -> None:
    """Serve a version from now on; readers see the old one or the new one whole.

    A version that breaks a limit of its plan's gate is refused, with the numbers.
    """
    from app.pipeline.publish import publish as serve

    with (
        context.open_database() as database,
        on_record(database, "version.publish", f"version {version}", {"force": force}) as command,
    ):
        before = serve(database, version, force=force)
        command.parameters["previous"] = before
    context.say(f"version {version} is served" + (f", before it was {before}" if before else ""))


def rollback(
    version: Annotated[int | None, typer.Argument(help="Version; the one served before if not given.")] = None,
) -> None:
    """Serve an earlier version again."""
    from app.pipeline.publish import rollback as serve_again

    with context.open_database() as database, on_record(database, "version.rollback") as command:
        number = serve_again(database, version)
        command.target = f"version {number}"
    context.say(f"version {number} is served again")


def _row(version: Any) -> dict[str, Any]:
    return {
        "version": version.version_id,
        "state": str(version.state),
        "plan": version.plan.get("name"),
        "stars": version.n_stars,
        "created": version.created_at.isoformat(timespec="seconds"),
        "published": version.published_at.isoformat(timespec="seconds") if version.published_at else None,
        "reason": version.reason,
    }
