"""VOTable 1.4 with BINARY2 data, written as the rows come (IVOA recommendation "VOTable Format Definition" 1.4).

A row is a mask of its nulls, a bit a column from the left, and then its fields, big-endian; a text is a count of
characters and the characters, UTF-16 where a field is declared `unicodeChar`.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.storage.plain_columns import plain

_LINE = 48 * 1024  # bytes of data on a line, divisible by three
_ROWS = 8_192
_DTYPES = {"short": ">i2", "int": ">i4", "long": ">i8", "float": ">f4", "double": ">f8", "unsignedByte": "u1"}
_DATATYPES = {
    pa.int16(): "short",
    pa.int32(): "int",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.uint8(): "unsignedByte",
    pa.bool_(): "boolean",
}

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Field:
    """What a FIELD element says of a column.

    Attributes:
        name: the name of the column.
        datatype: of VOTable: short, int, long, float, double, unsignedByte, boolean, char or unicodeChar.
        arraysize: `*` for texts, None for everything else.
        unit: in VOUnits.
        ucd: of UCD1+.
        description: for people.
        null: an integer that stands for null, for readers that do not know the mask of BINARY2.
        ref: ID of the coordinate system that a position is in.
    """

    name: str
    datatype: str
    arraysize: str | None = None
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None
    null: int | None = None
    ref: str | None = None


@dataclass(frozen=True)
class Info:
    """An INFO element."""

    name: str
    value: str
    text: str = ""


ICRS = '<COOSYS ID="icrs" system="ICRS"/>'


def datatype_of(kind: pa.DataType, *, ascii_only: bool = False) -> tuple[str, str | None]:
    """Return datatype and arraysize for values of a plain Arrow type; texts are `char` only where all are ASCII."""
    known = _DATATYPES.get(kind)
    if known is not None:
        return known, None
    return ("char" if ascii_only else "unicodeChar"), "*"


def votable_blocks(
    batches: Iterable[pa.RecordBatch],
    fields: Sequence[Field],
    *,
    table: str,
    rows: int | None = None,
    before: Sequence[Info] = (),
    after: Callable[[], Sequence[Info]] = tuple,
) -> Iterator[bytes]:
    """Yield a VOTable with one table.

    Args:
        batches: the rows; columns as in `fields`, of any Arrow type that these can hold.
        fields: the columns.
        table: its name.
        rows: how many there will be, where that is known.
        before: INFO elements ahead of the table, such as QUERY_STATUS.
        after: gives those behind it when all rows are through, such as an overflow.
    """
    yield _head(fields, table, rows, before).encode()
    rest = b""
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            data = rest + binary2(batch.slice(start, _ROWS), fields)
            whole = len(data) - len(data) % 3
            rest = data[whole:]
            yield _base64(data[:whole])
    yield _base64(rest)
    yield _tail(after()).encode()


def binary2(batch: pa.RecordBatch, fields: Sequence[Field]) -> bytes:
    """Return the rows of a batch as BINARY2."""
    columns = [_written(plain(values), field) for values, field in zip(batch.columns, fields, strict=True)]
    missing = np.column_stack([np.asarray(values.is_null()) for values in batch.columns])
    pieces = list(_joined([_Fixed(np.packbits(missing, axis=1)), *columns]))
    if len(pieces) == 1 and isinstance(pieces[0], _Fixed):
        return pieces[0].data.tobytes()
    sizes = np.sum([piece.sizes() for piece in pieces], axis=0, dtype=np.int64)
    out = np.empty(int(sizes.sum()), np.uint8)
    cursor = np.cumsum(sizes) - sizes
    for piece in pieces:
        piece.put(out, cursor)
        cursor = cursor + piece.sizes()
    return out.tobytes()


@dataclass(frozen=True)
class _Fixed:
    """Fields of one width: `data` is (rows, width)."""

    data: Bytes

    def sizes(self) -> NDArray[np.int64]:
        return np.full(len(self.data), self.data.shape[1], np.int64)

    def put(self, out: Bytes, cursor: NDArray[np.int64]) -> None:
        out[cursor[:, None] + np.arange(self.data.shape[1])] = self.data


@dataclass(frozen=True)
class _Texts:
    """Texts: row i is `data[offsets[i]:offsets[i + 1]]`, of characters of so many bytes."""

    data: Bytes
    offsets: NDArray[np.int64]
    character: int

    def sizes(self) -> NDArray[np.int64]:
        return 4 + np.diff(self.offsets)

    def put(self, out: Bytes, cursor: NDArray[np.int64]) -> None:
        lengths = np.diff(self.offsets)
        counts = (lengths // self.character).astype(">i4").view(np.uint8).reshape(-1, 4)
        out[cursor[:, None] + np.arange(4)] = counts
        shift = np.repeat(cursor + 4 - self.offsets[:-1], lengths)
        out[shift + np.arange(int(self.offsets[0]), int(self.offsets[-1]))] = self.data


def _joined(columns: Sequence[_Fixed | _Texts]) -> Iterator[_Fixed | _Texts]:
    """Yield columns with neighbours of fixed width as one."""
    for fixed, group in groupby(columns, lambda column: isinstance(column, _Fixed)):
        if fixed:
            yield _Fixed(np.hstack([column.data for column in group]))
        else:
            yield from group


def _written(values: pa.Array, field: Field) -> _Fixed | _Texts:
    if field.datatype in {"char", "unicodeChar"}:
        return _texts(values.cast(pa.string()), field.datatype)
    if field.datatype == "boolean":
        letters = np.where(np.asarray(values.fill_null(fill_value=False)), ord("T"), ord("F")).astype(np.uint8)
        return _Fixed(np.where(np.asarray(values.is_null()), ord("?"), letters).astype(np.uint8)[:, None])
    dtype = np.dtype(_DTYPES[field.datatype])
    empty: Any = float("nan") if dtype.kind == "f" else (field.null or 0)
    numbers = np.asarray(values.fill_null(pa.scalar(empty, values.type)) if values.null_count else values)
    return _Fixed(np.ascontiguousarray(numbers.astype(dtype)).view(np.uint8).reshape(len(numbers), dtype.itemsize))


def _texts(values: pa.Array, datatype: str) -> _Texts:
    if datatype == "unicodeChar":
        encoded = [text.encode("utf-16-be") for text in values.fill_null("").to_pylist()]
        values = pa.array(encoded, pa.large_binary())
    values = values.cast(pa.large_binary()).fill_null(b"")
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    all_bytes = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return _Texts(all_bytes[offsets[0] : offsets[-1]], offsets, 2 if datatype == "unicodeChar" else 1)


def _base64(data: bytes) -> bytes:
    return b"".join(binascii.b2a_base64(data[start : start + _LINE]) for start in range(0, len(data), _LINE))


def _head(fields: Sequence[Field], table: str, rows: int | None, infos: Sequence[Info]) -> str:
    count = "" if rows is None else f' nrows="{rows}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results">\n{"".join(map(_info, infos))}{ICRS}\n'
        f"<TABLE name={quoteattr(table)}{count}>\n{''.join(map(_field, fields))}"
        '<DATA>\n<BINARY2>\n<STREAM encoding="base64">\n'
    )


def _tail(infos: Sequence[Info]) -> str:
    return f"</STREAM>\n</BINARY2>\n</DATA>\n</TABLE>\n{''.join(map(_info, infos))}</RESOURCE>\n</VOTABLE>\n"


def _info(info: Info) -> str:
    return f"<INFO name={_quoted(info.name)} value={_quoted(info.value)}>{_clean(escape(info.text))}</INFO>\n"


def _field(field: Field) -> str:
    attributes = "".join(
        f" {name}={_quoted(value)}"
        for name in ("name", "datatype", "arraysize", "unit", "ucd", "ref")
        if (value := getattr(field, name)) is not None
    )
    inner = "" if field.description is None else f"<DESCRIPTION>{_clean(escape(field.description))}</DESCRIPTION>"
    inner += "" if field.null is None else f'<VALUES null="{field.null}"/>'
    return f"<FIELD{attributes}>{inner}</FIELD>\n"


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Return a text without the characters that XML has no way to write."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n\r")
