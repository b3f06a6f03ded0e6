"""Users' values put from one survey's scale on another's, through the models of a version.

The one place from which the HTTP service reaches the model libraries: nothing of this is loaded before it is asked for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from app.domain.conversions import (
    ERROR_UNUSED,
    MAGNITUDES,
    MOST_ROWS,
    NO_ERROR,
    NO_VALUE,
    NOT_CONVERGED,
    OUTSIDE_DOMAIN,
    TYPICAL_MAGNITUDE,
    TYPICAL_SNR,
    UNIFIED,
    ConversionRequest,
    converted_columns,
)
from app.domain.errors import ParameterError, TooLargeError
from app.domain.files import FileFormat
from app.domain.quantities import PARAMETERS
from app.domain.versions import Model
from app.science.arrays import Booleans, Integers
from app.science.calibration.conversion import convert
from app.science.calibration.frame import Frame
from app.science.calibration.plan import parse_plan
from app.science.calibration.survey_model import Calibrated, SurveyModel
from app.services.downloads import Download, facts
from app.services.parameter_columns import parameter_columns
from app.services.user_columns import SAME_KIND, extended
from app.services.user_frames import frame_of_table
from app.services.versions import resolve
from app.storage import surveys, table_files, versions
from app.storage.engine import Database

Read: TypeAlias = Callable[[bytes], tuple[pa.Table, str]]
Load: TypeAlias = Callable[[Connection, Mapping[str, str]], SurveyModel]

MOST_MODELS = 6
"""Surveys' models kept in a process, tabulated, up to 60 MB each: the ones used last."""
BATCH_ROWS = 16_384
PARTS = frozenset({"frame", *PARAMETERS})


@dataclass(frozen=True)
class Converted:
    """A table on another scale.

    Attributes:
        version: whose models were used.
        source: the scale that the values were on.
        target: the scale that they are on.
        columns: names of the table's columns by what they hold.
        models: which were used, by survey and parameter.
        table: as it came.
        file: the kind of file in which it came.
        values: on the target's scale, row by row.
        flags: see `app.domain.conversions.FLAGS`, (n,).
    """

    version: int
    source: str
    target: str
    columns: Mapping[str, str]
    models: tuple[Model, ...]
    table: pa.Table
    file: FileFormat
    values: Calibrated
    flags: Integers


