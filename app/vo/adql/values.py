"""What an expression has become: SQL, with what is known of its value."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.fields import Datatype, Field


@dataclass(frozen=True)
class Value:
    """An expression in PostgreSQL's SQL that can stand anywhere: in parentheses where it needs them.

    Attributes:
        sql: the expression.
        datatype: what it holds, None where only the database knows.
        field: the column that it is, where it is nothing else.
        unit: its unit, where that is known.
        xtype: which shape its numbers are, `point`, `circle` or `polygon`, where it is one.
        constant: its number, where that is known from the query alone.
        longest: characters that a text is expected to have at most.
        name: what the column of an answer is called, unless the query says so.
    """

    sql: str
    datatype: Datatype | None = None
    field: Field | None = None
    unit: str | None = None
    constant: float | None = None
    name: str | None = None
    longest: int = 1_000
    xtype: str | None = None

    @property
    def double(self) -> str:
        """The expression as a number in double precision."""
        return self.sql if self.datatype is Datatype.DOUBLE else f"{self.sql}::float8"


def of_column(sql: str, column: Field) -> Value:
    """Return a column as an expression."""
    shape = column.xtype if column.is_shape else None
    return Value(sql, column.datatype, column, column.unit, longest=column.longest, xtype=shape)


def quoted(name: str) -> str:
    """Return a name as PostgreSQL takes it literally."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def literal(text: str) -> str:
    """Return a text as PostgreSQL takes it literally, whatever backslashes mean to it."""
    doubled = text.replace("'", "''").replace("\\", "\\\\")
    return f"E'{doubled}'" if "\\" in text else f"'{doubled}'"
