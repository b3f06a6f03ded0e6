"""The columns of any table or answer as the Virtual Observatory describes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Datatype(StrEnum):
    """What a column holds, in VOTable's words; texts are of any length, `TEXT` is of ASCII alone."""

    BOOLEAN = "boolean"
    SHORT = "short"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    TEXT = "char"
    UNICODE = "unicodeChar"

    @property
    def textual(self) -> bool:
        """Whether the values are texts."""
        return self in {Datatype.TEXT, Datatype.UNICODE}

    @property
    def whole(self) -> bool:
        """Whether the values are integers."""
        return self in {Datatype.SHORT, Datatype.INT, Datatype.LONG}

    @property
    def numeric(self) -> bool:
        """Whether the values are numbers."""
        return self.whole or self in {Datatype.FLOAT, Datatype.DOUBLE}


_SIZES = {"point": "2", "circle": "3", "polygon": "*"}


@dataclass(frozen=True)
class Field:
    """A column.

    Attributes:
        name: as users write it.
        datatype: what it holds, None where only the database knows.
        unit: in VOUnits.
        ucd: UCD1+.
        description: a sentence.
        xtype: how the value is to be read (`timestamp`; `point`, `circle`, `polygon`: several numbers).
        indexed: a condition on it is answered from an index.
        principal: belongs to what most users want to see.
        longest: characters that a text is expected to have at most.
    """

    name: str
    datatype: Datatype | None = None
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None
    xtype: str | None = None
    indexed: bool = False
    principal: bool = False
    longest: int = 1_000

    @property
    def is_shape(self) -> bool:
        """Whether the values are shapes: so many numbers in degrees (DALI 1.1, section 3.3)."""
        return self.datatype is Datatype.DOUBLE and self.xtype in _SIZES

    @property
    def arraysize(self) -> str | None:
        """How many characters or numbers a value has, in VOTable's words; None for one."""
        if self.datatype is not None and self.datatype.textual:
            return "*"
        return _SIZES[self.xtype] if self.is_shape and self.xtype else None


@dataclass(frozen=True)
class ServedTable:
    """A table that queries may name.

    Attributes:
        schema: `sos`, `tap_schema` or `tap_upload`.
        name: within its schema.
        description: a sentence.
        fields: its columns, in order.
        source: the SELECT that its rows are, in PostgreSQL's SQL, with columns of the same names in the same order.
    """

    schema: str
    name: str
    description: str
    fields: tuple[Field, ...]
    source: str

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"
