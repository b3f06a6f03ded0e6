"""Files of every kind, written and, where users may send such a file, read; and the driver that fills them."""

from __future__ import annotations

import adbc_driver_postgresql.dbapi  # noqa: F401 - what binary downloads are read with

from app.domain.files import FileFormat
from app.factory import Factory
from app.pipeline.user_tables import read_upload
from app.rehearsal.example import COLUMNS, FACTS, TABLE
from app.services.user_columns import SAME_KIND
from app.storage import table_files

_ECSV = b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: ra, unit: deg, datatype: float64}\nra\n10.5\n"


def rehearse(_: Factory) -> None:
    """Write the example as every kind of file, and read it."""
    texts = table_files.texts_of(TABLE)
    for file in FileFormat:
        blocks = table_files.blocks(file, TABLE.to_reader(), COLUMNS, FACTS, name="example", texts=texts)
        content = b"".join(blocks)
        if file in SAME_KIND.values():
            read_upload(content)
    read_upload(_ECSV)
