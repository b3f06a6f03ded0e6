"""`tap_schema`: the tables that say which tables and columns there are, made from the same facts as all else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from psycopg import sql

from app.domain.fields import Datatype, Field, ServedTable

SCHEMAS = {
    "sos": "Survey of Surveys: stellar parameters of all surveys on one scale",
    "tap_schema": "The tables and columns of this service",
}
# key, table that refers, column, table that is referred to, column, meaning
KEYS = (
    ("measurement_star", "sos.measurement", "star_id", "sos.star", "star_id", "The star that was measured"),
    ("measurement_survey", "sos.measurement", "survey", "sos.survey", "name", "The survey that measured it"),
    ("tables_schemas", "tap_schema.tables", "schema_name", "tap_schema.schemas", "schema_name", "The table's schema"),
    ("columns_tables", "tap_schema.columns", "table_name", "tap_schema.tables", "table_name", "The column's table"),
    ("keys_from", "tap_schema.keys", "from_table", "tap_schema.tables", "table_name", "The table that refers"),
    ("keys_target", "tap_schema.keys", "target_table", "tap_schema.tables", "table_name", "The table referred to"),
    ("key_columns_keys", "tap_schema.key_columns", "key_id", "tap_schema.keys", "key_id", "The column's key"),
    ("star_version", "sos.star", "version", "sos.version", "version", "The version that the star is of"),
)
_RESERVED = {"size"}
_SQL_TYPES = {Datatype.TEXT: "text", Datatype.INT: "int"}

Cell = str | int | None


def _columns(**described: tuple[Datatype, str]) -> tuple[Field, ...]:
    return tuple(Field(name, kind, description=text) for name, (kind, text) in described.items())


_TEXT, _INT = Datatype.TEXT, Datatype.INT
_SCHEMAS = _columns(
    schema_name=(_TEXT, "Name of the schema"),
    utype=(_TEXT, "UTYPE of the schema"),
    description=(_TEXT, "What is in it"),
    schema_index=(_INT, "Order in which schemas are shown"),
)
_TABLES = _columns(
    schema_name=(_TEXT, "Name of the schema"),
    table_name=(_TEXT, "Name of the table, as it stands in queries"),
    table_type=(_TEXT, "table or view"),
    utype=(_TEXT, "UTYPE of the table"),
    description=(_TEXT, "What is in it"),
    table_index=(_INT, "Order in which tables are shown"),
)
_COLUMNS = _columns(
    table_name=(_TEXT, "Name of the table"),
    column_name=(_TEXT, "Name of the column"),
    datatype=(_TEXT, "VOTable datatype"),
    arraysize=(_TEXT, "VOTable arraysize"),
    xtype=(_TEXT, "How the value is to be read"),
    size=(_INT, "Length of the value (older clients read this instead of arraysize)"),
    description=(_TEXT, "What the column holds"),
    utype=(_TEXT, "UTYPE of the column"),
    unit=(_TEXT, "Unit (VOUnits)"),
    ucd=(_TEXT, "Kind of quantity (UCD1+)"),
    indexed=(_INT, "1 where conditions on it are answered from an index"),
    principal=(_INT, "1 where most users want to see it"),
    std=(_INT, "1 where a standard defines it"),
    column_index=(_INT, "Order in which columns are shown"),
)
_KEYS = _columns(
    key_id=(_TEXT, "Name of the key"),
    from_table=(_TEXT, "Table that refers"),
    target_table=(_TEXT, "Table that is referred to"),
    description=(_TEXT, "What the reference means"),
    utype=(_TEXT, "UTYPE of the key"),
)
_KEY_COLUMNS = _columns(
    key_id=(_TEXT, "Name of the key"),
    from_column=(_TEXT, "Column that refers"),
    target_column=(_TEXT, "Column that is referred to"),
)


def with_schema(tables: Iterable[ServedTable]) -> tuple[ServedTable, ...]:
    """Return the tables, and those of `tap_schema` that describe all of them."""
    described = tuple(tables)
    everything = (*described, *(ServedTable("tap_schema", name, text, fields, "") for name, text, fields in _OWN))
    rows: tuple[list[tuple[Cell, ...]], ...] = (
        [(name, None, text, place) for place, (name, text) in enumerate(SCHEMAS.items())],
        [(one.schema, one.full_name, "table", None, one.description, place) for place, one in enumerate(everything)],
        [_column_row(one, column, place) for one in everything for place, column in enumerate(one.fields)],
        [(key, referring, target, text, None) for key, referring, _, target, _, text in KEYS],
        [(key, referring, target) for key, _, referring, _, target, _ in KEYS],
    )
    own = (_table(name, text, fields, cells) for (name, text, fields), cells in zip(_OWN, rows, strict=True))
    return (*described, *own)


_OWN = (
    ("schemas", "The schemas of this service", _SCHEMAS),
    ("tables", "The tables of this service", _TABLES),
    ("columns", "The columns of all tables", _COLUMNS),
    ("keys", "Which tables refer to which", _KEYS),
    ("key_columns", "By which columns they do", _KEY_COLUMNS),
)


def shown(name: str) -> str:
    """Return a column's name as it stands in queries: a word that ADQL keeps for itself in quotation marks."""
    return f'"{name}"' if name in _RESERVED else name


def _column_row(table: ServedTable, column: Field, place: int) -> tuple[Cell, ...]:
    return (
        table.full_name,
        shown(column.name),
        (column.datatype or _TEXT).value,
        column.arraysize,
        column.xtype,
        None,
        column.description,
        None,
        column.unit,
        column.ucd,
        int(column.indexed),
        int(column.principal or table.schema == "tap_schema"),
        int(table.schema == "tap_schema"),
        place,
    )


def _table(name: str, description: str, fields: tuple[Field, ...], rows: Sequence[Sequence[Cell]]) -> ServedTable:
    names = [sql.Identifier(column.name) for column in fields]
    kinds = [sql.SQL(_SQL_TYPES[column.datatype or _TEXT]) for column in fields]
    source = sql.SQL("SELECT {} FROM (VALUES {}) AS listed ({})").format(
        sql.SQL(", ").join(sql.SQL("{}::{}").format(one, kind) for one, kind in zip(names, kinds, strict=True)),
        sql.SQL(", ").join(sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row))) for row in rows),
        sql.SQL(", ").join(names),
    )
    return ServedTable("tap_schema", name, description, fields, source.as_string())
