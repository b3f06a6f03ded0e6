"""VOTable 1.4: answers of any length as they come, and errors."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from xml.sax.saxutils import escape, quoteattr

from app.domain.errors import SosError
from app.domain.fields import Field
from app.vo.limits import Limited

if TYPE_CHECKING:
    from app.storage.binary_copy import Tuples

MEDIA_TYPE = "application/x-votable+xml"
CITATION = "A product built on SoS cites the surveys that it combines: sos.survey names the papers."
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://www.ivoa.net/xml/VOTable/v1.3 http://www.ivoa.net/xml/VOTable/v1.3">
"""
_RESOURCE = '<RESOURCE type="results">\n'
_END = "</RESOURCE>\n</VOTABLE>\n"
_LINE_BYTES = 3 * 16_384  # a line of BASE64 ends on whole groups of three bytes
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_NUMBERS = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}
_NOWHERE = {"2": "NaN NaN", "3": "NaN NaN NaN"}  # an array of so many numbers is never empty


Writer: TypeAlias = "Callable[[tuple[Field, ...], Iterable[Tuples]], Iterator[bytes]]"


@dataclass(frozen=True)
class Facts:
    """What an answer says of itself: `version` it is from, and names with values as INFO."""

    version: int | None
    infos: Mapping[str, str] = field(default_factory=dict)


def binary2(fields: tuple[Field, ...], rows: Limited, facts: Facts) -> Iterator[bytes]:
    """Yield a VOTable with its rows in BINARY2; the first piece comes when the first rows are there.

    An error on the way is told after the rows: they have been sent by then.
    """
    return _table(fields, rows, facts, ('<BINARY2><STREAM encoding="base64">\n', "\n</STREAM></BINARY2>"), _encoded)


def tabledata(fields: tuple[Field, ...], rows: Limited, facts: Facts) -> Iterator[bytes]:
    """Yield a VOTable with its rows as text, for people and small answers; otherwise as `binary2`."""
    return _table(fields, rows, facts, ("<TABLEDATA>\n", "</TABLEDATA>"), _written)


def error(problem: str) -> bytes:
    """Return the VOTable that says what went wrong."""
    # The second one is what a cone search says (SCS 1.03).
    status = info("QUERY_STATUS", "ERROR", problem) + info("Error", problem)
    return f"{_HEAD}{_RESOURCE}{status}{_END}".encode()


def info(name: str, value: str, text: str = "") -> str:
    """Return an INFO element."""
    return f"<INFO name={quoteattr(name)} value={quoteattr(clean(value))}>{escape(clean(text))}</INFO>\n"


def field_element(column: Field, tag: str = "FIELD", extra: str = "") -> str:
    """Return what describes a column."""
    assert column.datatype is not None, "the columns of an answer have types"
    known = {"arraysize": column.arraysize, "unit": column.unit, "ucd": column.ucd, "xtype": column.xtype}
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in known.items() if value)
    start = f"<{tag} name={quoteattr(clean(column.name))} datatype={quoteattr(column.datatype)}{attributes}{extra}"
    if not column.description:
        return f"{start}/>\n"
    return f"{start}><DESCRIPTION>{escape(clean(column.description))}</DESCRIPTION></{tag}>\n"


def _table(
    fields: tuple[Field, ...],
    rows: Limited,
    facts: Facts,
    around: tuple[str, str],
    write: Writer,
) -> Iterator[bytes]:
    pieces = write(fields, rows)
    first = next(pieces, b"")
    infos = {"sos_version": str(facts.version), **facts.infos} if facts.version is not None else facts.infos
    yield "".join(
        [
            _HEAD,
            _RESOURCE,
            info("QUERY_STATUS", "OK"),
            *(info(name, value) for name, value in infos.items()),
            info("citation", CITATION),
            "<TABLE>\n",
            *map(field_element, fields),
            "<DATA>",
            around[0],
        ]
    ).encode()
    status = ""
    try:
        yield first
        yield from pieces
    except SosError as problem:
        status = info("QUERY_STATUS", "ERROR", str(problem))
    if rows.overflow:
        status = info("QUERY_STATUS", "OVERFLOW", "there are more rows than were asked for (MAXREC)")
    yield f"{around[1]}</DATA>\n</TABLE>\n{status}{_END}".encode()


def _encoded(fields: tuple[Field, ...], rows: Iterable[Tuples]) -> Iterator[bytes]:
    from app.vo.binary2 import encode  # noqa: PLC0415 - compiled code, for which no process waits at its start

    rest = b""
    for block in rows:
        content = rest + encode(fields, block).tobytes()
        whole = len(content) - len(content) % _LINE_BYTES
        rest = content[whole:]
        yield b"".join(b2a_base64(content[at : at + _LINE_BYTES]) for at in range(0, whole, _LINE_BYTES))
    yield b2a_base64(rest) if rest else b""


def _written(fields: tuple[Field, ...], rows: Iterable[Tuples]) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - takes half a second, and BINARY2 does without it

    from app.vo.cells import columns, written  # noqa: PLC0415 - with it

    for block in rows:
        cells = []
        for one, column in zip(fields, columns(fields, block), strict=True):
            texts = written(column).cast(pa.large_string()).to_pylist()
            if one.is_shape:
                cells.append([_NOWHERE.get(one.arraysize or "") if text is None else _shape(text) for text in texts])
            elif pa.types.is_floating(column.type):
                cells.append([_NUMBERS.get(text, text) for text in texts])
            else:
                cells.append([None if text is None else escape(clean(text)) for text in texts])
        lines = (
            "".join("<TD/>" if text is None else f"<TD>{text}</TD>" for text in row) for row in zip(*cells, strict=True)
        )
        yield "".join(f"<TR>{line}</TR>\n" for line in lines).encode()


def _shape(text: str) -> str:
    """Return the numbers of a shape as VOTable writes them."""
    return " ".join(_NUMBERS.get(number, number) for number in text.split()) if "n" in text else text


def clean(text: str) -> str:
    """Return a text without the characters that XML has no way to write."""
    return text.translate(_CONTROL)
