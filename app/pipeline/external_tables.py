"""Load tables of external scales: benchmark stars, asteroseismology, clusters and their members.

They never take part in a fit. A file is recognised by its columns; what is no reference table is named and left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.domain.errors import ParameterError, TableError
from app.domain.references import ReferenceFile, cluster_key
from app.pipeline.readers import open_table
from app.pipeline.readers.source import checksum
from app.storage import references
from app.storage.bulk import Column
from app.storage.engine import Database

GAIA_NAME = r"^Gaia\s+E?DR3\s+"
DESIGNATION = r"^(?:2MASS)?\s*(?:J|2M)?(?P<digits>\d{8}[+-]\d{7})$"
_GAIA_COLUMNS = ("GaiaDR3", "GaiaEDR3", "gaia_dr3_source_id", "source_id")
TWO_CLUSTERS, TWICE, NO_VALUE = "its id is in two clusters", "its row is there twice", "no value"


@dataclass(frozen=True)
class Loaded:
    """What came of a folder: the tables taken in, and the other files with why they were left."""

    files: tuple[ReferenceFile, ...]
    skipped: tuple[tuple[str, str], ...]


class _Rows:
    """The rows of a file as text columns, with errors that name file, column and row."""

    def __init__(self, path: Path) -> None:
        names = open_table(path).schema.names
        table = open_table(path, text_columns=names)
        self.file = path.name
        self._table = pa.Table.from_batches(list(table.batches()), schema=table.schema)
        self.names = set(names)
        self.count = self._table.num_rows

    def text(self, *names: str) -> pa.Array:
        """Return the first of these columns that is there, as trimmed text; null where it is empty."""
        name = self._name(names)
        values = pc.utf8_trim_whitespace(self._table[name].combine_chunks().cast(pa.string()))
        return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)

    def number(self, *names: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return numbers (n,), NaN where there is none."""
        values = self._cast(self._name(names), pa.float64(), "is no number").fill_null(np.nan)
        numbers: np.ndarray[Any, np.dtype[np.float64]] = values.to_numpy(zero_copy_only=False)
        return numbers

    def gaia(self) -> np.ma.MaskedArray[Any, np.dtype[np.int64]]:
        """Return Gaia ids (n,), masked where there is none."""
        name = self._name(_GAIA_COLUMNS)
        ids = self._cast(name, pa.int64(), "is no 64-bit integer; an id has digits only", prefix=GAIA_NAME)
        numbers = ids.fill_null(0).to_numpy(zero_copy_only=False)
        return np.ma.masked_less_equal(numbers, 0)

    def _cast(self, name: str, kind: pa.DataType, problem: str, prefix: str | None = None) -> pa.Array:
        texts = self.text(name)
        texts = pc.replace_substring_regex(texts, prefix, "") if prefix else texts
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid as error:
            row = next(n for n, one in enumerate(texts.to_pylist()) if one is not None and not _fits(one, kind))
            raise TableError(self.file, f"{texts[row]} {problem}", row=row + 1, column=name) from error

    def _name(self, names: tuple[str, ...]) -> str:
        return next((name for name in names if name in self.names), names[0])


def _fits(text: str, kind: pa.DataType) -> bool:
    try:
        pa.scalar(text).cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


@dataclass(frozen=True)
class _Kind:
    """One sort of reference table: how it is recognised and what becomes of its rows.

    `columns` are the columns that it must have, each with its other names; `words` the words of its file's name.
    """

    source: str
    title: str
    citation: str
    words: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    table: str
    translate: Callable[[_Rows], tuple[dict[str, Column], Counter[str]]]

    def missing(self, names: set[str]) -> list[str]:
        return [" or ".join(group) for group in self.columns if not names & set(group)]


def load_folder(database: Database, folder: Path) -> Loaded:
    """Load every reference table of a folder in the place of what its source had before, all or none of them.

    Raises:
        ParameterError: there is no such folder.
        TableError: a table lacks a column, holds a value that does not fit it, or two files are of one source.
    """
    if not folder.is_dir():
        raise ParameterError("FOLDER", f"{folder} is not a folder of reference tables")
    recognised: dict[str, Path] = {}
    skipped: list[tuple[str, str]] = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        kind, why = _recognise(path)
        if kind is None:
            skipped.append((path.name, why))
        elif kind.source in recognised:
            raise TableError(path.name, f"is a second table of {kind.source} beside {recognised[kind.source].name}")
        else:
            recognised[kind.source] = path
    with database.connect() as connection:
        known = {file.source: file for file in references.files(connection)}
    loaded = [_load(database, kind, recognised[kind.source], known) for kind in KINDS if kind.source in recognised]
    return Loaded(tuple(loaded), tuple(skipped))


def _recognise(path: Path) -> tuple[_Kind | None, str]:
    """Return the kind of a file, or why it is none; a file named after a kind must have that kind's columns."""
    try:
        names = set(open_table(path).schema.names)
    except TableError as error:
        return None, error.problem
    named = [kind for kind in KINDS if all(word in path.name.lower() for word in kind.words)]
    fitting = [kind for kind in KINDS if not kind.missing(names)]
    for kind in named:
        if kind.missing(names):
            raise TableError(path.name, f"is missing; {kind.title} need it", column=kind.missing(names)[0])
        return kind, ""
    if len(fitting) == 1:
        return fitting[0], ""
    return None, "has the columns of no reference table"


