"""Which kind of table a file is, by its first bytes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from app.domain.errors import TableError
from app.pipeline.readers.delimited import read_delimited
from app.pipeline.readers.parquet import read_parquet
from app.pipeline.readers.source import first_bytes
from app.pipeline.readers.table import SurveyTable
from app.pipeline.readers.votable import read_votable


def open_table(
    path: Path, *, table: int | str | None = None, text_columns: Collection[str] = (), missing: Collection[str] = ()
) -> SurveyTable:
    """Open a survey table of any supported kind.

    Args:
        path: the file; gzip is recognised by content.
        table: number or name of the table in a file that holds several; default the first.
        text_columns: columns of a CSV file to be kept as text (identifiers, text flags).
        missing: texts of a CSV file that mean "no value".

    Raises:
        TableError: the file is of no known kind, is damaged, or has no such table.
    """
    file = path.name
    try:
        start = first_bytes(path)
    except (OSError, EOFError) as error:
        raise TableError(file, f"cannot be read: {error}") from error
    if not start.strip():
        raise TableError(file, "is empty")
    if start.startswith(b"SIMPLE  ="):
        from app.pipeline.readers.fits import read_fits  # noqa: PLC0415 - brings astropy, which most tables do without

        return read_fits(path, table=table)
    if start.startswith(b"PAR1"):
        return read_parquet(path)
    if start.startswith(b"# %ECSV"):
        from app.pipeline.readers.ecsv import read_ecsv  # noqa: PLC0415 - as above

        return read_ecsv(path, missing=missing)
    if b"<VOTABLE" in start or start.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml"):
        return read_votable(path, table=table)
    if b"\0" in start:
        raise TableError(file, "is not FITS, Parquet, VOTable, ECSV or CSV")
    return read_delimited(path, text_columns=text_columns, missing=missing)
