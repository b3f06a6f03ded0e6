"""CSV and its relatives with other separators (tab, |, ;), streamed.

The type of a column has to hold for every row, not only for the first ones: it is guessed from the start of the file
and proved, or widened, by one pass over all rows before any is handed out. That pass also finds ragged rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from csv import reader
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from app.domain.errors import TableError
from app.pipeline.readers.source import first_bytes, is_gzip
from app.pipeline.readers.table import SurveyTable, make_field, unique_names

_BLOCK = 4 << 20
_START = 1 << 16
_FIRST = 100
_NULLS = ("", "null", "NULL")
_UNFIT = re.compile(r"In CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to [^:]+: (.*)", re.DOTALL)
_ROW = re.compile(r"Row #(\d+)")
_ROW_PREFIX = re.compile(r"^(CSV parse error: )?(Row #\d+: )?")
_WIDER = {pa.int64(): pa.float64(), pa.float64(): pa.string(), pa.bool_(): pa.string()}


@dataclass(frozen=True)
class Dialect:
    """How a text table is written: separator, lines before the rows, columns with types, units and meanings, nulls."""

    delimiter: str
    skip_lines: int
    names: tuple[str, ...]
    types: Mapping[str, pa.DataType]
    nulls: tuple[str, ...]
    units: Mapping[str, str]
    descriptions: Mapping[str, str] = field(default_factory=dict)


def read_delimited(path: Path, *, text_columns: Collection[str] = (), missing: Collection[str] = ()) -> SurveyTable:
    """Open a CSV file whose first line names the columns.

    Args:
        path: the file.
        text_columns: columns to keep as text, whatever they look like.
        missing: texts that mean "no value", besides empty and null.

    Raises:
        TableError: a row has another number of values than the header, or the file is damaged.
    """
    skipped, header, delimiter = _header(path)
    names = tuple(name.strip().lstrip("#").strip() for name in next(reader([header], delimiter=delimiter)))
    types = dict.fromkeys(unique_names(path.name, names), pa.string())
    dialect = Dialect(delimiter, skipped + 1, names, types, (*_NULLS, *missing), {})
    sample = pa.Table.from_batches([next(_batches(path, dialect), _no_rows(names))])
    guessed = {name: pa.string() if name in text_columns else _guess(sample[name]) for name in names}
    return proved(path, replace(dialect, types=guessed), "CSV")


def _header(path: Path) -> tuple[int, str, str]:
    """Return how many lines of comment there are, the line of names behind them, and the separator.

    Where numbers follow the lines that begin with `#`, the last of these has the names, as in `#obsid|ra|dec`.
    """
    try:
        lines = first_bytes(path, _START).decode("utf-8-sig", "replace").splitlines()
    except (OSError, EOFError) as error:
        raise TableError(path.name, f"is truncated or damaged: {error}") from error
    comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    body = lines[min(comments, len(lines) - 1)]
    delimiter = max(",\t|;", key=body.count)
    named_by_comment = comments > 0 and any(_is_number(value) for value in body.split(delimiter))
    place = comments - 1 if named_by_comment or comments == len(lines) else comments
    return place, lines[place], delimiter


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def proved(path: Path, dialect: Dialect, form: str) -> SurveyTable:
    """Return the table after one pass over its rows that widens the types of columns where a value does not fit.

    Raises:
        TableError: as `read_delimited`.
    """
    while True:
        try:
            rows = sum(batch.num_rows for batch in _batches(path, dialect))
        except _UnfitError as unfit:
            dialect = replace(dialect, types={**dialect.types, unfit.column: unfit.wider(dialect)})
        else:
            break
    fields = [
        make_field(name, dialect.types[name], dialect.units.get(name), None, dialect.descriptions.get(name))
        for name in dialect.names
    ]
    return SurveyTable(path.name, form, pa.schema(fields), rows, lambda _: _named(path, dialect, pa.schema(fields)))


class _UnfitError(Exception):
    """A value does not have the type of its column."""

    def __init__(self, column: str, value: str) -> None:
        super().__init__(column, value)
        self.column, self.value = column, value

    def wider(self, dialect: Dialect) -> pa.DataType:
        """Return the type to try next; a number of too many digits is an identifier, not a float."""
        if re.search(r"'[+-]?\d+'", self.value):
            return pa.string()
        return _WIDER.get(dialect.types[self.column], pa.string())


def _named(path: Path, dialect: Dialect, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in _batches(path, dialect):
        yield pa.RecordBatch.from_arrays(batch.columns, schema=schema)


def _batches(path: Path, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    try:
        with pa.input_stream(str(path), compression="gzip" if is_gzip(path) else None) as stream:
            yield from _open(stream, dialect)
    except pa.ArrowInvalid as error:
        raise _translated(path.name, dialect, str(error)) from error
    except (OSError, EOFError) as error:
        raise TableError(path.name, f"is truncated or damaged: {error}") from error


def _open(stream: IO[bytes], dialect: Dialect) -> csv.CSVStreamingReader:
    return csv.open_csv(
        stream,
        read_options=csv.ReadOptions(
            use_threads=False, block_size=_BLOCK, column_names=list(dialect.names), skip_rows=dialect.skip_lines
        ),
        parse_options=csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict(dialect.types), null_values=list(dialect.nulls), strings_can_be_null=True
        ),
    )


def _translated(file: str, dialect: Dialect, message: str) -> Exception:
    unfit = _UNFIT.search(message)
    if unfit:
        name = dialect.names[int(unfit[1])]
        if pa.types.is_string(dialect.types[name]):
            return TableError(file, f"is not UTF-8 text: {unfit[3]}", column=name)
        return _UnfitError(name, unfit[3])
    row = _ROW.search(message)
    problem = _ROW_PREFIX.sub("", message)
    return TableError(file, problem, row=int(row[1]) - dialect.skip_lines if row else None)


def _no_rows(names: tuple[str, ...]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], pa.string())] * len(names), names=list(names))


def _guess(values: pa.ChunkedArray) -> pa.DataType:
    """Return the narrowest type for texts; digits behind a leading zero are a code, not a number.

    Nor are 16 digits and more that do not all fit into 64 bits, or stand among other numbers: a float would round them.
    """
    given = values.drop_null()
    if pc.any(pc.match_substring_regex(given, r"^[+-]?0[0-9]")).as_py():
        return pa.string()
    if len(given) and pc.all(pc.is_in(given, pa.array(["true", "false", "True", "False", "TRUE", "FALSE"]))).as_py():
        return pa.bool_()
    # What does not fit among the first fits nowhere; Arrow makes a message for every value that does not.
    if _fits(given[:_FIRST], pa.int64()) and _fits(given, pa.int64()):
        return pa.int64()
    if not _fits(given[:_FIRST], pa.float64()) or not _fits(given, pa.float64()):
        return pa.string()
    too_long = pc.any(pc.match_substring_regex(given, r"^[+-]?[0-9]{16,}$")).as_py()
    return pa.string() if too_long else pa.float64()


def _fits(values: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
