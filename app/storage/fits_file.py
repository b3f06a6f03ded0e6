"""A FITS binary table, written as the rows come (FITS Standard 4.0, section 7.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from app.storage.plain_columns import is_ascii, plain

BLOCK = 2880
_ROWS = 32_768
_FORMATS = {
    pa.bool_(): ("L", "u1"),
    pa.uint8(): ("B", "u1"),
    pa.int16(): ("I", ">i2"),
    pa.int32(): ("J", ">i4"),
    pa.int64(): ("K", ">i8"),
    pa.float32(): ("E", ">f4"),
    pa.float64(): ("D", ">f8"),
}
_OUTSIDE_ASCII = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True)
class FitsField:
    """A column of a FITS table: a plain Arrow type, or lists of doubles.

    `width` is how many bytes the longest text takes, or how many numbers the longest list has; others end with NaN.
    """

    name: str
    kind: pa.DataType
    width: int = 1
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None
    xtype: str | None = None

    @property
    def listed(self) -> bool:
        """Whether a value is several numbers."""
        return bool(pa.types.is_large_list(self.kind))

    @property
    def form(self) -> str:
        """The value of TFORMn."""
        if self.listed:
            return f"{self.width}D"
        return f"{self.width}A" if self.kind == pa.string() else _FORMATS[self.kind][0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the stored bytes."""
        if self.listed:
            return np.dtype((">f8", (self.width,)))
        return np.dtype(f"S{self.width}" if self.kind == pa.string() else _FORMATS[self.kind][1])

    @property
    def null(self) -> int | None:
        """The integer that stands for null: the least of its type; 0 where there is no negative one."""
        dtype = self.dtype
        return int(np.iinfo(dtype).min) if pa.types.is_integer(self.kind) and dtype.kind == "i" else None


def fits_blocks(
    batches: Iterable[pa.RecordBatch],
    fields: Sequence[FitsField],
    *,
    table: str,
    rows: int,
    facts: Mapping[str, tuple[str | int, str]],
) -> Iterator[bytes]:
    """Yield a FITS file with one binary table.

    Args:
        batches: the rows; columns as in `fields`, of any Arrow type that these can hold.
        fields: the columns.
        table: its name (EXTNAME).
        rows: how many rows there will be.
        facts: keyword, value and comment of cards about the file, in the primary header.

    Raises:
        ValueError: there are more or fewer rows, or a text is longer than its column.
    """
    dtype = np.dtype([(f"f{place}", field.dtype) for place, field in enumerate(fields)])
    yield _headers(fields, table, rows, dtype.itemsize, facts)
    written = 0
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            block = _block(batch.slice(start, _ROWS), fields, dtype)
            written += len(block)
            yield block.tobytes()
    if written != rows:
        raise ValueError(f"the header announced {rows} rows, but {written} came")
    yield bytes(-rows * dtype.itemsize % BLOCK)


def escaped(text: str) -> str:
    r"""Return a text as FITS can hold it: every character outside of printable ASCII as `\xNN`, `\uNNNN` ..."""
    return _OUTSIDE_ASCII.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _block(batch: pa.RecordBatch, fields: Sequence[FitsField], dtype: np.dtype[Any]) -> NDArray[Any]:
    block = np.zeros(batch.num_rows, dtype)
    for place, (values, field) in enumerate(zip(batch.columns, fields, strict=True)):
        block[f"f{place}"] = _lists(values, field) if field.listed else _stored(plain(values), field)
    return block


def _stored(values: pa.Array, field: FitsField) -> NDArray[Any]:
    if field.kind == pa.string():
        return _texts(values, field)
    missing = np.asarray(values.is_null())
    if field.kind == pa.bool_():
        letters = np.where(np.asarray(values.fill_null(fill_value=False)), ord("T"), ord("F"))
        return np.where(missing, 0, letters).astype(np.uint8)
    empty: Any = float("nan") if pa.types.is_floating(field.kind) else (field.null or 0)
    values = values.cast(field.kind)
    return np.asarray(values.fill_null(pa.scalar(empty, field.kind)) if values.null_count else values)


def _lists(values: pa.Array, field: FitsField) -> NDArray[np.float64]:
    """Return lists of numbers as rows of one width (n, width)."""
    sizes = pc.list_value_length(values).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    stored = np.full((len(values), field.width), np.nan)
    stored[np.arange(field.width) < sizes[:, None]] = values.flatten().to_numpy(zero_copy_only=False)
    return stored


def _texts(values: pa.Array, field: FitsField) -> NDArray[np.bytes_]:
    if not is_ascii(values) or any(map(_OUTSIDE_ASCII.search, values.fill_null("").to_pylist())):
        values = pa.array([None if text is None else escaped(text) for text in values.to_pylist()], pa.string())
    stored = np.array(values.fill_null("").to_pylist() or [""], dtype=bytes)[: len(values)]
    if stored.itemsize > field.width:
        raise ValueError(f"column {field.name} holds a text of {stored.itemsize} bytes, its width is {field.width}")
    return stored


def _headers(
    fields: Sequence[FitsField], table: str, rows: int, width: int, facts: Mapping[str, tuple[str | int, str]]
) -> bytes:
    from astropy.io.fits import Header  # noqa: PLC0415 - half a second, for these files only

    primary = Header()
    primary["SIMPLE"] = (True, "conforms to FITS standard")
    primary["BITPIX"] = 8
    primary["NAXIS"] = 0
    primary["EXTEND"] = True
    for keyword, (value, comment) in facts.items():
        primary[keyword] = (escaped(value) if isinstance(value, str) else value, comment)
    header = Header()
    header["XTENSION"] = ("BINTABLE", "binary table extension")
    header["BITPIX"] = 8
    header["NAXIS"] = 2
    header["NAXIS1"] = (width, "bytes of a row")
    header["NAXIS2"] = (rows, "number of rows")
    header["PCOUNT"] = 0
    header["GCOUNT"] = 1
    header["TFIELDS"] = len(fields)
    header["EXTNAME"] = table
    header["RADESYS"] = "ICRS"
    for number, field in enumerate(fields, start=1):
        if field.null is not None:
            header[f"TNULL{number}"] = field.null
        texts = {"TYPE": field.name, "FORM": field.form, "UNIT": field.unit, "UCD": field.ucd, "XTYP": field.xtype}
        for key, text in {**texts, "COMM": field.description}.items():
            if text is not None:
                header[f"T{key}{number}"] = escaped(text)
    written: str = primary.tostring() + header.tostring()
    return written.encode("ascii")
