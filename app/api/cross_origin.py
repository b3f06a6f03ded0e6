"""What pages of other web sites may do with the service (CORS, WHATWG "Fetch"): read, and ask what anybody may ask."""

from __future__ import annotations

from typing import Any

from app.api.context import VERSION_HEADER
from app.api.files import ROWS_HEADER

_METHODS = ("GET", "HEAD", "POST", "DELETE")
# `Authorization` is not among them: no page but the service's own administers it.
_ASKED = ("Accept", "Content-Type", "If-Match", "If-None-Match", "If-Range", "Range")
_SHOWN = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "Repr-Digest",
    "Retry-After",
    ROWS_HEADER,
    VERSION_HEADER,
)
_REMEMBERED_S = 86_400


def allowed(origins: str) -> dict[str, Any]:
    """Return the arguments of the middleware that lets other sites' pages in.

    Args:
        origins: the sites, by commas; `*` for any.
    """
    return {
        "allow_origins": [origin for one in origins.split(",") if (origin := one.strip().rstrip("/"))],
        "allow_methods": _METHODS,
        "allow_headers": _ASKED,
        "expose_headers": _SHOWN,
        "max_age": _REMEMBERED_S,
    }
