"""Answers as CSV, TSV and JSON, as they come."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import orjson

from app.domain.fields import Datatype, Field
from app.vo.cells import columns, written
from app.vo.limits import Limited
from app.vo.votable import Facts


def csv(fields: tuple[Field, ...], rows: Limited, _: Facts) -> Iterator[bytes]:
    """Yield comma-separated lines under a line of names; an error on the way ends the connection."""
    return _separated(fields, rows, ",")


def tsv(fields: tuple[Field, ...], rows: Limited, _: Facts) -> Iterator[bytes]:
    """Yield lines separated by tabs, otherwise as `csv`."""
    return _separated(fields, rows, "\t")


def json(fields: tuple[Field, ...], rows: Limited, facts: Facts) -> Iterator[bytes]:
    """Yield one object: `version`, `metadata` of the columns, `data` as lists, `truncated`; 64-bit integers as text."""
    pieces = (_lists(fields, block) for block in rows)
    first = next(pieces, b"")
    described = [
        {
            "name": one.name,
            "datatype": one.datatype,
            "unit": one.unit,
            "ucd": one.ucd,
            "description": one.description,
            **({"arraysize": one.arraysize, "xtype": one.xtype} if one.is_shape else {}),
        }
        for one in fields
    ]
    yield b'%s,"data":[%s' % (orjson.dumps({"version": facts.version, "metadata": described})[:-1], first)
    for piece in pieces:
        if piece:
            yield b",%s" % piece
    yield b'],"truncated":%s}\n' % orjson.dumps(rows.overflow)


def _separated(fields: tuple[Field, ...], rows: Limited, sign: str) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - takes half a second, which no start should wait for
    from pyarrow import csv as arrow_csv  # noqa: PLC0415 - with it

    options: dict[str, Any] = {"delimiter": sign, "quoting_style": "needed"}
    names = [column.name for column in fields]
    for place, block in enumerate(rows):
        table = pa.Table.from_arrays([written(column) for column in columns(fields, block)], names=names)
        sink = io.BytesIO()
        arrow_csv.write_csv(table, sink, arrow_csv.WriteOptions(include_header=place == 0, **options))
        yield sink.getvalue()


def _lists(fields: tuple[Field, ...], block: Any) -> bytes:
    """Return rows as the items of a JSON array."""
    cells = [column.to_pylist() for column in columns(fields, block)]
    for place, column in enumerate(fields):
        if column.datatype is Datatype.LONG:
            cells[place] = [None if value is None else str(value) for value in cells[place]]
    return orjson.dumps([list(row) for row in zip(*cells, strict=True)])[1:-1]
