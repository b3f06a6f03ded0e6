"""ECSV: a CSV file whose header is YAML with types and units (astropy APE 6)."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.table.meta import get_header_from_yaml

from app.domain.errors import TableError
from app.pipeline.readers.delimited import Dialect, proved
from app.pipeline.readers.source import open_bytes
from app.pipeline.readers.table import SurveyTable

_TYPES = {
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "float16": pa.float32(),
    "float32": pa.float32(),
    "float64": pa.float64(),
}


def read_ecsv(path: Path, *, missing: Collection[str] = ()) -> SurveyTable:
    """Open an ECSV file; columns of arrays or objects are kept as their JSON text.

    Raises:
        TableError: the header is damaged, or the rows do not fit it.
    """
    lines = _header_lines(path)
    try:
        header: dict[str, Any] = get_header_from_yaml(lines)
        columns = header["datatype"]
        names = tuple(column["name"] for column in columns)
        types = {column["name"]: _type(column) for column in columns}
    except Exception as error:  # YAML raises many kinds
        raise TableError(path.name, f"its ECSV header cannot be read: {error}") from error
    units = {column["name"]: column["unit"] for column in columns if column.get("unit")}
    said = {column["name"]: column["description"] for column in columns if column.get("description")}
    dialect = Dialect(header.get("delimiter", " "), len(lines) + 1, names, types, ("", *missing), units, said)
    return proved(path, dialect, "ECSV")


def _type(column: dict[str, Any]) -> pa.DataType:
    return pa.string() if column.get("subtype") else _TYPES.get(column["datatype"], pa.string())


def _header_lines(path: Path) -> list[str]:
    lines = []
    with open_bytes(path) as file:
        for line in file:
            if not line.startswith(b"#"):
                break
            lines.append(line.decode("utf-8", "replace").removeprefix("#").removeprefix(" ").rstrip("\r\n"))
    return lines
