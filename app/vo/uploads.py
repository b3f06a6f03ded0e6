"""Tables that users send along, as VOTable; what such a document names is never fetched, whatever it says."""

from __future__ import annotations

import io
import re
import warnings
from math import prod
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from app.domain.errors import ParameterError
from app.domain.fields import Datatype, Field
from app.storage.user_queries import Upload
from app.vo.remote_uploads import fetched
from app.vo.requests import Parameters

MOST_TABLES = 10
MOST_COLUMNS = 500
MOST_ROWS = 2_000_000
LARGEST_FIXED = 512 << 20  # bytes that texts and arrays of fixed length take, however little is in them
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}", re.ASCII)
_DATATYPES: dict[str, Datatype] = {
    "bool": Datatype.BOOLEAN,
    "uint8": Datatype.SHORT,
    "int16": Datatype.SHORT,
    "int32": Datatype.INT,
    "int64": Datatype.LONG,
    "float32": Datatype.FLOAT,
    "float64": Datatype.DOUBLE,
}
_DTYPES = {Datatype.SHORT: np.int16}
_OF_CHARACTERS = {"char", "unicodeChar"}
# What astropy warns of where it takes another value for the one that stands there: no number, too long, too large.
_ALTERED = {"W30", "W46", "W51"}


def uploads(parameters: Parameters) -> tuple[Upload, ...]:
    """Return the tables that `UPLOAD=name,param:part;...` names, from the parts of the request.

    Raises:
        ParameterError: UPLOAD has another form, a part is missing, or one is no VOTable of plain columns.
    """
    found: dict[str, Upload] = {}
    for text in parameters.values.get("UPLOAD", []):
        for one in filter(None, (piece.strip() for piece in text.split(";"))):
            name, _, address = (part.strip() for part in one.partition(","))
            if not _NAME.fullmatch(name) or name.lower() in found:
                raise ParameterError("UPLOAD", f"{name!r} is no name for a table, or one of two")
            found[name.lower()] = read(name.lower(), _content(address, parameters))
    if len(found) > MOST_TABLES:
        raise ParameterError("UPLOAD", f"at most {MOST_TABLES} tables come with a query")
    return tuple(found.values())


def _content(address: str, parameters: Parameters) -> bytes:
    if address.startswith(("http://", "https://")):
        return fetched(address)
    part = address.removeprefix("param:")
    if part == address:
        raise ParameterError("UPLOAD", f"is name,param:part or name,http://..., got {address!r}")
    if part not in parameters.files:
        raise ParameterError("UPLOAD", f"the request has no file in a part {part!r}")
    return parameters.files[part]


def read(name: str, content: bytes) -> Upload:
    """Return the first table of a VOTable.

    Raises:
        ParameterError: it is no VOTable, names other documents, or has columns that are not plain.
    """
    from astropy.io.votable import parse_single_table  # noqa: PLC0415 - takes a second, which few requests need

    _check_alone(name, content)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            table = parse_single_table(io.BytesIO(content), verify="warn")
            rows = table.array
    except Exception as problem:  # noqa: BLE001 - astropy raises whatever the document makes it raise
        raise ParameterError("UPLOAD", f"{name} is no VOTable that can be read: {problem}") from None
    for one in said:
        if one.category.__name__ in _ALTERED:
            raise ParameterError("UPLOAD", f"{name} holds a value that its column cannot: {one.message}")
    if not 0 < len(table.fields) <= MOST_COLUMNS or len(rows) > MOST_ROWS:
        raise ParameterError("UPLOAD", f"{name} has from 1 to {MOST_COLUMNS} columns and at most {MOST_ROWS:,} rows")
    fields: list[Field] = []
    columns: dict[str, NDArray[Any]] = {}
    for described, key in zip(table.fields, rows.dtype.names, strict=True):
        label = _free(described.name or key, columns)
        if described.arraysize not in {None, "1"} and described.datatype not in _OF_CHARACTERS:
            raise ParameterError("UPLOAD", f"column {label!r} of {name} holds arrays: a column has one value a row")
        column, values = _column(name, label, _single(rows[key]))
        unit = None if described.unit is None else str(described.unit)
        xtype = described.xtype if column.textual else None  # a shape is several numbers, which no column here holds
        fields.append(Field(label, column, unit, described.ucd, described.description, xtype, longest=_longest(values)))
        columns[label] = values
    return Upload(name, tuple(fields), columns)


def _check_alone(name: str, content: bytes) -> None:
    """Refuse a document that would have others read (entities, rows elsewhere), or is far larger than it looks."""
    parser = expat.ParserCreate()
    width = rows = 0

    def element(tag: str, attributes: dict[str, str]) -> None:
        nonlocal width, rows
        kind = tag.rsplit(":", 1)[-1].upper()
        if kind == "STREAM" and any(key.lower().endswith("href") for key in attributes):
            raise ParameterError("UPLOAD", f"the rows of {name} stand in the VOTable itself, not behind an address")
        width += _fixed_bytes(attributes) if kind == "FIELD" else 0
        rows += kind == "TR"
        if width * rows > LARGEST_FIXED:
            raise ParameterError("UPLOAD", f'texts of {name} have a fixed length that is too much: say arraysize="*"')

    def doctype(*_: object) -> None:
        raise ParameterError("UPLOAD", f"{name} has a DOCTYPE, which a VOTable has not")

    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError as problem:
        raise ParameterError("UPLOAD", f"{name} is no VOTable: {problem}") from None


def _fixed_bytes(field: dict[str, str]) -> int:
    """Return how many bytes each value of a column takes where their length is fixed, 0 for others."""
    sizes = field.get("arraysize", "").split("x")
    if not all(size.isascii() and size.isdigit() for size in sizes):
        return 0
    return prod(int(size[:18]) for size in sizes) * (4 if field.get("datatype") in _OF_CHARACTERS else 8)


def _free(label: str, taken: dict[str, NDArray[Any]]) -> str:
    """Return a name for a column that no other one has, and that the database takes."""
    stem = label.replace("\0", "").encode()[:55].decode(errors="ignore") or "column"
    small = {one.lower() for one in taken}
    found, number = stem, 1
    while found.lower() in small:
        number += 1
        found = f"{stem}_{number}"
    return found


def _single(values: Any) -> Any:
    """Return the values of a column whose arrays have one item as what they are."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _column(table: str, label: str, values: Any) -> tuple[Datatype, NDArray[Any]]:
    """Return what a column holds, and its values as the database takes them."""
    if values.ndim != 1:
        raise ParameterError("UPLOAD", f"column {label!r} of {table} holds arrays: a column has one value a row")
    kind = _DATATYPES.get(values.dtype.name)
    if kind is not None:
        return kind, values.astype(_DTYPES[kind]) if kind in _DTYPES else values
    if values.dtype.kind not in "OUS":
        raise ParameterError("UPLOAD", f"column {label!r} of {table} is of a kind that no query can use")
    mask = np.ma.getmaskarray(values)
    texts = np.empty(len(values), object)
    for place, value in enumerate(np.ma.getdata(values)):
        texts[place] = None if mask[place] or value is None else _text(value)
    return (Datatype.TEXT if all(text is None or text.isascii() for text in texts) else Datatype.UNICODE), texts


def _text(value: object) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).replace("\0", "")


def _longest(values: NDArray[Any]) -> int:
    return max((len(value) for value in values if value), default=1) if values.dtype == object else 1
