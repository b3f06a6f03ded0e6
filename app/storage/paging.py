"""Places in an ordered answer, as tokens that users hand back to get the next page."""

from __future__ import annotations

import base64
import binascii

from app.domain.errors import ParameterError


def token(*place: object) -> str:
    """Return the place of a row, the values that the answer is ordered by, as one word that fits into a URL."""
    return base64.urlsafe_b64encode("|".join(map(str, place)).encode()).rstrip(b"=").decode()


def place(after: str, parts: int) -> tuple[str, ...]:
    """Read a token that `token` made.

    Raises:
        ParameterError: it is another text.
    """
    try:
        values = tuple(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().split("|"))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        values = ()
    if len(values) != parts:
        raise foreign(after)
    return values


def foreign(after: str) -> ParameterError:
    """Return the error for a token that no page of this call ended with."""
    return ParameterError(
        "after", f"{after!r} is not a place in this answer; take the `next` of the page before as it is"
    )


def number(text: str, after: str) -> int:
    """Return a whole number of a place.

    Raises:
        ParameterError: it is none that the database could hold.
    """
    if not text.isascii() or not text.isdigit() or int(text) >= 2**63:
        raise foreign(after)
    return int(text)


def numbers(after: str | None, parts: int = 1) -> tuple[int, ...]:
    """Read a place of whole numbers; without a token the place before everything.

    Raises:
        ParameterError: the token is not one of whole numbers.
    """
    if after is None:
        return (0,) * parts
    return tuple(number(text, after) for text in place(after, parts))
