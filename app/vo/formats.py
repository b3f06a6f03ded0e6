"""Forms of an answer and the names that users have for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.domain.errors import ParameterError
from app.domain.fields import Field
from app.vo import fits, text_tables, votable
from app.vo.limits import Limited
from app.vo.votable import Facts


@dataclass(frozen=True)
class OutputFormat:
    """A form.

    Attributes:
        media_type: of an answer.
        aliases: short names.
        write: how it is written.
        ivo_id: name in the registry.
        says_more: an answer that was cut says so.
    """

    media_type: str
    aliases: tuple[str, ...]
    write: Callable[[tuple[Field, ...], Limited, Facts], Iterator[bytes]]
    ivo_id: str | None = None
    says_more: bool = True

    @property
    def name(self) -> str:
        """Which kind of file this is, whatever its serialization."""
        return self.aliases[0].partition("/")[0]


_STANDARD = "ivo://ivoa.net/std/TAPRegExt#output-votable-"
BINARY2 = OutputFormat(
    "application/x-votable+xml;serialization=binary2", ("votable/b2",), votable.binary2, f"{_STANDARD}binary2"
)
FORMATS = (
    OutputFormat("application/x-votable+xml", ("votable", "text/xml", "application/xml", "xml"), votable.binary2),
    BINARY2,
    OutputFormat(
        "application/x-votable+xml;serialization=tabledata", ("votable/td",), votable.tabledata, f"{_STANDARD}td"
    ),
    OutputFormat(fits.MEDIA_TYPE, ("fits",), fits.table),
    OutputFormat("text/csv;header=present", ("csv", "text/csv"), text_tables.csv, says_more=False),
    OutputFormat("text/tab-separated-values", ("tsv",), text_tables.tsv, says_more=False),
    OutputFormat("application/json", ("json",), text_tables.json),
)


def output_format(name: str | None) -> OutputFormat:
    """Return the form of this name; VOTable where none is named.

    Raises:
        ParameterError: there is no such form.
    """
    if name is None:
        return FORMATS[0]
    wanted = name.lower().replace(" ", "").replace('"', "")
    for form in FORMATS:
        if wanted in {form.media_type, *form.aliases}:
            return form
    names = ", ".join(alias for form in FORMATS for alias in form.aliases[:1])
    raise ParameterError("RESPONSEFORMAT", f"is one of {names}, got {name!r}")
