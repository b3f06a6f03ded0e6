"""VOTable 1.1 to 1.5, streamed: TABLEDATA, BINARY and BINARY2 (IVOA recommendation "VOTable Format Definition")."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

import pyarrow as pa

from app.domain.errors import TableError
from app.pipeline.readers.source import open_bytes
from app.pipeline.readers.table import SurveyTable, make_field
from app.pipeline.readers.votable_binary import BinaryRows
from app.pipeline.readers.votable_fields import Field, from_texts

_BLOCK = 1 << 20
_CELLS = 500_000


def read_votable(path: Path, *, table: int | str | None = None) -> SurveyTable:
    """Open a table of a VOTable: by number (from 1), name or ID, or the first one.

    Raises:
        TableError: the XML is damaged, there is no such table, or its data are FITS or elsewhere.
    """
    with closing(_events(path, table)) as events:
        fields = next(events, None)
    if not isinstance(fields, list):
        raise TableError(path.name, f"has no table {'' if table is None else repr(table)}".rstrip())
    schema = pa.schema(
        [make_field(field.name, field.arrow_type(), field.unit, field.ucd, field.description) for field in fields]
    )
    return SurveyTable(path.name, "VOTable", schema, None, lambda rows: _read(path, table, schema, rows))


def _read(path: Path, table: int | str | None, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    with closing(_events(path, table)) as events:
        fields = next(events)
        assert isinstance(fields, list)
        reader: _TextRows | BinaryRows | None = None
        for event in events:
            if isinstance(event, str):
                reader = _TextRows(path.name, fields) if event == "TABLEDATA" else BinaryRows(path.name, fields, event)
            elif reader is not None:
                yield from (_batch(arrays, schema) for arrays in reader.take(event, rows))
        if reader is not None:
            yield from (_batch(arrays, schema) for arrays in reader.rest())


def _batch(arrays: list[pa.Array], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


class _TextRows:
    """Cells of TABLEDATA, collected until they make a batch."""

    def __init__(self, file: str, fields: list[Field]) -> None:
        self.file, self.fields = file, fields
        self.cells: list[str | None] = []
        self.before = 0

    def take(self, event: object, rows: int) -> Iterator[list[pa.Array]]:
        """Add one row's cells and yield the columns of a full batch."""
        assert isinstance(event, tuple)
        width = len(self.fields)
        if len(event) != width:
            row = self.before + len(self.cells) // width + 1
            raise TableError(self.file, f"has {len(event)} cells where {width} columns are declared", row=row)
        self.cells += event
        if len(self.cells) >= min(rows * width, _CELLS):
            yield self._columns()

    def rest(self) -> Iterator[list[pa.Array]]:
        """Yield what is left at the end of the table."""
        if self.cells:
            yield self._columns()

    def _columns(self) -> list[pa.Array]:
        width = len(self.fields)
        first = self.before + 1
        columns = [
            from_texts(self.file, field, self.cells[i::width], first_row=first) for i, field in enumerate(self.fields)
        ]
        self.before += len(self.cells) // width
        self.cells = []
        return columns


def _events(path: Path, table: int | str | None) -> Generator[object]:
    """Yield the fields of a table (list), how its data are written (str), then rows (tuple) or base64 (bytes)."""
    handler = _Handler(path.name, table)
    try:
        with open_bytes(path) as source:
            while not handler.done and (block := source.read(_BLOCK)):
                handler.parser.Parse(block, False)
                yield from handler.drain()
            if not handler.done:
                handler.parser.Parse(b"", True)
                yield from handler.drain()
    except expat.ExpatError as error:
        raise TableError(path.name, f"is truncated or no well-formed VOTable: {error}") from error
    except (EOFError, OSError) as error:
        raise TableError(path.name, f"is truncated or damaged: {error}") from error


class _Handler:
    """The few elements of a VOTable that matter; everything else is skipped."""

    def __init__(self, file: str, table: int | str | None) -> None:
        self.file, self.wanted = file, table
        self.tables = 0
        self.inside = self.announced = self.stream = self.done = self.in_field = False
        self.fields: list[Field] = []
        self.events: list[object] = []
        self.row: list[str | None] = []
        self.text: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=None)
        self.parser.buffer_text = True
        self.parser.buffer_size = _BLOCK
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def drain(self) -> list[object]:
        """Return the events since the last call."""
        events, self.events = self.events, []
        return events

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "TD" and self.inside:
            self.text = []
        elif tag == "TR" and self.inside:
            self.row = []
        elif start := self._STARTS.get(tag):
            start(self, attributes)

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if not self.inside:
            return
        if tag == "TD" and self.text is not None:
            self.row.append("".join(self.text))
            self.text = None
        elif tag == "TR":
            self.events.append(tuple(self.row))
        elif tag == "STREAM":
            self.text = None
        elif tag == "FIELD":
            self.in_field = False
        elif tag == "DESCRIPTION" and self.in_field and self.text is not None:
            self.fields[-1] = self.fields[-1].with_description("".join(self.text))
            self.text = None
        elif tag == "TABLE":
            if not self.announced:
                self.events.append(self.fields)
            self.inside, self.done = False, True

    def _characters(self, data: str) -> None:
        if self.text is not None:
            if self.stream:
                self.events.append(data.encode("ascii", "replace"))
            else:
                self.text.append(data)

    def _start_table(self, attributes: dict[str, str]) -> None:
        self.tables += 1
        names = {self.tables, attributes.get("name"), attributes.get("ID")}
        self.inside = not self.done and (self.wanted is None or self.wanted in names)
        self.fields = []

    def _start_field(self, attributes: dict[str, str]) -> None:
        if self.inside:
            self.fields.append(Field.parse(self.file, attributes))
            self.in_field = True

    def _start_description(self, _: dict[str, str]) -> None:
        if self.inside and self.in_field and not self.announced:
            self.text = []

    def _start_values(self, attributes: dict[str, str]) -> None:
        if self.inside and self.fields and "null" in attributes and not self.announced:
            self.fields[-1] = self.fields[-1].with_null(attributes["null"])

    def _start_data(self, _: dict[str, str]) -> None:
        if self.inside:
            self.announced = True
            self.events.append(self.fields)

    def _start_form(self, form: str) -> None:
        if self.inside:
            self.events.append(form)

    def _start_stream(self, attributes: dict[str, str]) -> None:
        if not self.inside:
            return
        if "href" in attributes or attributes.get("encoding", "base64") != "base64":
            raise TableError(self.file, "its rows are not in the file as base64: save it as TABLEDATA or BINARY2")
        self.stream, self.text = True, []

    def _refuse_fits(self, _: dict[str, str]) -> None:
        if self.inside:
            raise TableError(self.file, "holds its rows as FITS: give the FITS file itself")

    _STARTS: ClassVar[dict[str, Callable[[_Handler, dict[str, str]], None]]] = {
        "TABLE": _start_table,
        "FIELD": _start_field,
        "DESCRIPTION": _start_description,
        "VALUES": _start_values,
        "DATA": _start_data,
        "TABLEDATA": lambda self, _: self._start_form("TABLEDATA"),
        "BINARY": lambda self, _: self._start_form("BINARY"),
        "BINARY2": lambda self, _: self._start_form("BINARY2"),
        "STREAM": _start_stream,
        "FITS": _refuse_fits,
    }
