"""Tables as users send them, and as they go back: CSV first, which most of them are."""

from __future__ import annotations

from app.domain.columns import Column, Kind
from app.domain.files import FileFormat
from app.factory import Factory
from app.pipeline.user_tables import read_upload
from app.rehearsal.example import FACTS
from app.services.uploads import identifiers, position_columns, positions
from app.services.user_columns import extended
from app.storage import table_files

_UPLOAD = b"name,star_id,ra,dec\none,1,10.5,-1.5\ntwo,2,20.25,2.25\n"


def rehearse(factory: Factory) -> None:
    """Read a table, and return it with a column more."""
    factory.matches()
    table, _ = read_upload(_UPLOAD)
    positions(table, *position_columns(table.schema, None, None))
    identifiers(table, "star_id")
    joined, columns = extended(table, [(Column("teff", Kind.REAL, ""), table["ra"].combine_chunks())])
    blocks = table_files.blocks(FileFormat.CSV, joined.to_reader(), columns, FACTS, name="upload", texts={})
    assert b"".join(blocks)
