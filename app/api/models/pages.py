"""Shapes of answers that are pages of rows; the rows themselves come from the database as they are sent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, create_model
from typing_extensions import TypedDict

from app.domain.columns import CATALOG, SEPARATION, Column, Kind

_TYPES: dict[Kind, Any] = {
    Kind.ID: str,
    Kind.INTEGER: int,
    Kind.REAL: float,
    Kind.BOOLEAN: bool,
    Kind.TEXT: str,
}


def _row(name: str, columns: tuple[Column, ...]) -> Any:
    """Return the model of a row with these columns; any of them may be left out by `columns=`."""
    fields: dict[str, Any] = {
        column.name: (
            _TYPES[column.kind] | None,
            Field(None, description=column.description + (f", {column.unit}" if column.unit else "")),
        )
        for column in columns
    }
    return create_model(name, **fields)


StarRow = _row("StarRow", (*CATALOG, SEPARATION))
_ID = Column("id", Kind.TEXT, "The identifier as it was asked for")
NamedStarRow = _row("NamedStarRow", (_ID, *CATALOG))


class _Page(TypedDict):
    version: int | None
    count: Annotated[int, Field(description="rows on this page")]
    truncated: Annotated[bool, Field(description="there are more rows: follow `next`")]
    next: Annotated[str | None, Field(description="URL of the next page")]


class StarPage(_Page):
    """A page of stars."""

    stars: list[StarRow]  # type: ignore[valid-type]  # made from the list of columns


class UnknownIdAnswer(TypedDict):
    """An identifier that names no star."""

    place: Annotated[int, Field(description="in the list, from 0")]
    id: str
    detail: Annotated[str, Field(description="why there is no star")]


class StarList(_Page):
    """The stars of a list, in its order, one for each time that it names them."""

    unknown: Annotated[list[UnknownIdAnswer], Field(description="the identifiers without a star")]
    stars: list[NamedStarRow]  # type: ignore[valid-type]  # as above


class MeasurementPage(_Page):
    """A page of a survey's measurements: the columns of the contract, then the survey's own as `orig_...`."""

    measurements: list[dict[str, Any]]


class RejectPage(_Page):
    """A page of rows that could not become measurements."""

    rejects: list[RejectAnswer]


class RejectAnswer(TypedDict):
    """A rejected row."""

    file_name: str
    row_number: Annotated[int, Field(description="place in the file, from 1")]
    reason: str
    original: dict[str, Any]
