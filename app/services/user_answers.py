"""A user's table as it goes back: every row and column that it had, with its stars and values on the unified scale."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.domain.files import FileFormat
from app.domain.quantities import PARAMETERS
from app.domain.user_surveys import POSITIONS, Look, added_columns
from app.science.arrays import Floats, Integers
from app.science.calibration.frame import Frame
from app.science.calibration.survey_model import Calibrated
from app.services.user_columns import extended
from app.services.user_frames import without_value
from app.storage import table_files

BATCH_ROWS = 16_384
SPLITS = ("train", "conformalize", "test")
NOT_CONVERGED = "the correction did not settle"


def answer_of(
    table: pa.Table, look: Look, frame: Frame, values: Calibrated, stars: Mapping[str, NDArray[Any]]
) -> tuple[pa.Table, tuple[Any, ...]]:
    """Return the table with columns added, and what is known about all columns.

    Args:
        table: as it came, (n rows).
        look: what was understood of it.
        frame: its rows.
        values: the rows on the unified scale.
        stars: `star`, `split`, `separation_arcsec` and `candidates` of each row, see `KnownStars`.
    """
    return extended(table, zip(added_columns(look.by), _arrays(look, frame, values, stars), strict=True))


def write_answer(
    answer: tuple[pa.Table, tuple[Any, ...]], look: Look, facts: Mapping[str, str], folder: Path
) -> dict[str, Any]:
    """Write a table to a file of a folder; a file of this name is always a whole one.

    Returns:
        Name, kind, rows, bytes and SHA-256 of the file.
    """
    table, columns = answer
    kind = FileFormat(look.format)
    path = folder / f"homogenized_v{look.version}.{kind.ending}"
    part = folder / f".{path.name}.part"
    texts = table_files.texts_of(table) if kind in {FileFormat.FITS, FileFormat.VOTABLE} else {}
    blocks = table_files.blocks(kind, table.to_reader(BATCH_ROWS), columns, facts, name="homogenized", texts=texts)
    digest = hashlib.sha256()
    with part.open("wb") as target:
        for block in blocks:
            target.write(block)
            digest.update(block)
    size = part.stat().st_size
    part.replace(path)
    return {
        "name": path.name,
        "format": str(kind),
        "rows": table.num_rows,
        "bytes": size,
        "sha256": digest.hexdigest(),
    }


def _arrays(look: Look, frame: Frame, values: Calibrated, stars: Mapping[str, NDArray[Any]]) -> Iterator[pa.Array]:
    star: Integers = stars["star"]
    nobody = star == 0
    yield pa.array(star, mask=nobody)
    if look.by == POSITIONS:
        yield _known(stars["separation_arcsec"])
        yield pa.array(stars["candidates"].astype(np.int32), mask=nobody)
    split = stars["split"]
    yield pa.array(np.array([*SPLITS, ""], dtype=object)[split], pa.string(), mask=split < 0)
    settled = values.converged[:, None]
    for p in range(len(PARAMETERS)):
        value = np.where(settled, values.value, np.nan)[:, p]
        for column in (value, value - values.minus[:, p], value + values.plus[:, p]):
            yield _known(column)
    calibrated = values.converged & np.isfinite(values.value).all(axis=1)
    yield pa.array(values.in_domain, mask=~calibrated)
    reasons = np.full(len(star), None, dtype=object)
    reasons[~calibrated] = NOT_CONVERGED
    for reason, rows in without_value(frame):
        reasons[rows] = reason
    yield pa.array(reasons, pa.string())


def _known(values: Floats) -> pa.Array:
    return pa.array(values, mask=~np.isfinite(values))
