"""Writers that put a table's rows into a file as they come, in memory that does not grow with the table."""

from __future__ import annotations

import binascii
import gzip
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, cast
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from pyarrow import csv

from app.science.mock.tables.columns import Column

Columns = Mapping[str, npt.NDArray[Any]]

_FITS_BLOCK = 2880
_FITS_FORMATS = {"i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}
_VOTABLE_TYPES = {"i2": "short", "i4": "int", "i8": "long", "f4": "float", "f8": "double"}
_ECSV_TYPES = {"i2": "int16", "i4": "int32", "i8": "int64", "f4": "float32", "f8": "float64"}
_ARROW_TYPES = {
    "i2": pa.int16(),
    "i4": pa.int32(),
    "i8": pa.int64(),
    "f4": pa.float32(),
    "f8": pa.float64(),
    "?": pa.bool_(),
}
_BASE64_LINE = 48 * 1024


class TableWriter(Protocol):
    """Something that takes rows, column by column, and finishes a file."""

    def write(self, rows: Columns) -> None:
        """Append rows."""

    def close(self) -> None:
        """Finish the file."""


def open_writer(path: Path, file_format: str, columns: Sequence[Column]) -> TableWriter:
    """Start a file: fits, csv, csv.gz, ecsv, votable or parquet."""
    writers: dict[str, Callable[[Path, Sequence[Column]], TableWriter]] = {
        "fits": FitsWriter,
        "csv": CsvWriter,
        "csv.gz": GzipCsvWriter,
        "ecsv": EcsvWriter,
        "votable": VotableWriter,
        "parquet": ParquetWriter,
    }
    return writers[file_format](path, columns)


class FitsWriter:
    """A binary table in HDU 1; its row count goes into the header at the end."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._rows = 0
        table = fits.BinTableHDU.from_columns(
            [fits.Column(name=c.name, format=_fits_format(c), unit=_fits_unit(c)) for c in columns], nrows=0
        )
        for i, column in enumerate(columns, start=1):
            table.header.comments[f"TTYPE{i}"] = column.description[:47]
        self._header = table.header
        self._dtype = np.dtype([(c.name, _big_endian(c)) for c in columns])
        self._file = path.open("wb")
        self._file.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        self._table_start = self._file.tell()
        self._file.write(self._header.tostring().encode("ascii"))

    def write(self, rows: Columns) -> None:
        """Append rows."""
        packed = _packed(rows, self._dtype)
        self._rows += len(packed)
        self._file.write(packed.tobytes())

    def close(self) -> None:
        """Fill the last block and write the row count into the header."""
        self._file.write(b"\0" * (-self._rows * self._dtype.itemsize % _FITS_BLOCK))
        self._header["NAXIS2"] = self._rows
        self._file.seek(self._table_start)
        self._file.write(self._header.tostring().encode("ascii"))
        self._file.close()


class ParquetWriter:
    """A row group for each call; units and descriptions in the fields' metadata."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = _arrow_schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Columns) -> None:
        """Append rows."""
        self._writer.write_table(_arrow_table(rows, self._columns, self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


class CsvWriter:
    """Comma-separated text with a header line; missing values are empty."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._schema = _arrow_schema(columns)
        self._file = self._open(path)
        self._file.write(self._preamble() + (",".join(c.name for c in columns) + "\n").encode())

    def _open(self, path: Path) -> IO[bytes]:
        return path.open("wb")

    def _preamble(self) -> bytes:
        return b""

    def write(self, rows: Columns) -> None:
        """Append rows."""
        sink = pa.BufferOutputStream()
        options = csv.WriteOptions(include_header=False, quoting_style="needed")
        csv.write_csv(_arrow_table(rows, self._columns, self._schema), sink, options)
        self._file.write(sink.getvalue())

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class GzipCsvWriter(CsvWriter):
    """Compressed comma-separated text, without the time of writing, so that the same rows give the same bytes."""

    def _open(self, path: Path) -> IO[bytes]:
        return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=3, mtime=0))


class EcsvWriter(CsvWriter):
    """Enhanced CSV 1.0: types, units and descriptions as YAML in front of comma-separated text (APE 6)."""

    def _preamble(self) -> bytes:
        lines = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:"]
        lines += [f"# - {{{_ecsv_column(column)}}}" for column in self._columns]
        return ("\n".join([*lines, "# schema: astropy-2.0"]) + "\n").encode()


class VotableWriter:
    """VOTable 1.4 with a BINARY2 stream, as archives' TAP services answer."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._flag_bytes = (len(columns) + 7) // 8
        fields = [(c.name, _big_endian(c)) for c in columns]
        self._dtype = np.dtype([("", "u1", (self._flag_bytes,)), *fields])
        self._rest = b""
        self._file = path.open("wb")
        self._file.write(_votable_head(columns).encode())

    def write(self, rows: Columns) -> None:
        """Append rows."""
        packed = _packed(rows, self._dtype)
        for i, column in enumerate(self._columns):
            if column.null is not None:
                packed["f0"][:, i // 8] |= np.where(rows[column.name] == column.null, 0x80 >> i % 8, 0).astype(np.uint8)
        self._encode(packed.tobytes())

    def _encode(self, data: bytes) -> None:
        """Write whole lines and hold back the rest, so that the text does not depend on how the rows came."""
        data = self._rest + data
        whole = len(data) // _BASE64_LINE * _BASE64_LINE
        self._rest = data[whole:]
        for start in range(0, whole, _BASE64_LINE):
            self._file.write(binascii.b2a_base64(data[start : start + _BASE64_LINE]))

    def close(self) -> None:
        """End the stream and the document."""
        self._file.write(binascii.b2a_base64(self._rest) if self._rest else b"")
        self._file.write(b"</STREAM></BINARY2></DATA></TABLE></RESOURCE></VOTABLE>\n")
        self._file.close()


def _votable_head(columns: Sequence[Column]) -> str:
    fields = "\n".join(_votable_field(column) for column in columns)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        '<RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>\n'
        f'<TABLE>\n{fields}\n<DATA><BINARY2><STREAM encoding="base64">\n'
    )


def _votable_field(column: Column) -> str:
    kind = column.kind
    datatype = f'"char" arraysize="{kind[1:]}"' if kind.startswith("S") else f'"{_VOTABLE_TYPES[kind]}"'
    unit = f" unit={quoteattr(column.unit)}" if column.unit else ""
    null = f'<VALUES null="{column.null}"/>' if column.null is not None else ""
    text = column.description.replace("&", "&amp;").replace("<", "&lt;")
    name = quoteattr(column.name)
    return f"<FIELD name={name} datatype={datatype}{unit}><DESCRIPTION>{text}</DESCRIPTION>{null}</FIELD>"


def _ecsv_column(column: Column) -> str:
    kind = "string" if column.kind.startswith("S") else _ECSV_TYPES[column.kind]
    unit = f"unit: {column.unit}, " if column.unit else ""
    text = column.description.replace("'", "''")
    return f"name: {column.name}, {unit}datatype: {kind}, description: '{text}'"


def _fits_format(column: Column) -> str:
    return f"{column.kind[1:]}A" if column.kind.startswith("S") else _FITS_FORMATS[column.kind]


def _fits_unit(column: Column) -> str | None:
    """The FITS standard has no dex."""
    return column.unit if column.unit not in {"", "dex"} else None


def _big_endian(column: Column) -> str:
    return column.kind if column.kind.startswith("S") else f">{column.kind}"


def _packed(rows: Columns, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    names = [name for name in dtype.names or () if name in rows]
    packed = np.zeros(len(rows[names[0]]), dtype=dtype)
    for name in names:
        packed[name] = rows[name]
    return packed


def _arrow_schema(columns: Sequence[Column]) -> Any:
    return pa.schema(
        [
            pa.field(
                c.name, _ARROW_TYPES.get(c.kind, pa.string()), metadata={"unit": c.unit, "description": c.description}
            )
            for c in columns
        ]
    )


def _arrow_table(rows: Columns, columns: Sequence[Column], schema: Any) -> Any:
    return pa.Table.from_arrays([_arrow_array(rows[column.name], column) for column in columns], schema=schema)


def _arrow_array(values: npt.NDArray[Any], column: Column) -> Any:
    if column.kind.startswith("S"):
        return _arrow_text(values)
    missing = (
        np.isnan(values) if values.dtype.kind == "f" else values == column.null if column.null is not None else None
    )
    return pa.array(values.astype(column.kind), mask=missing)


def _arrow_text(values: npt.NDArray[Any]) -> Any:
    """Texts as an Arrow array straight from their bytes: no Python string is made."""
    characters = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.dtype.itemsize)
    used = characters != 0
    offsets = np.zeros(len(values) + 1, dtype=np.int32)
    np.cumsum(used.sum(axis=1), out=offsets[1:])
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(characters[used]))
