"""Slices of the served tables: the SQL that selects, counts and pages them.

A slice is handed to COPY and ADBC, which take no parameters, so values stand in the SQL as quoted literals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ctypes import c_float
from dataclasses import dataclass

from psycopg import sql

from app.domain.catalog import Bounds, MeasurementSlice, Page, Rows, Slice
from app.domain.column_facts import ColumnFacts
from app.domain.columns import MEASUREMENTS, ORIGINAL_PREFIX, Column, Kind, choose
from app.domain.homogenized import SPLITS
from app.domain.quantities import PARAMETERS
from app.storage import column_comments, paging, sky
from app.storage.queries import queries
from app.storage.reading import Connection
from app.storage.rendering import AS_TEXT, Rendering, partition, select_list
from app.storage.statements import composed
from app.storage.table_files import Texts

_QUERIES = queries("slices")
CATALOGUE = "catalog"
_NAME_BYTES = 63  # PostgreSQL cuts longer names
_OUTSIDE_DOMAIN = 2 | 16
_KINDS = {"int8": Kind.ID, "int4": Kind.INTEGER, "int2": Kind.INTEGER, "float4": Kind.REAL, "float8": Kind.REAL}
_KINDS |= {"text": Kind.TEXT, "bool": Kind.BOOLEAN}


@dataclass(frozen=True)
class Selection:
    """Rows of a served table.

    Attributes:
        name: how a file calls the table.
        columns: the expression of each column, in the order of the answer.
        source: the FROM clause.
        condition: which rows.
        key: expression of a unique number by which pages are ordered.
        by_key: whether files are too; else they have the order in which the rows of one table are stored.
    """

    name: str
    columns: Mapping[Column, sql.Composable]
    source: sql.Composable
    condition: sql.Composable
    key: sql.Composable
    by_key: bool = False

    def all_rows(self, rendering: Rendering) -> sql.Composed:
        """Return the query for all rows, in an order that stays the same while other versions come and go."""
        statement = sql.SQL("SELECT {} {} WHERE {} ORDER BY {}" if self.by_key else "SELECT {} {} WHERE {}")
        return statement.format(select_list(self.columns, rendering), self.source, self.condition, self.key)

    def count(self) -> sql.Composed:
        """Return the query for the number of rows."""
        return sql.SQL("SELECT count(*) {} WHERE {}").format(self.source, self.condition)

    def page(self, page: Page) -> sql.Composed:
        """Return the query for one page, as columns `lines`, `n` (one more where there are more) and `last`.

        Raises:
            ParameterError: the token of the page is not one of this call.
        """
        (after,) = paging.numbers(page.after)
        return composed(
            "slices",
            "page",
            columns=select_list(self.columns, Rendering.JSON),
            source=self.source,
            condition=self.condition,
            key=self.key,
            after=sql.Literal(after),
            limit=sql.Literal(page.limit),
        )


def catalogue_expression(column: Column) -> sql.Composable:
    """Return what a column of the catalogue is in SQL."""
    return sql.Identifier("h", "version_id" if column.name == "version" else column.name)


def catalogue(version: int, wanted: Slice) -> Selection:
    """Return a slice of the homogenized catalogue of a version."""
    return Selection(
        name=CATALOGUE,
        columns={column: catalogue_expression(column) for column in wanted.columns},
        source=composed("slices", "catalogue", homogenized=partition("homogenized", version)),
        condition=_all_of(_star_conditions(version, wanted)),
        key=sql.SQL("h.star_id"),
    )


def measurements(connection: Connection, version: int, survey_id: int, wanted: MeasurementSlice) -> Selection:
    """Return a slice of those measurements of a survey that are in a version.

    Raises:
        ParameterError: a column is unknown.
    """
    known = _measurement_columns(wanted.survey) | original_columns(connection, wanted.survey)
    return Selection(
        name=wanted.survey,
        columns={column: known[column] for column in choose(known, wanted.columns)},
        source=composed(
            "slices",
            "measurements",
            measurement=sql.Identifier(f"measurement_{wanted.survey}"),
            calibrated=partition("calibrated", version),
            raw=sql.Identifier("raw", wanted.survey),
            version=sql.Literal(version),
            survey_id=sql.Literal(survey_id),
        ),
        condition=_all_of(_measurement_conditions(wanted)),
        key=sql.SQL("m.measurement_id"),
        by_key=True,
    )


def count(connection: Connection, selection: Selection) -> int:
    """Return the number of rows."""
    row = connection.execute(selection.count()).fetchone()
    assert row is not None
    return int(row[0])


def texts(connection: Connection, selection: Selection) -> dict[str, Texts]:
    """Return what files must know beforehand of the columns that hold texts, by name; reads all rows."""
    written = {
        column.name: AS_TEXT.format(expression)
        for column, expression in selection.columns.items()
        if column.kind in {Kind.TEXT, Kind.OTHER}
    }
    if not written:
        return {}
    measured = [composed("slices", "text_sizes", text=text) for text in written.values()]
    query = sql.SQL("SELECT {} {} WHERE {}")
    row = connection.execute(
        query.format(sql.SQL(", ").join(measured), selection.source, selection.condition)
    ).fetchone()
    assert row is not None
    return {name: Texts(*sizes) for name, sizes in zip(written, zip(row[::2], row[1::2], strict=True), strict=True)}


def page(connection: Connection, selection: Selection, wanted: Page, version: int) -> Rows:
    """Return a page of rows.

    Raises:
        ParameterError: the token of the page is not one of this call.
    """
    row = connection.execute(selection.page(wanted)).fetchone()
    assert row is not None
    lines, n, last = row
    following = paging.token(last) if n > wanted.limit else None
    return Rows(version, f"[{lines or ''}]".encode(), min(n, wanted.limit), following)


def original_columns(connection: Connection, survey: str) -> dict[Column, sql.Composable]:
    """Return the survey's own columns under their prefix."""
    table = sql.Identifier("raw", survey).as_string()
    found = connection.execute(_QUERIES["original_columns"].encode(), {"table": table})
    return dict(_original(name, type_name, column_comments.read(comment)) for name, type_name, comment in found)


