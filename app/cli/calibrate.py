"""`sos calibrate` and `sos validate`: fit a version, and judge one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context

if TYPE_CHECKING:
    from app.storage.engine import Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def calibrate(
    *,
    plan: Annotated[Path | None, typer.Option(help="Calibration plan (TOML); the built-in one if not given.")] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="SURVEY[,SURVEY...]", help="Let these surveys define the scale, instead of the plan's."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes that fit models side by side (SOS_JOBS).", min=1)] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Serve the new version at once.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Leave it to a worker (`sos worker`); prints the job's number.")
    ] = False,
) -> None:
    """Fit all surveys, homogenize all stars and validate the result as a new version; prints its number."""
    from app.pipeline.plans import default_plan, load_plan
    from app.pipeline.reference_choice import plan_with_reference

    chosen = default_plan() if plan is None else load_plan(plan)
    with context.open_database() as database:
        if reference is not None:
            chosen = plan_with_reference(database, chosen, reference)
        if background:
            context.emit(_queue(database, chosen, publish=publish))
            return
        version_id = make_version(database, chosen, jobs=jobs or context.settings().jobs)
        if publish:
            from app.pipeline.publish import publish as serve

            serve(database, version_id)
            context.say(f"version {version_id} is served")
    context.emit(version_id)


def _queue(database: Database, plan: Any, *, publish: bool) -> int:
    from app.science.calibration.plan import plan_mapping
    from app.storage.job_queue import defer, open_queue

    with open_queue(database.url) as queue:
        return defer(queue, "calibrate", key="calibrate", plan=plan_mapping(plan), serve=publish)


def make_version(database: Database, plan: Any, *, jobs: int) -> int:
    """Calibrate, homogenize and validate with progress bars; return the number of the new version."""
    from app.pipeline.calibrate import calibrate as fit
    from app.pipeline.homogenize import homogenize_stars
    from app.pipeline.validate import validate as judge
    from app.storage import versions

    with context.progress("calibrate surveys") as progress:
        version_id = fit(database, plan, jobs=jobs, progress=progress)
    with context.progress("homogenize measurements") as progress:
        stars = homogenize_stars(database, version_id, progress=progress)
    judge(database, version_id)
    with database.connect() as connection:
        refused = versions.get(connection, version_id).metrics.get("refused", {})
    for survey, reason in refused.items():
        context.say(f"{survey} was not calibrated: {reason}")
    context.say(f"version {version_id}: {stars:,} stars")
    return version_id


def validate(
    version: Annotated[int | None, typer.Argument(help="Version; the published one if not given.")] = None,
    *,
    cross_fit: Annotated[
        bool, typer.Option("--cross-fit", help="Judge every common star by models that never saw it; pairs alone.")
    ] = False,
    survey: Annotated[str | None, typer.Option(help="Only pairs with this survey.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Write the figures (PNG, SVG) to this folder.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes that fit side by side (SOS_JOBS).", min=1)] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Judge by this truth of a simulated sky (truth.parquet of `sos mock`); keeps nothing."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Judge a version on stars that no model has seen, keep the report with it, and print it.

    Pairs before and after calibration, trends, coverage of stated intervals, pulls, continuity of the Kiel diagram,
    external references where they are loaded, and the gate of the plan. docs/validation.md explains every number.
    """
    from app.cli.validation import remarks, sections

    if truth is not None:
        _by_truth(truth, version, survey, json=json, otherwise=cross_fit or figures is not None)
        return
    with context.open_database() as database:
        number = _chosen(database, version)
        report = _judge(database, number, cross_fit=cross_fit, jobs=jobs)
        if figures is not None:
            _write_figures(database, number, figures)
    if json:
        pairs = [pair for pair in report["pairs"] if survey is None or survey in {pair["survey"], pair["other"]}]
        context.emit(report | {"pairs": pairs, "version": number}, json=True)
        return
    context.say(f"version {number}; {report['stars']}")
    for title, rows in sections(report, survey):
        typer.echo(f"\n{title}")
        context.emit(rows)
    for remark in remarks(report):
        context.say(remark)


def _judge(database: Database, number: int, *, cross_fit: bool, jobs: int | None) -> dict[str, Any]:
    from app.pipeline.cross_fit import validate_by_cross_fit
    from app.pipeline.validate import validate as judge

    if not cross_fit:
        return judge(database, number)
    with context.progress("fit without each fold") as progress:
        return validate_by_cross_fit(database, number, jobs=jobs or context.settings().jobs, progress=progress)


def _by_truth(truth: Path, version: int | None, survey: str | None, *, json: bool, otherwise: bool) -> None:
    from app.cli.truth import sections, summary
    from app.domain.errors import ParameterError
    from app.pipeline.truth import judge_by_truth

    if otherwise:
        raise ParameterError("--truth", "goes with neither --cross-fit nor --figures")
    with context.open_database() as database:
        number = _chosen(database, version)
        report = judge_by_truth(database, number, truth)
    if json:
        context.emit(report | {"version": number}, json=True)
        return
    context.say(f"version {number}; {summary(report)}")
    for title, rows in sections(report, survey):
        typer.echo(f"\n{title}")
        context.emit(rows)


def _write_figures(database: Database, number: int, folder: Path) -> None:
    from app.storage import versions

    folder.mkdir(parents=True, exist_ok=True)
    with database.connect() as connection:
        names = versions.figure_names(connection, number)
        for name in names:
            (folder / name).write_bytes(versions.figure(connection, number, name).content)
    context.say(f"{len(names)} figures in {folder}")


def _chosen(database: Database, version: int | None) -> int:
    from app.domain.errors import NotPublishedError
    from app.storage import versions

    with database.connect() as connection:
        number = versions.current(connection) if version is None else versions.get(connection, version).version_id
    if number is None:
        raise NotPublishedError("no version is published: name one, or run `sos calibrate --publish`")
    return number
