"""`/openapi.json` and `/docs`: the description of the calls, with every asset served from here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.api.errors import MEDIA_TYPE

ASSETS = "/docs/assets"

TAGS: list[dict[str, Any]] = [
    {"name": "stars", "description": "Homogenized stars, one by one and in parts of the sky."},
    {"name": "catalogue", "description": "The homogenized catalogue, whole or in slices."},
    {"name": "surveys", "description": "What is in: surveys, measurements raw and calibrated, rejected rows."},
    {"name": "versions", "description": "Calibration versions, their models and their validation."},
    {"name": "administration", "description": "For holders of a key: access, and what is on record about it."},
    {"name": "health", "description": "Whether the service lives and can answer."},
]

DESCRIPTION = """
One scale for the stellar parameters of every large spectroscopic survey: Teff in K, log g and [Fe/H] in dex, with
asymmetric 68 % intervals. Positions are ICRS, in degrees. 64-bit ids are strings. Every answer names its calibration
version in the header `X-SoS-Version`; `?version=` reads any other that is kept. A page that is not the last one says
`"truncated": true` and where the `next` one is. Errors are problem documents (RFC 9457).
"""

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["urn:sos:problem:bad-parameter"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong and what would be right"},
        "errors": {
            "type": "array",
            "description": "each parameter that is wrong",
            "items": {
                "type": "object",
                "properties": {"parameter": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def described_problem(description: str) -> dict[str, Any]:
    """Return the description of an answer that is a problem document."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: described_problem("There is no such star, survey or version"),
    422: described_problem("A parameter has no usable value, or is unknown"),
    429: described_problem("More requests than a client may make; `Retry-After` says how long to wait"),
    503: described_problem("Nothing has been published yet, or the database is busy"),
}

ADMINISTRATION_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    for status, description in (
        (401, "No key was given, or it is malformed, wrong, expired or revoked"),
        (403, "The key does not have the scope that this needs"),
        (404, "There is no such thing"),
        (409, "The request does not fit the present state"),
        (413, "The body is too long"),
        (422, "A parameter has no usable value, or is unknown"),
        (429, "Too many keys from this address were wrong; `Retry-After` says how long to wait"),
        (503, "The database is busy, or does not answer"),
    )
}


def install(app: FastAPI) -> None:
    """Give an application its pages about itself."""
    assets = _swagger_ui()
    app.mount(ASSETS, StaticFiles(directory=assets), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="SoS - calls",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None},
        )


def _swagger_ui() -> Path:
    """Return the folder in which the package `fastapi-swagger` keeps Swagger UI."""
    found = find_spec("fastapi_swagger")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "resources"
