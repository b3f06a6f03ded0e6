"""FITS binary tables, read row block by row block (FITS Standard 4.0, section 7.3).

astropy reads the headers. The rows are read by offset: astropy's own table maps the whole file, whose pages then count
as memory in use.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from astropy.io import fits
from numpy.typing import NDArray

from app.domain.errors import TableError
from app.pipeline.readers.fits_columns import FitsColumn, fits_column, stored_dtype
from app.pipeline.readers.source import is_gzip, open_bytes
from app.pipeline.readers.table import SurveyTable, make_field, rows_within

_SAYS_NOTHING = re.compile(
    r"\s*((label|name|title)( for| of)?( the)? ?)?(field|column)?( name)?\s*\d*\s*$", re.IGNORECASE
)


@dataclass(frozen=True)
class _Layout:
    """Where the rows of one extension lie in the uncompressed file."""

    offset: int
    rows: int
    dtype: np.dtype[Any]
    heap: int


def read_fits(path: Path, *, table: int | str | None = None) -> SurveyTable:
    """Open a binary table of a FITS file: by extension number or name, or the first one.

    Raises:
        TableError: there is no such table, or the file is shorter than its header says.
    """
    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as hdus:
            # Files that end early, and headers that bend the standard, are judged below.
            warnings.simplefilter("ignore")
            hdu = _choose(path.name, hdus, table)
            columns = [fits_column(path.name, column) for column in hdu.columns]
            layout = _layout(path, hdu)
            said = [_said(hdu.header, number) for number in range(1, len(columns) + 1)]
    except (OSError, EOFError, fits.VerifyError) as error:
        raise TableError(path.name, f"is not a readable FITS file: {error}") from error
    _check_length(path, layout)
    described = zip(columns, said, strict=True)
    schema = pa.schema([make_field(column.name, column.kind, column.unit, *words) for column, words in described])
    return SurveyTable(path.name, "FITS", schema, layout.rows, lambda rows: _read(path, layout, columns, schema, rows))


def _choose(file: str, hdus: fits.HDUList, table: int | str | None) -> Any:
    seen = []
    for number, hdu in enumerate(hdus):  # one by one: looking further means reading on, through gzip too
        if not isinstance(hdu, fits.BinTableHDU):
            continue
        if table is None or table in {number, hdu.name}:
            return hdu
        seen.append(f"{number} {hdu.name}".strip())
    wanted = "" if table is None else f" {table!r}"
    raise TableError(file, f"has no binary table{wanted}; extensions with one: {', '.join(seen) or 'none'}")


def _said(header: Any, number: int) -> tuple[str | None, str | None]:
    """Return the UCD of a column and what is said of it: TCOMMn, or else the comment behind its name.

    Programs that write FITS put something of their own there where they are told nothing.
    """
    behind = str(header.comments[f"TTYPE{number}"]) if f"TTYPE{number}" in header else ""
    meaning = header.get(f"TCOMM{number}") or ("" if _SAYS_NOTHING.match(behind) else behind)
    return header.get(f"TUCD{number}"), str(meaning) or None


def _layout(path: Path, hdu: Any) -> _Layout:
    header = hdu.header
    width, rows = header["NAXIS1"], header["NAXIS2"]
    names, formats, offsets, at = [], [], [], 0
    for number, column in enumerate(hdu.columns):
        kind = stored_dtype(path.name, column)
        names.append(f"f{number}")
        formats.append(kind)
        offsets.append(at)
        at += kind.itemsize
    if at > width:
        raise TableError(path.name, f"its columns take {at} bytes, its rows {width}")
    dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": width})
    offset = hdu.fileinfo()["datLoc"]
    return _Layout(offset, rows, dtype, offset + header.get("THEAP", width * rows))


def _check_length(path: Path, layout: _Layout) -> None:
    if is_gzip(path):
        return
    held = (path.stat().st_size - layout.offset) // max(layout.dtype.itemsize, 1)
    if held < layout.rows:
        raise TableError(path.name, f"is truncated: its header announces {layout.rows} rows, it holds {max(held, 0)}")


def _read(
    path: Path, layout: _Layout, columns: list[FitsColumn], schema: pa.Schema, rows: int
) -> Iterator[pa.RecordBatch]:
    rows = rows_within(layout.dtype.itemsize, rows)
    with open_bytes(path) as source:
        _skip(source, layout.offset)
        for start in range(0, layout.rows, rows):
            count = min(rows, layout.rows - start)
            block = _read_rows(path.name, source, layout.dtype, start, count)
            arrays = [
                column.gather(path, layout.heap, block[f"f{i}"]) if column.in_heap else column.convert(block[f"f{i}"])
                for i, column in enumerate(columns)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _skip(source: IO[bytes], count: int) -> None:
    while count > 0 and (block := source.read(min(count, 1 << 20))):
        count -= len(block)


def _read_rows(file: str, source: IO[bytes], dtype: np.dtype[Any], start: int, count: int) -> NDArray[Any]:
    try:
        data = source.read(count * dtype.itemsize)
    except (EOFError, OSError) as error:
        raise TableError(file, f"is truncated or damaged: {error}", row=start + 1) from error
    if len(data) < count * dtype.itemsize:
        raise TableError(file, "is truncated: it ends here", row=start + len(data) // dtype.itemsize + 1)
    return np.frombuffer(data, dtype)