class Conversion:
    """Converts tables of stars; keeps the models that were used last.

    Args:
        database: connections for answers that may take a while.
        read: reads an uploaded file into a table and says its format.
        load: makes a survey's model of the checksums of its parts.
    """

    def __init__(self, database: Database, read: Read, load: Load) -> None:
        self._database = database
        self._read = read
        self._load = load
        self._kept: OrderedDict[tuple[int, str], SurveyModel] = OrderedDict()
        self._lock = Lock()

    def stars(self, given: Mapping[str, list[float | None]], wanted: ConversionRequest) -> Converted:
        """Convert stars that are given member by member, None where one is missing.

        Raises:
            ParameterError: a value is no number, the version has no models of a survey, or both scales are the same.
            UnknownVersionError: the version does not exist or is not complete.
            NotPublishedError: no version is asked for and none has been published.
        """
        arrays = {role: np.array(values, dtype=np.float64) for role, values in given.items()}
        used = {role: values for role, values in arrays.items() if role in PARAMETERS or not np.isnan(values).all()}
        table = pa.table({str(role): pa.array(values, from_pandas=True) for role, values in used.items()})
        return self._converted(table, {str(role): str(role) for role in used}, FileFormat.CSV, wanted)

    def table(self, content: bytes, wanted: ConversionRequest) -> Converted:
        """Convert an uploaded table; raises as `stars`, and where its columns cannot be told.

        Raises:
            TableError: the file is no table.
            TooLargeError: it has more than 100,000 rows.
        """
        table, form = self._read(content)
        if table.num_rows > MOST_ROWS:
            raise TooLargeError("body", f"a table may have {MOST_ROWS:,} rows at most, got {table.num_rows:,}")
        columns = parameter_columns(table.schema, wanted.columns, wanted.source)
        return self._converted(table, columns, SAME_KIND.get(form, FileFormat.CSV), wanted)

    @contextmanager
    def file(self, converted: Converted, file: FileFormat | None) -> Iterator[Download]:
        """Open the table with every row and column that it had and the converted values, as the kind that it was."""
        kind, table = file or converted.file, converted.table
        with self._database.connect() as connection:
            about = facts(converted.version, table.num_rows, surveys.list_all(connection))
        used = ", ".join(f"{role}: {name}" for role, name in converted.columns.items())
        about["sos.conversion"] = f"from {converted.source} to {converted.target}; columns {used}"
        joined, columns = extended(table, zip(converted_columns(converted.target), _arrays(converted), strict=True))
        texts = table_files.texts_of(joined) if kind in {FileFormat.FITS, FileFormat.VOTABLE} else {}
        batches = joined.to_reader(BATCH_ROWS)
        blocks = table_files.blocks(kind, batches, columns, about, name="convert", texts=texts)
        yield Download(kind, converted.version, table.num_rows, blocks)

    def _converted(
        self, table: pa.Table, columns: Mapping[str, str], file: FileFormat, wanted: ConversionRequest
    ) -> Converted:
        if wanted.source == wanted.target:
            raise ParameterError("to", f"is {wanted.target!r}, the scale that the values are on already")
        with self._database.connect() as connection:
            version = resolve(connection, wanted.version)
            known = _complete(versions.models(connection, version))
            made_by = versions.get(connection, version).plan
        source, target = (
            self._model(version, known, name, parameter)
            for name, parameter in ((wanted.source, "from"), (wanted.target, "to"))
        )
        if target is not None and not target.forward:
            raise ParameterError("to", f"the models of version {version} are direct: they lead to '{UNIFIED}' only")
        frame = frame_of_table(table, columns)
        missing = np.asarray(~frame.used.all(axis=1))
        values = convert(frame, source, target, parse_plan(made_by, file=f"version {version}"))
        used = tuple(model for name in (wanted.source, wanted.target) for model in known.get(name, {}).values())
        return Converted(
            version=version,
            source=wanted.source,
            target=wanted.target,
            columns=columns,
            models=tuple(model for model in used if model.parameter in PARAMETERS),
            table=table,
            file=file,
            values=values,
            flags=_flags(frame, missing, values, source, target),
        )

    def _model(
        self, version: int, known: Mapping[str, Mapping[str, Model]], name: str, parameter: str
    ) -> SurveyModel | None:
        """Return the models of a survey, None for the unified scale; what is in use nobody else tabulates meanwhile."""
        if name == UNIFIED:
            return None
        if name not in known:
            names = ", ".join([UNIFIED, *sorted(known)])
            raise ParameterError(parameter, f"version {version} has no models of {name[:40]!r}; it knows {names}")
        with self._lock:
            if (version, name) not in self._kept:
                self._kept[version, name] = self._ready(known[name])
                while len(self._kept) > MOST_MODELS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end((version, name))
            return self._kept[version, name]

    def _ready(self, parts: Mapping[str, Model]) -> SurveyModel:
        with self._database.connect() as connection:
            model = self._load(connection, {part: one.artifact_sha256 for part, one in parts.items()})
        if model.forward and not model.identity.all():
            _ = model.grid  # tabulated, or read, once and here
        return model


def _complete(models: list[Model]) -> dict[str, dict[str, Model]]:
    """Return the models of each survey that has all of them, by their parts."""
    found: dict[str, dict[str, Model]] = {}
    for model in models:
        found.setdefault(model.survey, {})[model.parameter] = model
    return {name: parts for name, parts in found.items() if parts.keys() >= PARTS}


def _flags(
    frame: Frame, missing: Booleans, values: Calibrated, source: SurveyModel | None, target: SurveyModel | None
) -> Integers:
    own = np.ones(3, dtype=bool) if source is None else source.identity
    known = np.isfinite(frame.minus)
    return np.asarray(
        NOT_CONVERGED * ~values.converged
        + OUTSIDE_DOMAIN * ~values.in_domain
        + NO_ERROR * (~known & own).any(axis=1)
        + ERROR_UNUSED * (known & ~own).any(axis=1)
        + NO_VALUE * missing
        + TYPICAL_SNR * _typical(frame, ("log_snr",), source, target)
        + TYPICAL_MAGNITUDE * _typical(frame, MAGNITUDES, source, target),
        dtype=np.int64,
    )


def _typical(frame: Frame, names: tuple[str, ...], source: SurveyModel | None, target: SurveyModel | None) -> Booleans:
    """Return where one of these features is taken as typical, for it is used and not known, (n,)."""
    found = np.zeros(len(frame.star), dtype=bool)
    for model in (source, target):
        used = () if model is None else tuple(name for name in model.space.nuisance if name in names)
        found |= np.isnan(frame.nuisance(used)).any(axis=1)
        if source is not None and model is target and "log_snr" in used:
            found[:] = True  # S/N of one survey is none of another
    return found


def _arrays(converted: Converted) -> Iterator[pa.Array]:
    values = converted.values
    for p in range(len(PARAMETERS)):
        value = values.value[:, p]
        for column in (value, value - values.minus[:, p], value + values.plus[:, p]):
            yield pa.array(column, from_pandas=True)
    yield pa.array(values.in_domain)
    yield pa.array(values.converged)
    yield pa.array(converted.flags.astype(np.int16))