def _original(name: str, type_name: str, facts: ColumnFacts) -> tuple[Column, sql.Composable]:
    kind = _KINDS.get(type_name, Kind.OTHER)
    shown = (ORIGINAL_PREFIX + name).encode()[:_NAME_BYTES].decode("utf-8", "ignore")
    meaning = f"{name}, as the survey published it" + (f": {facts.description}" if facts.description else "")
    return Column(shown, kind, meaning, facts.unit or None, facts.ucd, facts.known_unit), sql.Identifier("r", name)


def _all_of(conditions: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(" AND ").join([sql.SQL("true"), *conditions])


def _star_conditions(version: int, wanted: Slice) -> Iterator[sql.Composable]:
    for name, bounds in wanted.bounds.items():
        yield from _within(sql.Identifier("h", name), bounds)
    if wanted.survey is not None:
        parts = {"calibrated": partition("calibrated", version), "survey": sql.Literal(wanted.survey)}
        yield composed("slices", "seen_by", **parts)
    if wanted.in_domain is not None:
        flags = sql.SQL(" | ").join(sql.Identifier("h", f"{name}_flags") for name in PARAMETERS)
        comparison = sql.SQL("=" if wanted.in_domain else "<>")
        yield sql.SQL("(({}) & {}) {} 0").format(flags, sql.Literal(_OUTSIDE_DOMAIN), comparison)
    if wanted.n_min is not None:
        counts = sql.SQL(", ").join(sql.Identifier("h", f"{name}_n") for name in PARAMETERS)
        yield sql.SQL("greatest({}) >= {}").format(counts, sql.Literal(wanted.n_min))
    yield from map(sky.inside, wanted.regions)


def _within(column: sql.Composable, bounds: Bounds) -> Iterator[sql.Composable]:
    """Compare in single precision, so that a limit equal to a value as it is shown lets that value in."""
    if bounds.lowest is not None:
        yield sql.SQL("{} >= {}::real").format(column, sql.Literal(_single(bounds.lowest)))
    if bounds.highest is not None:
        yield sql.SQL("{} <= {}::real").format(column, sql.Literal(_single(bounds.highest)))


def _single(number: float) -> float:
    """Return a number in single precision; one that is too large, or too small, for it is infinite, or 0."""
    return c_float(number).value


def _measurement_columns(survey: str) -> dict[Column, sql.Composable]:
    special: dict[str, sql.Composable] = {
        "survey": sql.SQL("{}::text").format(sql.Literal(survey)),
        "star_id": sql.SQL("c.star_id"),
        "split": sql.SQL("({}::text[])[c.split + 1]").format(sql.Literal(list(SPLITS))),
        "in_domain": sql.SQL("c.in_domain"),
    }
    for name in PARAMETERS:
        value, lower, upper = (sql.Identifier("m", name + end) for end in ("", "_err_lower", "_err_upper"))
        special[f"{name}_raw"] = value
        special[f"{name}_raw_lower"] = sql.SQL("({} - {})").format(value, lower)
        special[f"{name}_raw_upper"] = sql.SQL("({} + {})").format(value, upper)
        special |= {name + end: sql.Identifier("c", name + end) for end in ("", "_lower", "_upper")}
    return {column: special.get(column.name, sql.Identifier("m", column.name)) for column in MEASUREMENTS}


def _measurement_conditions(wanted: MeasurementSlice) -> Iterator[sql.Composable]:
    if wanted.split is not None:
        yield sql.SQL("c.split = {}").format(sql.Literal(SPLITS.index(wanted.split)))
    if wanted.in_domain is not None:
        yield sql.SQL("c.in_domain = {}").format(sql.Literal(wanted.in_domain))
