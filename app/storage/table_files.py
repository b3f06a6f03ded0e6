"""Tables as files, from Arrow batches, written as the rows come, a block of bytes at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.columns import Column, Kind
from app.domain.files import FileFormat

if TYPE_CHECKING:
    import pyarrow as pa

# Large enough for a reader to skip and compress well, small enough for tens of MB in memory.
ROW_GROUP = 131_072


@dataclass(frozen=True)
class Texts:
    """The texts of a column: bytes of the longest with all but printable ASCII escaped, and whether all are ASCII."""

    width: int
    ascii_only: bool


def blocks(
    file: FileFormat,
    batches: pa.RecordBatchReader,
    columns: tuple[Column, ...],
    facts: Mapping[str, str],
    *,
    name: str,
    texts: Mapping[str, Texts],
) -> Iterator[bytes]:
    """Yield a file that describes its columns and itself where its kind has a place for that.

    Args:
        file: the kind of file.
        batches: the rows; columns as in `columns`.
        columns: what is known about them.
        facts: what the file says of itself: `sos.version`, `sos.rows`, `sos.citation`.
        name: how FITS and VOTable call the table.
        texts: for FITS and VOTable, about each column of texts.
    """
    match file:
        case FileFormat.PARQUET:
            yield from parquet_blocks(batches, columns, facts)
        case FileFormat.ARROW:
            yield from arrow_blocks(batches, columns, facts)
        case FileFormat.FITS:
            yield from _fits_blocks(batches, columns, facts, name, texts)
        case FileFormat.VOTABLE:
            yield from _votable_blocks(batches, columns, facts, name, texts)
        case FileFormat.CSV:
            yield from _csv_blocks(batches)
        case FileFormat.JSONL:
            yield from _json_blocks(batches)


def texts_of(table: pa.Table) -> dict[str, Texts]:
    """Return what FITS and VOTable must know beforehand of the columns of a table that hold texts."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    from app.storage.fits_file import escaped  # noqa: PLC0415 - as above
    from app.storage.plain_columns import is_ascii, plain, plain_type  # noqa: PLC0415 - as above

    found: dict[str, Texts] = {}
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if plain_type(column.type) != pa.string():
            continue
        width, ascii_only = 0, True
        for values in map(plain, column.chunks):
            fits = values if is_ascii(values) else pa.array([escaped(text) for text in values.drop_null().to_pylist()])
            unprintable = pc.any(pc.match_substring_regex(fits.cast(pa.string()), "[^ -~]")).as_py()
            longest = pc.max(pc.binary_length(fits.cast(pa.string()))).as_py() or 0
            width = max(width, 4 * longest if unprintable else longest)
            ascii_only = ascii_only and is_ascii(values)
        found[name] = Texts(width, ascii_only)
    return found


