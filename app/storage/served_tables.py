"""The tables that users' own queries may name: `sos.star`, `sos.measurement`, `sos.survey`, `sos.version`."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from app.domain.columns import CATALOG, MEASUREMENTS, Column, Kind
from app.domain.fields import Datatype, Field, ServedTable
from app.domain.homogenized import SPLITS
from app.storage.rendering import Rendering, select_list
from app.storage.slices import catalogue_expression
from app.storage.statements import composed

SCHEMA = "sos"

_KINDS = {Kind.ID: Datatype.LONG, Kind.REAL: Datatype.FLOAT, Kind.BOOLEAN: Datatype.BOOLEAN, Kind.TEXT: Datatype.TEXT}
_OWN_KINDS = {"ra": Datatype.DOUBLE, "dec": Datatype.DOUBLE, "version": Datatype.INT}
_INDEXED = {"star": {"star_id", "gaia_dr3_source_id", "ra", "dec"}, "measurement": {"star_id"}}
_SECONDARY = ("_chi2", "_flags", "_n", "_mag")

_SURVEY = (
    Field("name", Datatype.TEXT, None, "meta.id;meta.main", "Name of the survey", principal=True),
    Field("title", Datatype.UNICODE, None, "meta.title", "Title of the survey", principal=True),
    Field("release", Datatype.UNICODE, None, "meta.version", "Data release", principal=True),
    Field("citation", Datatype.UNICODE, None, "meta.bib", "What a product that uses this survey cites", principal=True),
    Field("url", Datatype.UNICODE, None, "meta.ref.url", "Where the survey's files are"),
    Field("n_files", Datatype.INT, None, "meta.number", "Number of files that were taken in"),
    Field("n_rows", Datatype.LONG, None, "meta.number", "Number of measurements", principal=True),
    Field("n_rejects", Datatype.LONG, None, "meta.number", "Number of rows that could not become measurements"),
)
_VERSION = (
    Field("version", Datatype.INT, None, "meta.id;meta.main", "Calibration version", principal=True),
    Field("state", Datatype.TEXT, None, "meta.code.status", "running, failed, ready, published or retired"),
    Field("n_stars", Datatype.LONG, None, "meta.number", "Number of homogenized stars", principal=True),
    Field("seed", Datatype.LONG, None, "meta.number", "Seed of every random choice in it"),
    Field("created_at", Datatype.TEXT, None, "time.creation", "When it was begun (UTC)", "timestamp"),
    Field("finished_at", Datatype.TEXT, None, "time.end", "When it was complete (UTC)", "timestamp"),
    Field("published_at", Datatype.TEXT, None, "time.release", "When it was last published (UTC)", "timestamp"),
)


def served_tables(version: int) -> tuple[ServedTable, ...]:
    """Return the tables as they are in a version; what is not of a version is the same in all."""
    number = sql.Literal(version)
    columns = select_list({column: catalogue_expression(column) for column in CATALOG}, Rendering.NATIVE)
    star = composed("served", "star", columns=columns, version=number)
    measurement = composed("served", "measurement", splits=sql.Literal(list(SPLITS)), version=number)
    return (
        _table("star", "The homogenized stars of the published version", _fields("star", CATALOG), star),
        _table(
            "measurement",
            "Every survey's measurements: as reported, and as the published version calibrates them",
            _fields("measurement", MEASUREMENTS),
            measurement,
        ),
        _table("survey", "The surveys that are in", _SURVEY, composed("served", "survey")),
        _table("version", "Calibration versions", _VERSION, composed("served", "version")),
    )


def _table(name: str, description: str, fields: tuple[Field, ...], source: sql.Composed) -> ServedTable:
    return ServedTable(SCHEMA, name, description, fields, source.as_string())


def _fields(table: str, columns: Iterable[Column]) -> tuple[Field, ...]:
    return tuple(
        Field(
            column.name,
            _OWN_KINDS.get(column.name) or _KINDS.get(column.kind, Datatype.SHORT),
            column.unit,
            column.ucd,
            column.description,
            indexed=column.name in _INDEXED[table],
            principal=not column.name.endswith(_SECONDARY),
        )
        for column in columns
    )
