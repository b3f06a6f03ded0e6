"""`/scs`: Simple Cone Search 1.03 on the published version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.domain.errors import InputError, ParameterError, SosError
from app.domain.fields import Datatype, Field
from app.domain.sky import Cone
from app.vo.answers import StreamedAnswer, VotableRoute, of_error
from app.vo.asking import Question, pieces
from app.vo.formats import output_format
from app.vo.limits import USUAL_ROWS
from app.vo.requests import Parameters, factory_of

SECONDS = 30.0
MEDIA_TYPE = "text/xml;content=x-votable"
_POSITION = {"ra": "POS_EQ_RA_MAIN", "dec": "POS_EQ_DEC_MAIN"}
_VALUES = ("teff", "logg", "feh")
_SHORT = ("gaia_dr3_source_id", "ra", "dec", *_VALUES)
_USUAL = (*_SHORT[:3], *(f"{value}{end}" for value in _VALUES for end in ("", "_lower", "_upper")))


class ConeRoute(VotableRoute):
    """A route of a standard whose errors are told in the document alone."""

    status = 200
    media_type = MEDIA_TYPE


router = APIRouter(tags=["virtual observatory"], route_class=ConeRoute)


@router.get("/scs", include_in_schema=False)
@router.post("/scs", include_in_schema=False)
async def cone_search(request: Request) -> Response:
    """Stars in a circle, nearest first: RA, DEC, SR in degrees, VERB from 1 (few columns) to 3 (all of them)."""
    parameters = await Parameters.of(request)
    cone = _cone(parameters)
    fields = factory_of(request).queries().tables()[0].fields
    most = parameters.rows("MAXREC", USUAL_ROWS, USUAL_ROWS)
    wanted = parameters.get("RESPONSEFORMAT")
    form = output_format(wanted)
    cut = form.says_more or parameters.get("MAXREC") is not None
    question = Question(_query(cone, _columns(parameters, fields)), most, form, cut=cut)
    opening = pieces(factory_of(request).queries(), question, seconds=SECONDS, describe=_with_main_id(fields[0]))
    return StreamedAnswer(opening, form.media_type if wanted else MEDIA_TYPE, _of_error)


def _of_error(problem: SosError) -> Response:
    return of_error(problem, 200 if isinstance(problem, InputError) else None, MEDIA_TYPE)


def _cone(parameters: Parameters) -> Cone:
    given = {name: parameters.get(name) for name in ("RA", "DEC", "SR")}
    for name, value in given.items():
        if value is None:
            raise ParameterError(name, "is required: RA, DEC and SR in decimal degrees (ICRS)")
    try:
        ra, dec, radius = (float((value or "").replace("_", "x")) for value in given.values())  # Python reads 1_0 as 10
    except ValueError:
        raise ParameterError("RA, DEC, SR", f"are decimal degrees, got {', '.join(map(str, given.values()))}") from None
    return Cone.parse(ra, dec, radius)


def _columns(parameters: Parameters, fields: tuple[Field, ...]) -> tuple[str, ...]:
    verbosity = parameters.get("VERB") or "2"
    if verbosity not in {"1", "2", "3"}:
        raise ParameterError("VERB", f"is 1, 2 or 3, got {verbosity!r}")
    everything = tuple(column.name for column in fields if column.name != "star_id")
    return {"1": _SHORT, "2": _USUAL, "3": everything}[verbosity]


def _query(cone: Cone, columns: tuple[str, ...]) -> str:
    distance = f"DISTANCE(POINT(ra, dec), POINT({cone.ra!r}, {cone.dec!r}))"
    return (
        f"SELECT CAST(star_id AS VARCHAR(20)) AS star_id, {', '.join(columns)}, {distance} AS separation "  # noqa: S608
        f"FROM sos.star WHERE {distance} <= {cone.radius!r} ORDER BY separation, star_id"
    )


def _with_main_id(star_id: Field) -> Callable[[tuple[Field, ...]], tuple[Field, ...]]:
    """Return what describes the columns: the standard has the main identifier as text, and the first kind of UCD."""

    def describe(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        main = replace(star_id, datatype=Datatype.TEXT, ucd="ID_MAIN")
        separation = replace(fields[-1], ucd="pos.angDistance", description="Distance from the position asked for")
        others = (replace(column, ucd=_POSITION.get(column.name, column.ucd)) for column in fields[1:-1])
        return (main, *others, separation)

    return describe
