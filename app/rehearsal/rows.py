"""Rows on their way out of PostgreSQL and into it, and as BINARY2."""

from __future__ import annotations

from app.domain.fields import Datatype, Field
from app.factory import Factory
from app.rehearsal.example import TABLE
from app.storage import binary_copy
from app.storage.column_codec import codec, encode_column
from app.vo.binary2 import encode

_TYPES = {"int64": 20, "double": 701, "float": 700, "int32": 23, "int16": 21, "string": 25, "bool": 16}
_DATATYPES = {"int64": Datatype.LONG, "double": Datatype.DOUBLE, "float": Datatype.FLOAT, "int32": Datatype.INT}
_DATATYPES |= {"int16": Datatype.SHORT, "string": Datatype.UNICODE, "bool": Datatype.BOOLEAN}
FIELDS = tuple(Field(field.name, _DATATYPES[str(field.type)]) for field in TABLE.schema)


def rehearse(_: Factory) -> None:
    """Write the rows of a table as PostgreSQL's COPY has them, and take them apart again."""
    rows = copied()
    for place, column in enumerate(TABLE.columns):
        assert len(codec(_TYPES[str(column.type)]).decode(rows, place)) == TABLE.num_rows
    assert len(encode(FIELDS, rows))


def copied() -> binary_copy.Tuples:
    """Return the rows of the example as the server sends them."""
    fields = [
        encode_column(name, codec(_TYPES[str(column.type)]), column.combine_chunks(), keep_nan=False)
        for name, column in zip(TABLE.column_names, TABLE.columns, strict=True)
    ]
    return binary_copy.locate(binary_copy.encode(fields), TABLE.num_rows, len(fields))
