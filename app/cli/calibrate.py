"""`sos calibrate` and `sos validate`: fit a version, and judge one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import context
from app.cli.audit import on_record
from app.cli.reproduction import differences_between, print_differences
from app.cli.stage_bars import StageBars

if TYPE_CHECKING:
    from app.pipeline.requests import Calibration, Requests
    from app.storage.engine import Database

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def calibrate(
    *,
    plan: Annotated[Path | None, typer.Option(help="Calibration plan (TOML); the built-in one if not given.")] = None,
    reference: Annotated[
        str | None,
        typer.Option(metavar="SURVEY[,SURVEY...]", help="Let these surveys define the scale, instead of the plan's."),
    ] = None,
    like: Annotated[
        int | None, typer.Option(metavar="VERSION", help="Make this version again, and say what differs.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Fit every survey, also where an earlier version has the same models.")
    ] = False,
    jobs: Annotated[int | None, typer.Option(help="Steps that are done side by side (SOS_JOBS).", min=1)] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Serve the new version at once.")] = False,
    background: Annotated[
        bool, typer.Option("--background", help="Leave it to a worker (`sos worker`); prints the job's number.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Fit all surveys, homogenize all stars and validate the result as a new version; prints its number.

    With --like, exit code 1 says that the version could not be reproduced bit for bit; the differences are printed.
    """
    from app.domain.errors import ParameterError

    if like is not None and (plan is not None or reference is not None):
        raise ParameterError("--like", "takes plan and reference from the version: leave --plan and --reference out")
    with context.open_database() as database:
        requests = _requests(database)
        wanted = _wanted(database, requests, plan, reference) if like is None else requests.again(like)
        wanted = replace(wanted, publish=publish, reuse=wanted.reuse and not fresh)
        with on_record(database, "calibration.start", parameters={"plan": wanted.plan.name, "like": like}) as command:
            job_id = requests.calibrate(wanted, requested_by=context.user())
            command.parameters |= {"job": job_id, "publish": publish}
        if background:
            context.emit(job_id)
            return
        version_id = finish(database, job_id, jobs=jobs or context.settings().jobs)
        differing = [] if like is None else differences_between(database, like, version_id)
    if like is None:
        context.emit(version_id)
        return
    print_differences(like, version_id, differing, json=json)


def _requests(database: Database) -> Requests:
    from app.pipeline.requests import Requests

    return Requests(database, context.settings().descriptors_folder)


def _wanted(database: Database, requests: Requests, plan: Path | None, reference: str | None) -> Calibration:
    from app.pipeline.plans import default_plan, load_plan
    from app.pipeline.reference_choice import plan_with_reference
    from app.pipeline.requests import Calibration

    chosen = default_plan() if plan is None else load_plan(plan, known=requests.known_surveys())
    if reference is not None:
        chosen = plan_with_reference(database, chosen, reference)
    return Calibration(chosen, strict=plan is not None)


def finish(database: Database, job_id: int, *, jobs: int) -> int:
    """Do a calibration job here, with a progress bar for each of its stages; return the number of its version."""
    from app.storage import versions
    from workers.drive import drive
    from workers.means import Means

    with StageBars() as bars:
        job = drive(database, job_id, Means.of(context.settings(), database.url), slots=jobs, report=bars.show)
    number = job.version_id
    assert number is not None
    with database.connect() as connection:
        version = versions.get(connection, number)
    for survey, reason in version.metrics.get("refused", {}).items():
        context.say(f"{survey} was not calibrated: {reason}")
    context.say(f"version {number}: {version.n_stars:,} stars" + (", served" if job.arguments["publish"] else ""))
    return number


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
