"""Answers as FITS binary tables: their headers say how many rows there are and how long texts get, so all rows wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from app.domain.columns import Column, Kind
from app.domain.errors import QueryError
from app.domain.fields import Datatype, Field
from app.vo.limits import Limited
from app.vo.votable import CITATION, Facts

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA_TYPE = "application/fits"
LARGEST_WAITING = 8 << 30


def table(fields: tuple[Field, ...], rows: Limited, facts: Facts) -> Iterator[bytes]:
    r"""Yield a FITS file, once the last row has come; until then the rows wait in a file, not in memory.

    A text is as `\xe9` where it is not ASCII. A polygon with fewer corners than another ends with NaN.

    Raises:
        QueryError: the rows take more than 8 GiB.
    """
    import pyarrow as pa  # noqa: PLC0415 - takes half a second, and BINARY2 does without it

    from app.storage.fits_file import fits_blocks  # noqa: PLC0415 - with it

    with TemporaryFile(prefix="sos-fits-") as waiting:
        schema = pa.schema([pa.field(one.name, _type(one)) for one in fields])
        widths = dict.fromkeys(range(len(fields)), 1)
        with pa.ipc.new_stream(waiting, schema) as writer:
            for batch in _batches(schema, fields, rows):
                widths = {place: max(width, _width(batch.column(place))) for place, width in widths.items()}
                writer.write_batch(batch)
                if waiting.tell() > LARGEST_WAITING:
                    raise QueryError("the answer is larger than 8 GiB: ask for less, or for a VOTable or CSV")
        waiting.seek(0)
        described = [_field(one, schema.field(place).type, widths[place]) for place, one in enumerate(fields)]
        yield from fits_blocks(
            pa.ipc.open_stream(waiting), described, table="result", rows=rows.taken, facts=_cards(rows, facts)
        )


def _batches(schema: pa.Schema, fields: tuple[Field, ...], rows: Limited) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    from app.vo.cells import columns  # noqa: PLC0415 - with it

    for block in rows:
        arrays = [_in_ascii(column) for column in columns(fields, block)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _in_ascii(values: pa.Array) -> pa.Array:
    """Return a column whose texts are as FITS can hold them."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    from app.storage.fits_file import escaped  # noqa: PLC0415 - as above

    if not pa.types.is_large_string(values.type):
        return values
    if pc.any(pc.match_substring_regex(values, "[^ -~]")).as_py():
        values = pa.array([None if text is None else escaped(text) for text in values.to_pylist()])
    return values.cast(pa.string())


def _width(values: pa.Array) -> int:
    """Return how many characters or numbers the longest value has."""
    import pyarrow as pa  # noqa: PLC0415 - as above
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    if pa.types.is_string(values.type):
        return pc.max(pc.binary_length(values)).as_py() or 0
    return (pc.max(pc.list_value_length(values)).as_py() or 0) if pa.types.is_large_list(values.type) else 1


def _type(column: Field) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - as above

    if column.is_shape:
        return pa.large_list(pa.float64())
    kinds = {
        Datatype.BOOLEAN: pa.bool_(),
        Datatype.SHORT: pa.int16(),
        Datatype.INT: pa.int32(),
        Datatype.LONG: pa.int64(),
        Datatype.FLOAT: pa.float32(),
        Datatype.DOUBLE: pa.float64(),
    }
    return pa.string() if column.datatype is None else kinds.get(column.datatype, pa.string())


def _field(column: Field, kind: Any, width: int) -> Any:
    from app.storage.fits_file import FitsField  # noqa: PLC0415 - as above

    size = int(column.arraysize) if column.is_shape and column.arraysize != "*" and column.arraysize else width
    described = Column(column.name, Kind.OTHER, column.description or "", column.unit)
    meaning = described.full_description.strip() or None
    return FitsField(column.name, kind, size, described.standard_unit, column.ucd, meaning, column.xtype)


def _cards(rows: Limited, facts: Facts) -> Mapping[str, tuple[str | int, str]]:
    cards: Iterable[tuple[str, tuple[str | int, str]]] = (
        ("ORIGIN", ("Survey of Surveys (SoS)", "who made this file")),
        ("SOSVERS", (facts.version or 0, "calibration version")),
        ("SOSROWS", (rows.taken, "rows of the table")),
        ("SOSOVER", (rows.overflow, "whether there are more rows (MAXREC)")),
        ("REFERENC", (CITATION, "")),
    )
    return dict(cards)