def _load(database: Database, kind: _Kind, path: Path, known: Mapping[str, ReferenceFile]) -> ReferenceFile:
    sha256 = checksum(path)
    if kind.source in known and known[kind.source].file_sha256 == sha256:
        return replace(known[kind.source], repeated=True)
    rows = _Rows(path)
    columns, left_out = kind.translate(rows)
    stored = rows.count - left_out.total()
    file = ReferenceFile(kind.source, kind.title, kind.citation, path.name, sha256, rows.count, stored, dict(left_out))
    with database.begin() as connection:
        references.replace(connection, file, kind.table, columns)
    return file


def _kept(
    columns: Mapping[str, Any], reasons: Mapping[str, np.ndarray[Any, np.dtype[np.bool_]]]
) -> tuple[dict[str, Column], Counter[str]]:
    """Return the rows to which no reason applies, and how many each reason took; the first reason counts."""
    left: Counter[str] = Counter()
    keep = np.ones(len(next(iter(reasons.values()))), dtype=bool)
    for reason, applies in reasons.items():
        left[reason] = int((keep & applies).sum())
        keep &= ~applies
    return {name: _taken(values, keep) for name, values in columns.items()}, +left


def _taken(values: Any, keep: np.ndarray[Any, np.dtype[np.bool_]]) -> Column:
    return values.filter(pa.array(keep)) if isinstance(values, pa.Array) else values[keep]


def _benchmark_stars(rows: _Rows) -> tuple[dict[str, Column], Counter[str]]:
    columns: dict[str, Any] = {
        "row_number": np.arange(1, rows.count + 1),
        "name": _star_names(rows),
        "gaia_dr3_source_id": rows.gaia(),
        "ra": rows.number("RA_ICRS", "ra"),
        "dec": rows.number("DE_ICRS", "dec"),
    }
    for ours, theirs in (("teff", "Teff"), ("logg", "logg"), ("feh", "[Fe/H]")):
        columns[ours] = rows.number(theirs)
        columns[f"{ours}_err"] = rows.number(f"e_{theirs}")
    empty = np.array([np.isnan(columns[name]) for name in ("teff", "logg", "feh")]).all(axis=0)
    return _kept(columns, {NO_VALUE: np.asarray(empty)})


def _star_names(rows: _Rows) -> pa.Array:
    """Return what stars are called, by the first of their names that is given."""
    given = [rows.text(name) for name in ("Name", "HD", "HIP") if name in rows.names]
    unnamed = pa.array(["?"] * rows.count, pa.string())
    names = pc.replace_substring_regex(pc.coalesce(*given, unnamed), r"^\*\s*", "")
    return pc.replace_substring_regex(names, r"\s+", " ")


def _seismic_stars(rows: _Rows) -> tuple[dict[str, Column], Counter[str]]:
    designation = pc.struct_field(pc.extract_regex(rows.text("TMASS_ID", "APOGEE_ID"), DESIGNATION), "digits")
    logg = rows.number("LOGG_SEIS")
    columns = {
        "row_number": np.arange(1, rows.count + 1),
        "name": pc.fill_null(designation, "?"),
        "tmass": designation,
        "ra": rows.number("ra", "RA"),
        "dec": rows.number("dec", "DEC"),
        "logg": logg,
        "logg_err": rows.number("SIG_LOGG_SEIS"),
    }
    return _kept(columns, {NO_VALUE: np.isnan(logg)})


def _open_clusters(rows: _Rows) -> tuple[dict[str, Column], Counter[str]]:
    counts = rows.number("o_[Fe/H]") if "o_[Fe/H]" in rows.names else np.full(rows.count, np.nan)
    columns = _named_clusters(rows.text("Cluster"), "open") | {
        "feh": rows.number("[Fe/H]"),
        "feh_err": rows.number("s_[Fe/H]") if "s_[Fe/H]" in rows.names else np.full(rows.count, np.nan),
        "n_stars": np.ma.masked_invalid(counts).filled(0).astype(np.int64),
    }
    return _kept(columns, {NO_VALUE: np.isnan(columns["feh"]), TWICE: _repeated(columns["cluster"])})


def _globular_clusters(rows: _Rows) -> tuple[dict[str, Column], Counter[str]]:
    columns = _named_clusters(rows.text("id"), "globular") | {
        "ra": 15.0 * _sexagesimal(rows, "ra"),
        "dec": _sexagesimal(rows, "dec"),
        "feh": rows.number("feh"),
    }
    return _kept(columns, {NO_VALUE: np.isnan(columns["feh"]), TWICE: _repeated(columns["cluster"])})


