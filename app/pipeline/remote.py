"""Rows of a survey's table on a TAP service: ADQL in pages, answers as Arrow tables."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyvo
from pyvo.dal.exceptions import DALQueryError

from app.domain.descriptors import RemoteTable
from app.domain.errors import ParameterError, UnavailableError

_ATTEMPTS = 3
_PAUSE_SECONDS = 2.0

Key = int | float | str


@dataclass(frozen=True)
class Cone:
    """A circle on the sky, in degrees."""

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def __post_init__(self) -> None:
        if not (0 <= self.ra_deg < 360 and -90 <= self.dec_deg <= 90 and 0 < self.radius_deg <= 180):
            raise ParameterError(
                "region", f"must be RA (0 to 360), Dec (-90 to 90), radius (up to 180) in degrees, got {self}"
            )

    @classmethod
    def parse(cls, text: str) -> Cone:
        """Return the cone that `RA,DEC,RADIUS` means.

        Raises:
            ParameterError: it is something else.
        """
        try:
            ra, dec, radius = (float(part) for part in text.split(","))
        except ValueError as error:
            raise ParameterError("region", f"must be RA,DEC,RADIUS in degrees, got {text!r}") from error
        return cls(ra, dec, radius)

    def contains(self, ra: np.ndarray[Any, Any], dec: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Tell which positions (n,) in degrees lie in the cone."""
        lon, lat, lon0, lat0 = np.radians(ra), np.radians(dec), np.radians(self.ra_deg), np.radians(self.dec_deg)
        half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
        return np.asarray(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1))) <= np.radians(self.radius_deg))


@dataclass(frozen=True)
class Page:
    """Rows that a service answered with: our columns, each row's key, and whether more may follow."""

    rows: pa.Table
    last_key: Key | None
    more: bool


@dataclass(frozen=True)
class RemoteRows:
    """The rows of a remote table, in a cone where one is given, in the order of their key."""

    remote: RemoteTable
    cone: Cone | None

    def query(self, after: Key | None, rows: int) -> str:
        """Return the ADQL for the rows behind a key; columns are numbered, as services bend names."""
        remote = self.remote
        wanted = [*remote.columns.values(), remote.key, remote.ra, remote.dec]
        selected = ", ".join(f"{column} AS c{number}" for number, column in enumerate(wanted))
        where = " AND ".join(f"({condition})" for condition in self._conditions(after))
        text = " ".join((f"SELECT TOP {rows} {selected} FROM", remote.table, f"WHERE {where}" if where else ""))
        return f"{text.strip()} ORDER BY {remote.key}"

    def page(self, after: Key | None, rows: int) -> Page:
        """Ask for rows; what the network broke is tried again.

        Raises:
            UnavailableError: the service does not answer.
            ParameterError: the service refuses the query.
        """
        query = self.query(after, rows)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._ask(query, rows)
            except DALQueryError as error:
                raise ParameterError(
                    self.remote.url, f"the service refuses the query: {error}; it was: {query}"
                ) from error
            except Exception as error:  # pyvo lets errors of requests, urllib3 and XML through
                if attempt == _ATTEMPTS:
                    raise UnavailableError(f"{self.remote.url} does not answer: {error}") from error
                time.sleep(_PAUSE_SECONDS * attempt)
        raise AssertionError

    def _conditions(self, after: Key | None) -> list[str]:
        remote = self.remote
        found = [remote.where] if remote.where else []
        if self.cone is not None:
            found.append(_circle(remote, self.cone) if remote.geometry else _box(remote, self.cone))
        if after is not None:
            literal = "'" + after.replace("'", "''") + "'" if isinstance(after, str) else repr(after)
            found.append(f"{remote.key} > {literal}")
        return found

    def _ask(self, query: str, rows: int) -> Page:
        with warnings.catch_warnings():
            # Services bend the VOTable standard in many ways that do not matter here, and overflow is looked at below.
            warnings.simplefilter("ignore")
            answer = pyvo.dal.TAPService(self.remote.url).run_sync(query, maxrec=rows)
            table = answer.to_table()
        arrays = [_as_arrow(table.columns[number]) for number in range(len(table.columns))]
        ours = len(self.remote.columns)
        names = list(self.remote.columns)
        fields = [
            pa.field(name, array.type, metadata=_unit(table.columns[number]))
            for number, (name, array) in enumerate(zip(names, arrays, strict=False))
        ]
        found = pa.table(arrays[:ours], schema=pa.schema(fields))
        last = arrays[ours][-1].as_py() if len(table) else None
        if self.cone is not None and not self.remote.geometry and len(table):
            ra, dec = (np.asarray(arrays[ours + i].cast(pa.float64()).fill_null(np.nan)) for i in (1, 2))
            found = found.filter(pa.array(self.cone.contains(ra, dec)))
        overflow = str(answer.status[0]).lower() == "overflow"
        return Page(found, last, more=len(table) > 0 and (overflow or len(table) >= rows))


def _circle(remote: RemoteTable, cone: Cone) -> str:
    circle = f"CIRCLE('ICRS', {_plain(cone.ra_deg)}, {_plain(cone.dec_deg)}, {_plain(cone.radius_deg)})"
    return f"1 = CONTAINS(POINT('ICRS', {remote.ra}, {remote.dec}), {circle})"


def _box(remote: RemoteTable, cone: Cone) -> str:
    """Return bounds in RA and Dec around a cone; every RA where it reaches a pole."""
    low, high = cone.dec_deg - cone.radius_deg, cone.dec_deg + cone.radius_deg
    bounds = f"{remote.dec} BETWEEN {_plain(low)} AND {_plain(high)}"
    if low <= -90 or high >= 90:
        return bounds
    half = float(np.degrees(np.arcsin(np.sin(np.radians(cone.radius_deg)) / np.cos(np.radians(cone.dec_deg)))))
    west, east = cone.ra_deg - half, cone.ra_deg + half
    if west < 0 or east >= 360:
        return f"{bounds} AND ({remote.ra} >= {_plain(west % 360)} OR {remote.ra} <= {_plain(east % 360)})"
    return f"{bounds} AND {remote.ra} BETWEEN {_plain(west)} AND {_plain(east)}"


def _plain(number: float) -> str:
    """Return a number without exponent, which some services do not read."""
    return f"{number:.9f}"


def _unit(column: Any) -> dict[str, str] | None:
    return {"unit": str(column.unit)} if column.unit is not None else None


def _as_arrow(column: Any) -> pa.Array:
    mask = np.ma.getmaskarray(column)
    values = np.ma.getdata(column)
    if values.dtype.kind in "OSU":
        texts = [None if hidden else _text(value) for value, hidden in zip(values.tolist(), mask.tolist(), strict=True)]
        return pa.array(texts, pa.string())
    return pa.array(np.asarray(values), mask=mask)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
