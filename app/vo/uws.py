"""`/tap/async`: queries that are left to run (UWS 1.1)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from time import monotonic
from xml.sax.saxutils import escape, quoteattr

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response

from app.domain.clients import client_of
from app.domain.errors import NotFoundError, ParameterError
from app.domain.tap_jobs import Phase, TapJob
from app.services.queries import Queries
from app.services.tap_jobs import MOST_SECONDS, Answer, TapJobs
from app.vo import votable
from app.vo.answers import VERSION_HEADER, Pieces, VotableRoute
from app.vo.asking import pieces
from app.vo.requests import Parameters, base_url, factory_of
from app.vo.tap import question_of

XML = "text/xml; charset=utf-8"
LONGEST_WAIT_S = 60.0
POLL_S = 0.25
_NAMESPACES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_PARAMETERS = ("REQUEST", "LANG", "QUERY", "MAXREC", "RESPONSEFORMAT", "FORMAT", "UPLOAD", "RUNID", "VERSION")

router = APIRouter(prefix="/tap/async", tags=["virtual observatory"], route_class=VotableRoute)


@router.get("", include_in_schema=False)
async def listing() -> Response:
    """No jobs: each is known to whoever made it."""
    return Response(
        f'<?xml version="1.0" encoding="UTF-8"?>\n<uws:jobs version="1.1" {_NAMESPACES}/>\n', media_type=XML
    )


@router.post("", include_in_schema=False)
async def create(request: Request) -> Response:
    """Make a job of the parameters of a query; PHASE=RUN starts it."""
    parameters = await Parameters.of(request)
    _phase(parameters)
    jobs = factory_of(request).tap_jobs()
    known = {name: value for name in _PARAMETERS if (value := _joined(parameters, name)) is not None}
    client = client_of(request.scope)
    job = await run_in_threadpool(lambda: jobs.create(known, parameters.files, client=client))
    await _set_phase(request, job.job_id, parameters)
    return _to_job(request, job.job_id)


@router.get("/{job_id}", include_in_schema=False)
async def show(request: Request, job_id: str) -> Response:
    """Show a job; WAIT=seconds waits for its phase to change."""
    parameters = await Parameters.of(request)
    job = await _awaited(factory_of(request).tap_jobs(), job_id, parameters)
    return Response(_document(job, base_url(request)), media_type=XML)


@router.post("/{job_id}", include_in_schema=False)
async def act(request: Request, job_id: str) -> Response:
    """ACTION=DELETE forgets a job; PHASE, DESTRUCTION, EXECUTIONDURATION and parameters change it."""
    parameters = await Parameters.of(request)
    if (parameters.get("ACTION") or "").upper() == "DELETE":
        return await remove(request, job_id)
    await _change(request, job_id, parameters)
    return _to_job(request, job_id)


@router.delete("/{job_id}", include_in_schema=False)
async def remove(request: Request, job_id: str) -> Response:
    """Stop a job and forget it."""
    await run_in_threadpool(factory_of(request).tap_jobs().delete, job_id)
    return RedirectResponse(f"{base_url(request)}/tap/async", 303)


@router.post("/{job_id}/{part}", include_in_schema=False)
async def change(request: Request, job_id: str, part: str) -> Response:
    """Change the phase, execution duration, destruction time or parameters of a job."""
    if part not in {"phase", "executionduration", "destruction", "parameters"}:
        raise NotFoundError(f"a job has no {part!r} that can be changed")
    await _change(request, job_id, await Parameters.of(request))
    return _to_job(request, job_id)


@router.get("/{job_id}/{part}", include_in_schema=False)
async def show_part(request: Request, job_id: str, part: str) -> Response:
    """Show one thing about a job."""
    job = await run_in_threadpool(factory_of(request).tap_jobs().get, job_id)
    base = base_url(request)
    if part == "error":
        if job.problem is None:
            raise NotFoundError(f"job {job_id} has no error")
        return Response(votable.error(job.problem), media_type=votable.MEDIA_TYPE)
    if part in {"parameters", "results"}:
        element = _parameters(job) if part == "parameters" else _results(job, base)
        return Response(_declared(element), media_type=XML)
    simple = {
        "phase": job.phase.value,
        "executionduration": str(job.execution_seconds),
        "destruction": _time(job.destruction_at),
        "quote": "",
        "owner": "",
    }
    if part not in simple:
        raise NotFoundError(f"a job has no {part!r}; it has {', '.join(simple)}, parameters, results and error")
    return PlainTextResponse(simple[part])


@router.get("/{job_id}/results/result", include_in_schema=False)
async def result(request: Request, job_id: str) -> Response:
    """Send the answer."""
    path, media_type, version = await run_in_threadpool(factory_of(request).tap_jobs().result, job_id)
    return FileResponse(path, media_type=media_type, headers={VERSION_HEADER: str(version or "none")})


def answering(queries: Queries) -> Answer:
    """Return what answers jobs."""

    def answer(
        job: TapJob, files: Mapping[str, bytes], started: Callable[[str], None]
    ) -> tuple[str, AbstractContextManager[Pieces]]:
        parameters = Parameters({name: [value] for name, value in job.parameters.items()}, dict(files))
        question = question_of(parameters)
        opening = pieces(queries, question, seconds=job.execution_seconds, started=started)
        return question.form.media_type, opening

    return answer


async def _change(request: Request, job_id: str, parameters: Parameters) -> None:
    jobs = factory_of(request).tap_jobs()
    seconds = parameters.get("EXECUTIONDURATION")
    if seconds is not None:
        if not (seconds.isascii() and seconds.isdigit()):
            raise ParameterError("EXECUTIONDURATION", f"is a number of seconds, got {seconds!r}")
        wanted = int(seconds[:9]) or MOST_SECONDS
        await run_in_threadpool(lambda: jobs.change(job_id, execution_seconds=min(wanted, MOST_SECONDS)))
    moment = parameters.get("DESTRUCTION")
    if moment is not None:
        await run_in_threadpool(jobs.keep_until, job_id, _moment(moment))
    given = {name: value for name in _PARAMETERS if (value := _joined(parameters, name)) is not None}
    if given:
        job = await run_in_threadpool(jobs.get, job_id)
        await run_in_threadpool(lambda: jobs.change(job_id, parameters={**job.parameters, **given}))
    await _set_phase(request, job_id, parameters)


def _phase(parameters: Parameters) -> str | None:
    wanted = parameters.get("PHASE")
    if wanted not in {None, "RUN", "ABORT"}:
        raise ParameterError("PHASE", f"is RUN or ABORT, got {wanted!r}")
    return wanted


async def _set_phase(request: Request, job_id: str, parameters: Parameters) -> None:
    factory = factory_of(request)
    match _phase(parameters):
        case "RUN":
            await run_in_threadpool(factory.tap_jobs().start, job_id, answering(factory.queries()))
        case "ABORT":
            await run_in_threadpool(factory.tap_jobs().abort, job_id)


async def _awaited(jobs: TapJobs, job_id: str, parameters: Parameters) -> TapJob:
    """Return a job, where WAIT says so after its phase has changed."""
    job = await run_in_threadpool(jobs.get, job_id)
    wait = parameters.get("WAIT")
    if wait is None:
        return job
    try:
        seconds = float(wait)
    except ValueError:
        raise ParameterError("WAIT", f"is a number of seconds, got {wait!r}") from None
    end = monotonic() + (min(seconds, LONGEST_WAIT_S) if seconds >= 0 else LONGEST_WAIT_S)
    first = parameters.get("PHASE") or job.phase.value
    while job.phase.value == first and not job.phase.ended and monotonic() < end:
        await asyncio.sleep(POLL_S)
        job = await run_in_threadpool(jobs.get, job_id)
    return job


def _joined(parameters: Parameters, name: str) -> str | None:
    if name == "UPLOAD":
        return ";".join(parameters.values.get(name, [])) or None
    return parameters.get(name)


def _to_job(request: Request, job_id: str) -> Response:
    return RedirectResponse(f"{base_url(request)}/tap/async/{job_id}", 303)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ParameterError("DESTRUCTION", f"is a time such as 2030-01-31T12:00:00Z, got {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _time(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _declared(element: str) -> str:
    """Return an element as a document of its own."""
    name, _, rest = element.partition(">")
    name, empty = (name[:-1], "/") if name.endswith("/") else (name, "")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{name} {_NAMESPACES}{empty}>{rest}\n'


def _document(job: TapJob, base: str) -> str:
    optional = {"startTime": job.started_at, "endTime": job.ended_at}
    parts = [
        f"<uws:jobId>{escape(job.job_id)}</uws:jobId>",
        f"<uws:runId>{_text(job.run_id)}</uws:runId>" if job.run_id else "",
        '<uws:ownerId xsi:nil="true"/>',
        f"<uws:phase>{job.phase}</uws:phase>",
        '<uws:quote xsi:nil="true"/>',
        f"<uws:creationTime>{_time(job.created_at)}</uws:creationTime>",
        *(
            f'<uws:{name} xsi:nil="true"/>' if not at else f"<uws:{name}>{_time(at)}</uws:{name}>"
            for name, at in optional.items()
        ),
        f"<uws:executionDuration>{job.execution_seconds}</uws:executionDuration>",
        f"<uws:destruction>{_time(job.destruction_at)}</uws:destruction>",
        _parameters(job),
        _results(job, base),
        _problem(job),
    ]
    return _declared(f'<uws:job version="1.1">{"".join(parts)}</uws:job>')


def _text(content: str) -> str:
    """Return a text of a user's as XML holds it."""
    return escape(votable.clean(content))


def _parameters(job: TapJob) -> str:
    items = (
        f"<uws:parameter id={quoteattr(name)}>{_text(value)}</uws:parameter>" for name, value in job.parameters.items()
    )
    return f"<uws:parameters>{''.join(items)}</uws:parameters>"


def _results(job: TapJob, base: str) -> str:
    if job.phase is not Phase.COMPLETED:
        return "<uws:results/>"
    address = quoteattr(f"{base}/tap/async/{job.job_id}/results/result")
    return f'<uws:results><uws:result id="result" xlink:type="simple" xlink:href={address}/></uws:results>'


def _problem(job: TapJob) -> str:
    if job.problem is None:
        return ""
    message = f"<uws:message>{_text(job.problem)}</uws:message>"
    return f'<uws:errorSummary type="fatal" hasDetail="true">{message}</uws:errorSummary>'