def _cluster_members(rows: _Rows) -> tuple[dict[str, Column], Counter[str]]:
    names = rows.text("cluster", "Cluster")
    gaia = rows.gaia()
    columns = {
        "gaia_dr3_source_id": gaia.filled(0),
        "cluster": _keys(names),
        "name": names,
        "ra": rows.number("RA_ICRS", "ra"),
        "dec": rows.number("DE_ICRS", "dec"),
        "g_mag": rows.number("Gmag") if "Gmag" in rows.names else np.full(rows.count, np.nan),
        "probability": rows.number("Pmemb") if "Pmemb" in rows.names else np.full(rows.count, np.nan),
    }
    _, number = np.unique(columns["cluster"].astype(str), return_inverse=True)
    _, star = np.unique(columns["gaia_dr3_source_id"], return_inverse=True)
    again = _repeated(star * (number.max(initial=0) + 1) + number)
    clusters_of_star = np.bincount(star[~again], minlength=star.max(initial=0) + 1)
    reasons = {
        "no Gaia id": np.asarray(gaia.filled(0) == 0),
        TWO_CLUSTERS: np.asarray(clusters_of_star[star] > 1),
        TWICE: again,
    }
    return _kept(columns, reasons)


def _named_clusters(names: pa.Array, kind: str) -> dict[str, Any]:
    return {"cluster": _keys(names), "name": pc.fill_null(names, "?"), "kind": np.full(len(names), kind, object)}


def _keys(names: pa.Array) -> np.ndarray[Any, np.dtype[np.object_]]:
    """Return the one spelling of each name; each different name is translated once."""
    coded = pc.fill_null(names, "?").dictionary_encode()
    keys = np.array([cluster_key(name) for name in coded.dictionary.to_pylist()], dtype=object)
    return keys[coded.indices.to_numpy()] if len(keys) else keys


def _repeated(values: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say of each value whether an equal one stands before it."""
    _, first = np.unique(values.astype(str) if values.dtype == object else values, return_index=True)
    again = np.ones(len(values), dtype=bool)
    again[first] = False
    return again


def _sexagesimal(rows: _Rows, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return `00 24 05.67` and `-72 04 52.6` as numbers of their first unit.

    Raises:
        TableError: a value is written otherwise.
    """
    texts = rows.text(name)
    parts = pc.extract_regex(texts, r"^(?P<sign>[+-]?)(?P<a>\d+)[ :](?P<b>\d+)[ :](?P<c>\d+(?:\.\d*)?)$")
    wrong = pc.and_(pc.is_valid(texts), pc.is_null(parts))
    if pc.any(wrong).as_py():
        row = wrong.to_pylist().index(True)
        raise TableError(
            rows.file, f"{texts[row]} is not written as degrees or hours, minutes, seconds", row=row + 1, column=name
        )
    first, minutes, seconds = (
        pc.struct_field(parts, part).cast(pa.float64()).to_numpy(zero_copy_only=False) for part in ("a", "b", "c")
    )
    sign = np.where(np.asarray(pc.equal(pc.struct_field(parts, "sign"), "-").fill_null(False)), -1.0, 1.0)
    return np.asarray(sign * (first + minutes / 60 + seconds / 3600))


BENCHMARKS, SEISMOLOGY, OPEN, GLOBULAR, MEMBERS = (
    "benchmark_stars",
    "seismic_logg",
    "open_clusters",
    "globular_clusters",
    "cluster_members",
)
KINDS = (
    _Kind(
        BENCHMARKS,
        "Gaia FGK benchmark stars",
        "Soubiran et al. 2024, A&A 682, A145",
        ("benchmark",),
        (
            _GAIA_COLUMNS,
            ("Teff",),
            ("e_Teff",),
            ("logg",),
            ("e_logg",),
            ("[Fe/H]",),
            ("e_[Fe/H]",),
            ("RA_ICRS", "ra"),
            ("DE_ICRS", "dec"),
        ),
        "reference_star",
        _benchmark_stars,
    ),
    _Kind(
        SEISMOLOGY,
        "asteroseismic log g",
        "APOGEE-Kepler giants",
        ("seismic",),
        (("TMASS_ID", "APOGEE_ID"), ("LOGG_SEIS",), ("SIG_LOGG_SEIS",), ("ra", "RA"), ("dec", "DEC")),
        "reference_star",
        _seismic_stars,
    ),
    _Kind(
        OPEN,
        "mean [Fe/H] of open clusters",
        "Heiter et al. 2014, A&A 561, A93",
        ("open_cluster", "feh"),
        (("Cluster",), ("[Fe/H]",)),
        "reference_cluster",
        _open_clusters,
    ),
    _Kind(
        GLOBULAR,
        "mean [Fe/H] of globular clusters",
        "Harris 1996, AJ 112, 1487 (2010 edition)",
        ("globular",),
        (("id",), ("ra",), ("dec",), ("feh",)),
        "reference_cluster",
        _globular_clusters,
    ),
    _Kind(
        MEMBERS,
        "members of open clusters",
        "Gaia EDR3 membership, G < 15.5",
        ("members",),
        (("cluster", "Cluster"), _GAIA_COLUMNS, ("RA_ICRS", "ra"), ("DE_ICRS", "dec")),
        "reference_member",
        _cluster_members,
    ),
)
