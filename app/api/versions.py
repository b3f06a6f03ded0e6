"""`/v1/versions`: calibration versions, their models and their validation."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.context import Context, RequestContext, documented
from app.api.models import examples
from app.api.models.diffs import DiffAnswer, diff_answer
from app.api.models.queries import DiffQuery, NoQuery, VersionText, version_number
from app.api.models.versions import (
    FigureAnswer,
    ModelList,
    ValidationAnswer,
    VersionDetail,
    VersionList,
    model_answer,
    version_answer,
    version_detail,
)

router = APIRouter(prefix="/v1/versions", tags=["versions"])


Number = Annotated[VersionText, Path(description="number of a version, or `current`", examples=["current"])]
Other = Annotated[VersionText, Path(description="number of the version to compare with, or `current`", examples=["4"])]
Nothing = Annotated[NoQuery, Query()]

_IMAGES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figure", "content": {"image/png": {}, "image/svg+xml": {}}}
}


@router.get("", response_model=VersionList, responses=documented(examples.VERSIONS, "Every version"))
def versions(context: Context, _: Nothing) -> Response:
    """Every calibration version, newest first, and which of them is served."""
    service = context.factory.versions()
    current = service.current()
    answers = [version_answer(version, current) for version in service.list_all()]
    return context.json({"current": current, "versions": answers}, current)


@router.get("/{v}", response_model=VersionDetail, responses=documented(examples.VERSION, "The version"))
def version(context: Context, _: Nothing, v: Number) -> Response:
    """One version: its plan, data, seed, software and metrics."""
    service = context.factory.versions()
    found = service.get(version_number(v))
    return context.json(version_detail(found, service.current()), found.version_id)


@router.get("/{v}/models", response_model=ModelList, responses=documented(examples.MODELS, "The models"))
def models(context: Context, _: Nothing, v: Number) -> Response:
    """The models of a version with the checksums of their bytes."""
    found, fitted = context.factory.versions().models(version_number(v))
    return context.json({"version": found, "models": [model_answer(model) for model in fitted]}, found)


@router.get("/{v}/validation", response_model=ValidationAnswer, responses=documented(examples.VALIDATION, "The report"))
def validation(context: Context, _: Nothing, v: Number) -> Response:
    """The validation report of a version, and where its figures are."""
    found = context.factory.versions().validation(version_number(v))
    folder = f"{context.base_url}/v1/versions/{found.version}/validation/figures"
    figures: list[FigureAnswer] = [{"name": name, "url": f"{folder}/{quote(name)}"} for name in found.figures]
    answer: ValidationAnswer = {"version": found.version, "report": found.report, "figures": figures}
    return context.json(answer, found.version)


@router.get("/{v}/validation/figures/{figure}", responses=_IMAGES)
def figure(context: Context, _: Nothing, v: Number, figure: str) -> Response:
    """A figure of the validation report, PNG or SVG."""
    found, artifact = context.factory.versions().figure(version_number(v), figure)
    return context.content(artifact.content, artifact.media_type, found)


@router.get("/{v}/diff/{w}", response_model=DiffAnswer, responses=documented(examples.DIFF, "What changed"))
def diff(context: Context, query: Annotated[DiffQuery, Query()], v: Number, w: Other) -> Response:
    """What changed from version `v` to `w`: every parameter, and the stars that moved most; reads both whole."""
    service = context.factory.diffs()
    first, second = service.resolve(version_number(v), version_number(w))
    summary = service.compare(first, second, sigma=query.sigma) if query.after is None else None
    page = service.moved(first, second, sigma=query.sigma, limit=query.limit, after=query.after)
    following = None if page.next is None else _next_page(context, first, second, page.next)
    answer = diff_answer(first, second, query.sigma, summary, page, following)
    return context.json(answer, first, fixed=v == str(first) and w == str(second))


def _next_page(context: RequestContext, first: int, second: int, after: str) -> str:
    """Return the URL of the next page; it names both versions, so that all pages are of the same."""
    query = urlencode({**context.request.query_params, "after": after})
    return f"{context.base_url}/v1/versions/{first}/diff/{second}?{query}"
