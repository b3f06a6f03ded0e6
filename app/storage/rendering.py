"""How columns of a served table are written into SQL for each kind of file."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto

from psycopg import sql

from app.domain.columns import ORIGINAL_PREFIX, Column, Kind


class Rendering(StrEnum):
    """What the selected values are for."""

    NATIVE = auto()
    CSV = auto()
    JSON = auto()
    PLAIN = auto()


AS_TEXT = sql.SQL("({})::text")
_FINITE = sql.SQL("CASE WHEN abs({0}) < 'Infinity' THEN {0} END")
_RENDERED: Mapping[tuple[Rendering, Kind], sql.SQL] = {
    (Rendering.CSV, Kind.BOOLEAN): AS_TEXT,  # true and false, where COPY would write t and f
    (Rendering.PLAIN, Kind.OTHER): AS_TEXT,  # FITS and VOTable hold numbers, truth values and texts
    (Rendering.JSON, Kind.ID): AS_TEXT,  # JavaScript reads numbers as doubles, which hold 53 bits
}


def partition(table: str, version: int) -> sql.Identifier:
    """Return the name of a version's own part of `homogenized` or `calibrated`."""
    return sql.Identifier(f"{table}_{version}")


def select_list(columns: Mapping[Column, sql.Composable], rendering: Rendering) -> sql.Composable:
    """Return the select list of these columns, given the expression of each."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_pattern(column, rendering).format(expression), sql.Identifier(column.name))
        for column, expression in columns.items()
    )


def _pattern(column: Column, rendering: Rendering) -> sql.SQL:
    if rendering is Rendering.JSON and column.kind is Kind.REAL and column.name.startswith(ORIGINAL_PREFIX):
        return _FINITE  # only surveys' own columns hold NaN, for which JSON has no word
    return _RENDERED.get((rendering, column.kind), sql.SQL("{}"))
