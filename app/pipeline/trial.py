"""Try a descriptor on a table before anything is loaded: the mapping, the first rows, and what would be lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from app.domain.descriptors import SurveyDescriptor
from app.domain.quantities import QUANTITIES
from app.domain.survey_columns import NumberColumn
from app.pipeline.intake import open_described
from app.pipeline.progress import Progress, silent
from app.pipeline.readers import SurveyTable, unit_of
from app.surveys.translation import REASONS, Translation, Translator

_SHOWN = ("object_id", "gaia_dr3", "ra", "dec", "snr", "teff", "teff_err_lower", "logg", "feh", "excluded")


@dataclass(frozen=True)
class Mapped:
    """One quantity of ours: the column that it is read from, its unit in the file and in our tables."""

    ours: str
    column: str
    file_unit: str
    our_unit: str


@dataclass(frozen=True)
class Trial:
    """What a descriptor makes of a table."""

    rows: int
    stored: int
    mapping: tuple[Mapped, ...]
    first_rows: tuple[dict[str, Any], ...]
    without_value: dict[str, int]
    failed_cuts: dict[str, int]
    rejected: dict[str, int]


def try_descriptor(
    descriptor: SurveyDescriptor, path: Path, *, first_rows: int = 5, progress: Progress = silent
) -> Trial:
    """Return what ingesting a table would do; nothing is written.

    Raises:
        TableError: the table does not fit, or is damaged.
    """
    table = open_described(path, descriptor)
    translator = Translator(descriptor, path.name, table.schema)
    rejected: Counter[str] = Counter()
    without: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    shown: list[dict[str, Any]] = []
    rows = stored = 0
    for batch in table.batches():
        translation = translator.translate(batch, rows + 1)
        shown += _rows(translation, first_rows - len(shown))
        stored += int(translation.kept.sum())
        rows += batch.num_rows
        rejected.update(REASONS[code] for code in translation.reasons[~translation.kept].tolist())
        without.update(_without_value(translation))
        failed.update(_failed(descriptor, translation))
        progress(rows, table.rows)
    return Trial(rows, stored, mapping(descriptor, table), tuple(shown), dict(without), dict(failed), dict(rejected))


def mapping(descriptor: SurveyDescriptor, table: SurveyTable) -> tuple[Mapped, ...]:
    """Return which of the table's columns each of our quantities is read from."""
    position, magnitudes = descriptor.position, descriptor.magnitudes
    named: list[tuple[str, str | NumberColumn | None, str]] = [
        ("object_id", descriptor.object_id.column, ""),
        *((f"id {key}", one.column if one else None, "") for key, one in vars(descriptor.ids).items()),
        ("ra", position.ra or position.from_tmass, "deg"),
        ("dec", position.dec or position.from_tmass, "deg"),
        ("pm_ra_cosdec", position.pm_ra_cosdec, "mas/yr"),
        ("pm_dec", position.pm_dec, "mas/yr"),
        *((f"{band}_mag", column, "mag") for band, column in vars(magnitudes).items()),
        ("snr", descriptor.snr, ""),
    ]
    for parameter, column in descriptor.parameters.given().items():
        unit = QUANTITIES[parameter].unit
        named.append((parameter.value, column.column, unit))
        named += [(f"{parameter} error", name, unit) for name in column.error.columns()]
    return tuple(
        Mapped(ours, name, _file_unit(table, name), unit)
        for ours, column, unit in named
        for name in _names(column)
        if name in table.schema.names
    )


def _names(column: str | NumberColumn | None) -> tuple[str, ...]:
    if column is None:
        return ()
    return (column,) if isinstance(column, str) else column.columns()


def _file_unit(table: SurveyTable, name: str) -> str:
    return unit_of(table.schema.field(name)) or ""


def _rows(translation: Translation, count: int) -> list[dict[str, Any]]:
    if count <= 0:
        return []
    columns = {name: translation.columns[name][:count] for name in _SHOWN if name in translation.columns}
    plain = {
        name: values.to_pylist() if isinstance(values, pa.Array) else values.tolist()
        for name, values in columns.items()
    }
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def _without_value(translation: Translation) -> dict[str, int]:
    return {
        name: int(np.isnan(values).sum())
        for name, values in translation.columns.items()
        if isinstance(values, np.ndarray) and values.dtype.kind == "f"
    }


def _failed(descriptor: SurveyDescriptor, translation: Translation) -> dict[str, int]:
    bits = np.asarray(translation.columns["failed_cuts"])
    return {cut.name: int(((bits >> number) & 1).sum()) for number, cut in enumerate(descriptor.cut)}