def _csv_blocks(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import csv  # noqa: PLC0415 - as above

    from app.storage.plain_columns import plain, plain_type  # noqa: PLC0415 - as above

    schema = pa.schema([pa.field(field.name, plain_type(field.type)) for field in batches.schema])
    sink = Drain()
    with csv.CSVWriter(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays([plain(column) for column in batch.columns], schema=schema))
            yield sink.drained()
    yield sink.drained()


def _json_blocks(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    from app.storage.json_text import rows_as_json  # noqa: PLC0415 - as above

    for batch in batches:
        # JavaScript reads numbers as doubles, which hold 53 bits.
        decoded = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch]
        columns = [
            column.cast(pa.string()) if column.type in {pa.int64(), pa.uint64()} else column for column in decoded
        ]
        lines = rows_as_json(pa.RecordBatch.from_arrays(columns, names=batch.schema.names)).to_pylist()
        yield "".join(f"{line}\n" for line in lines).encode()


class Drain(io.RawIOBase):
    """A file that hands over what has been written to it; positions go on counting."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def tell(self) -> int:
        """Return how much has been written altogether."""
        return self._position

    def write(self, content: Any, /) -> int:
        """Keep bytes until they are drained."""
        piece = bytes(content)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def drained(self) -> bytes:
        """Return what has been written since the last time."""
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content


def parquet_blocks(
    batches: pa.RecordBatchReader, columns: tuple[Column, ...], metadata: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield a Parquet file with units and descriptions on its columns.

    Args:
        batches: the rows; columns as in `columns`.
        columns: what is known about them.
        metadata: key-value pairs for the file.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, and only this kind of file needs it

    schema = described(batches.schema, columns, metadata)
    sink = Drain()
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=with_dictionary(columns)) as writer:
        for group in _row_groups(batches, schema):
            writer.write_table(group)
            yield sink.drained()
    yield sink.drained()


def arrow_blocks(
    batches: pa.RecordBatchReader, columns: tuple[Column, ...], metadata: Mapping[str, str]
) -> Iterator[bytes]:
    """Yield an Arrow IPC stream with units and descriptions on its columns; arguments as for Parquet."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    schema = described(batches.schema, columns, metadata)
    sink = Drain()
    with pa.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
            yield sink.drained()
    yield sink.drained()


def _fits_blocks(
    batches: pa.RecordBatchReader,
    columns: tuple[Column, ...],
    facts: Mapping[str, str],
    name: str,
    texts: Mapping[str, Texts],
) -> Iterator[bytes]:
    from app.storage.fits_file import FitsField, fits_blocks  # noqa: PLC0415 - as above
    from app.storage.plain_columns import plain_type  # noqa: PLC0415 - as above

    fields = [
        FitsField(
            name=column.name,
            kind=_with_null(plain_type(field.type)),
            width=max(texts[column.name].width, 1) if column.name in texts else 1,
            unit=column.standard_unit,
            ucd=column.ucd,
            description=column.full_description or None,
        )
        for field, column in zip(batches.schema, columns, strict=True)
    ]
    cards: dict[str, tuple[str | int, str]] = {
        "ORIGIN": ("Survey of Surveys (SoS)", "who made this file"),
        "SOSVERS": (int(facts["sos.version"]), "calibration version"),
        "SOSROWS": (int(facts["sos.rows"]), "rows of the table"),
        "REFERENC": (facts["sos.citation"], ""),
    }
    yield from fits_blocks(batches, fields, table=name, rows=int(facts["sos.rows"]), facts=cards)


def _with_null(kind: pa.DataType) -> pa.DataType:
    """Return a type with a number to spare for null: FITS has none for bytes, whose 256 numbers are all values."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.int16() if kind == pa.uint8() else kind


def _votable_blocks(
    batches: pa.RecordBatchReader,
    columns: tuple[Column, ...],
    facts: Mapping[str, str],
    name: str,
    texts: Mapping[str, Texts],
) -> Iterator[bytes]:
    from app.storage.plain_columns import plain_type  # noqa: PLC0415 - as above
    from app.storage.votable_file import Field, Info, datatype_of, votable_blocks  # noqa: PLC0415 - as above

    fields = []
    for known, column in zip(batches.schema, columns, strict=True):
        ascii_only = column.name in texts and texts[column.name].ascii_only
        datatype, size = datatype_of(plain_type(known.type), ascii_only=ascii_only)
        place = "icrs" if (column.ucd or "").startswith("pos.eq.") else None
        meaning = column.full_description or None
        fields.append(Field(column.name, datatype, size, column.standard_unit, column.ucd, meaning, ref=place))
    infos = [Info("QUERY_STATUS", "OK"), *(Info(key, value) for key, value in facts.items())]
    yield from votable_blocks(batches, fields, table=name, rows=int(facts["sos.rows"]), before=infos)


def with_dictionary(columns: Iterable[Column]) -> list[str]:
    """Return which columns of a Parquet file are worth a dictionary.

    Floating point numbers hardly repeat: a dictionary of them takes twice the time and room.
    """
    return [column.name for column in columns if column.kind in {Kind.TEXT, Kind.INTEGER, Kind.OTHER}]


def described(schema: pa.Schema, columns: tuple[Column, ...], metadata: Mapping[str, str]) -> pa.Schema:
    """Return a schema with units, UCDs and descriptions on its fields, and key-value pairs of its own."""
    import pyarrow as pa  # noqa: PLC0415 - as above

    facts = ({"description": column.description, "unit": column.unit, "ucd": column.ucd} for column in columns)
    fields = [
        field.with_metadata({key: value for key, value in known.items() if value})
        for field, known in zip(schema, facts, strict=True)
    ]
    return pa.schema(fields, metadata=dict(metadata))


def _row_groups(batches: pa.RecordBatchReader, schema: pa.Schema) -> Iterator[pa.Table]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        rows += batch.num_rows
        if rows >= ROW_GROUP:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)
