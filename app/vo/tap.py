"""`/tap/sync`: a query in ADQL, answered at once; and what a request says, for jobs too."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.domain.errors import ParameterError
from app.vo.answers import StreamedAnswer, VotableRoute
from app.vo.asking import Question, pieces
from app.vo.formats import output_format
from app.vo.limits import MOST_ROWS, USUAL_ROWS
from app.vo.requests import Parameters, factory_of
from app.vo.uploads import uploads

SECONDS = 60.0
LANGUAGES = ("ADQL", "ADQL-2.0", "ADQL-2.1")

router = APIRouter(prefix="/tap", tags=["virtual observatory"], route_class=VotableRoute)


@router.get("/sync", include_in_schema=False)
@router.post("/sync", include_in_schema=False)
async def sync(request: Request) -> Response:
    """Answer a query at once: LANG, QUERY, MAXREC, RESPONSEFORMAT, UPLOAD."""
    parameters = await Parameters.of(request)
    question = await run_in_threadpool(question_of, parameters)
    opening = pieces(factory_of(request).queries(), question, seconds=SECONDS)
    return StreamedAnswer(opening, question.form.media_type)


def question_of(parameters: Parameters) -> Question:
    """Return what a request asks.

    Raises:
        ParameterError: a parameter is missing, or has no usable value.
    """
    wanted = parameters.get("REQUEST")
    if wanted is not None and wanted != "doQuery":
        raise ParameterError("REQUEST", f"is doQuery or not given, got {wanted!r}")
    language = parameters.get("LANG")
    if language is None or language.upper() not in LANGUAGES:
        raise ParameterError("LANG", f"is one of {', '.join(LANGUAGES)}, got {language!r}")
    query = parameters.get("QUERY")
    if query is None:
        raise ParameterError("QUERY", "is required: a query in ADQL")
    form = output_format(parameters.get("RESPONSEFORMAT") or parameters.get("FORMAT"))
    cut = form.says_more or parameters.get("MAXREC") is not None
    most = parameters.rows("MAXREC", USUAL_ROWS if cut else MOST_ROWS, MOST_ROWS)
    return Question(query, most, form, uploads(parameters), cut)
