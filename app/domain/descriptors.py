"""What a survey's table means: which column holds what, in which unit, with which errors, flags and missing values.

A descriptor is written as TOML (`app/surveys`, or the folder `surveys` of the state folder); these classes and those of
`app.domain.columns` and `app.domain.cuts` are its schema: the keys of the file are the names of the fields here.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from app.domain.cuts import Cut
from app.domain.survey_columns import (
    Correlations,
    Identifier,
    Identifiers,
    Magnitudes,
    NumberColumn,
    Parameters,
    Position,
)

# A change of these changes no row.
_DESCRIPTIVE = frozenset({"title", "release", "citation", "url", "fetch", "source"})
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = {"gaia", "sos"}  # gaia:604906737317927296 and sos:42 are stars, not objects of a survey


@dataclass(frozen=True)
class FileFormat:
    """How a file of this format is recognised.

    `patterns` are shell patterns of its usual names, `required` columns that must be there beyond the mapped ones,
    `absent` columns that another format of the same survey has, `optional` mapped columns that a file may lack,
    `table` the FITS extension, VOTable TABLE or Parquet file's only table (number or name) where it is not the first.
    """

    patterns: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    table: int | str | None = None


@dataclass(frozen=True)
class MissingValues:
    """Numbers and texts that stand for "no value" in every column of the file; empty, NaN and null always do."""

    values: tuple[float, ...] = ()
    at_most: float | None = None
    at_least: float | None = None
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.at_most is not None and self.at_least is not None and self.at_most >= self.at_least:
            raise ValueError("at_most: must be smaller than at_least, or no value is left")


@dataclass(frozen=True)
class RemoteTable:
    """Where rows can be fetched from: a TAP service, its table, and the service's columns by our file's column names.

    Columns, `key`, `ra` and `dec` are written as ADQL wants them, quotes included. `key` is unique and can be sorted;
    rows are asked for in its order, so that an interrupted download goes on where it stopped. `geometry` says whether
    the service knows CONTAINS.
    """

    url: str
    table: str
    key: str
    ra: str
    dec: str
    columns: dict[str, str]
    where: str | None = None
    geometry: bool = True
    rows_per_query: int = 20_000

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url: must be the http(s) address of a TAP service, got {self.url!r}")
        if not self.columns:
            raise ValueError("columns: name at least one column")
        if self.rows_per_query < 1:
            raise ValueError(f"rows_per_query: must be positive, got {self.rows_per_query}")


@dataclass(frozen=True)
class SurveyDescriptor:
    """One file format of one survey: everything that is needed to read it. `source` is the file it was read from."""

    name: str
    format: str
    title: str
    release: str
    citation: str
    object_id: Identifier
    position: Position
    parameters: Parameters
    url: str | None = None
    file: FileFormat = field(default_factory=FileFormat)
    missing: MissingValues = field(default_factory=MissingValues)
    ids: Identifiers = field(default_factory=Identifiers)
    magnitudes: Magnitudes = field(default_factory=Magnitudes)
    snr: NumberColumn | None = None
    correlations: Correlations = field(default_factory=Correlations)
    cut: tuple[Cut, ...] = ()
    fetch: RemoteTable | None = None
    source: str = field(default="", metadata={"derived": True})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: up to 40 lower-case letters, digits and _, such as galah_dr3; got {self.name!r}")
        if self.name in _TAKEN:
            raise ValueError(f"name: {self.name!r} already names another kind of identifier, choose a longer one")
        if len(self.cut) > 63:
            raise ValueError(f"cut: at most 63 cuts, got {len(self.cut)}")
        names = [cut.name for cut in self.cut]
        if len(set(names)) < len(names):
            raise ValueError(f"cut: each cut needs a name of its own, got {names}")

    def as_dict(self) -> dict[str, Any]:
        """Return everything that the descriptor says as plain values."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @property
    def sha256(self) -> str:
        """Return a checksum of what decides how rows are read; titles, citations and addresses do not."""
        said = {key: value for key, value in self.as_dict().items() if key not in _DESCRIPTIVE}
        said["file"].pop("patterns")
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def mapped_columns(self) -> tuple[str, ...]:
        """Return every column that the descriptor reads, each once."""
        position, ids = self.position, self.ids
        names: list[str | None] = [self.object_id.column, position.from_tmass, position.epoch_column]
        names += [one.column for one in (ids.gaia_dr3, ids.gaia_dr2, ids.tmass) if one]
        magnitudes = self.magnitudes
        for quantity in (
            position.ra, position.dec, position.pm_ra_cosdec, position.pm_dec,
            magnitudes.g, magnitudes.bp, magnitudes.rp, magnitudes.k, self.snr,
        ):  # fmt: skip
            names += quantity.columns() if quantity else ()
        for parameter in self.parameters.given().values():
            names += [parameter.column, *parameter.error.columns()]
        correlations = self.correlations
        for correlation in (correlations.teff_logg, correlations.teff_feh, correlations.logg_feh):
            names += [correlation.column, correlation.covariance] if correlation else []
        for cut in self.cut:
            names += [cut.column, cut.only.column if cut.only else None]
        return tuple(dict.fromkeys(name for name in names if name))

    def declared_units(self) -> dict[str, str]:
        """Return the units of the columns for which the descriptor gives one."""
        position, magnitudes = self.position, self.magnitudes
        numbers = (
            position.ra, position.dec, position.pm_ra_cosdec, position.pm_dec,
            magnitudes.g, magnitudes.bp, magnitudes.rp, magnitudes.k, self.snr,
        )  # fmt: skip
        found = {name: one.unit for one in numbers if one and one.unit for name in one.columns()}
        return found | {one.column: one.unit for one in self.parameters.given().values() if one.unit}

    def required_columns(self) -> tuple[str, ...]:
        """Return the columns without which a file is not of this format."""
        optional = set(self.file.optional)
        return tuple(dict.fromkeys(n for n in (*self.mapped_columns(), *self.file.required) if n not in optional))

    def text_columns(self) -> frozenset[str]:
        """Return the columns that must be read as text: identifiers (exact to the last digit) and text flags."""
        ids = (self.object_id, self.ids.gaia_dr3, self.ids.gaia_dr2, self.ids.tmass)
        texts = {one.column for one in ids if one} | {cut.column for cut in self.cut if cut.is_text}
        return frozenset(texts | ({self.position.from_tmass} if self.position.from_tmass else set()))
