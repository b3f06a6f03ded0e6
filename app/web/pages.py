"""Pages for people; so far the first one, with a search that leads to the calls."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader
from starlette.responses import HTMLResponse, RedirectResponse

from app.domain.errors import NotPublishedError, ParameterError
from app.domain.sky import Cone
from app.domain.stars import parse_star_id
from app.factory import Factory

router = APIRouter(include_in_schema=False)

SEARCH_RADIUS_ARCMIN = "1"

_PAGES = Environment(loader=PackageLoader("app.web"), autoescape=True)


@router.get("/")
def start(request: Request) -> HTMLResponse:
    """What this service is, what it serves at present, and where to go."""
    factory: Factory = request.app.state.factory
    try:
        version = factory.versions().get(None)
    except NotPublishedError:
        version = None
    page = _PAGES.get_template("start.html").render(version=version, surveys=factory.surveys().contents())
    return HTMLResponse(page)


@router.get("/search")
def search(q: str) -> RedirectResponse:
    """Lead from what a person typed, an identifier or a position, to the call that answers it."""
    return RedirectResponse(target(q), status_code=303)


def target(text: str) -> str:
    """Return the call that answers an identifier or a position.

    >>> target("gaia:604906737317927296")
    '/v1/stars/gaia%3A604906737317927296'

    Raises:
        ParameterError: the text is neither.
    """
    try:
        return f"/v1/stars/{quote(str(parse_star_id(text)), safe='')}"
    except ParameterError as no_star:
        ra, dec = _halves(text)
        try:
            Cone.parse(ra, dec, SEARCH_RADIUS_ARCMIN, "arcmin")
        except ParameterError as no_position:
            problem = f"neither an identifier ({no_star.problem}) nor a position ({no_position})"
            raise ParameterError("q", problem) from no_position
    return "/v1/cone?" + urlencode({"ra": ra, "dec": dec, "radius": SEARCH_RADIUS_ARCMIN, "unit": "arcmin"})


def _halves(text: str) -> tuple[str, str]:
    """Divide a position at its comma, or in the middle of its words."""
    if "," in text:
        first, _, second = text.partition(",")
        return first.strip(), second.strip()
    words = text.split()
    middle = (len(words) + 1) // 2
    return " ".join(words[:middle]), " ".join(words[middle:])
