"""`/v1/surveys`: what is in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from app.api.context import Context, documented
from app.api.files import FileResponse, documented_table
from app.api.models import examples
from app.api.models.pages import MeasurementPage, RejectPage
from app.api.models.queries import CoverageQuery, MeasurementQuery, PageQuery, ReadQuery
from app.api.models.surveys import SurveyDetail, SurveyList, ingestion_answer, survey_answer
from app.services.coverage import fits_moc

router = APIRouter(prefix="/v1/surveys", tags=["surveys"])

Name = Annotated[str, Path(description="name of a survey, as /v1/surveys lists it", examples=["apogee_dr17"])]

_COVERAGES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The coverage map",
        "content": {
            "text/plain": {"schema": {"type": "string"}, "example": "6/4253 4320-4321 7/17012"},
            "application/json": {"schema": {"type": "object"}, "example": {"6": [4253, 4320, 4321], "7": [17012]}},
            "application/fits": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}},
        },
    }
}


@router.get("", response_model=SurveyList, responses=documented(examples.SURVEYS, "Every survey"))
def surveys(context: Context, query: Annotated[ReadQuery, Query()]) -> Response:
    """Every survey with its release, citation and counts."""
    version, found = context.factory.surveys().list_all(query.number)
    answers = [survey_answer(counts.survey, counts.n_stars) for counts in found]
    return context.json({"version": version, "surveys": answers}, version)


@router.get("/{name}", response_model=SurveyDetail, responses=documented(examples.SURVEY, "The survey"))
def survey(context: Context, query: Annotated[ReadQuery, Query()], name: Name) -> Response:
    """One survey: counts, stars in common with each other survey, citation, and the files it came from."""
    version, found = context.factory.surveys().get(name, query.number)
    answer: SurveyDetail = {
        **survey_answer(found.counts.survey, found.counts.n_stars),
        "version": version,
        "overlaps": found.overlaps,
        "ingestions": [ingestion_answer(ingestion) for ingestion in found.ingestions],
    }
    return context.json(answer, version)


@router.get("/{name}/coverage", responses=_COVERAGES, response_class=Response)
def coverage(context: Context, query: Annotated[CoverageQuery, Query()], name: Name) -> Response:
    """Where on the sky a survey has stars, as a MOC (IVOA MOC 2.0, ICRS): ASCII, JSON or FITS."""
    version, pixels = context.factory.surveys().coverage(name, query.order, query.number)
    match query.format:
        case "ascii":
            return context.content(pixels.ascii(query.order).encode(), "text/plain", version, fixed=query.fixed)
        case "json":
            return context.json(
                {str(order): cells for order, cells in pixels.cells().items()}, version, fixed=query.fixed
            )
        case "fits":
            return context.content(fits_moc(pixels, query.order), "application/fits", version, fixed=query.fixed)


@router.get("/{name}/rejects", response_model=RejectPage, responses=documented(examples.REJECTS, "A page of rows"))
def rejects(context: Context, query: Annotated[PageQuery, Query()], name: Name) -> Response:
    """The rows of a survey's files that could not become measurements: why, and every original value."""
    return context.page("rejects", context.factory.surveys().rejects(name, query.page, query.number))


@router.get(
    "/{name}/measurements",
    response_model=MeasurementPage,
    responses=documented_table(examples.MEASUREMENTS, "A page of measurements, or a file"),
)
def measurements(context: Context, query: Annotated[MeasurementQuery, Query()], name: Name) -> Response:
    """What a survey measured, raw and calibrated, with the survey's own columns under the prefix `orig_`."""
    downloads, wanted = context.factory.downloads(), query.slice_of(name)
    if query.file is None:
        return context.page("measurements", downloads.measurements_page(wanted, query.page, query.number))
    return FileResponse(downloads.measurements(wanted, query.file, query.number), name)
