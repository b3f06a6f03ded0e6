"""Columns of users' tables that say which stars are meant: positions and identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.domain.errors import ParameterError
from app.domain.sky import SkyPosition
from app.domain.stars import GaiaSource, StarId, StarNumber, parse_star_id

_RA = ("ra", "raj2000", "ra_icrs", "ra_j2000", "ra2000", "ra_deg", "radeg", "_raj2000", "_ra", "alpha")
_RA_TOO = ("right_ascension",)
_DEC = ("dec", "dej2000", "decj2000", "de_icrs", "dec_icrs", "dec_j2000", "dec2000", "dec_deg", "dedeg", "decdeg")
_DEC_TOO = ("_dej2000", "_de", "_dec", "delta", "declination")
_IDS = (
    "gaia_dr3_source_id",
    "gaia_source_id",
    "dr3_source_id",
    "source_id",
    "gaia_id",
    "gaia",
    "star_id",
    "id",
    "star",
)
_ANGLES = {"": 1.0, "deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": float(np.degrees(1.0))}
_HOURS = {"h": 15.0, "hour": 15.0, "hourangle": 15.0, "15deg": 15.0}  # the last is how astropy writes it in a VOTable


def given(field: pa.Field, what: str) -> str | None:
    """Return the unit, UCD or description that a table gives for a column, None where it gives none."""
    metadata: Mapping[bytes, bytes] = field.metadata or {}
    text = metadata.get(what.encode())
    return text.decode("utf-8", "replace") if text else None


def position_columns(schema: pa.Schema, ra: str | None, dec: str | None) -> tuple[str, str]:
    """Return the names of the columns with positions: those given, else by UCD, else by name.

    Raises:
        ParameterError: there is no such column, or none can be told from the others.
    """
    return (
        _given(schema, ra, "ra") if ra else _found(schema, "ra", ("pos.eq.ra", "pos_eq_ra"), _RA + _RA_TOO),
        _given(schema, dec, "dec") if dec else _found(schema, "dec", ("pos.eq.dec", "pos_eq_dec"), _DEC + _DEC_TOO),
    )


def id_column(schema: pa.Schema, name: str | None) -> str:
    """Return the name of the column with identifiers; arguments and errors as for positions."""
    return _given(schema, name, "id") if name else _found(schema, "id", (), _IDS)


def _given(schema: pa.Schema, name: str, parameter: str) -> str:
    if name not in schema.names:
        raise ParameterError(parameter, f"the table has no column {name!r}; it has {', '.join(schema.names)}")
    return name


def _found(schema: pa.Schema, parameter: str, ucds: Sequence[str], names: Sequence[str]) -> str:
    marked = {field.name: (given(field, "ucd") or "").lower() for field in schema}
    fitting: list[str] = [name for name, ucd in marked.items() if ucd and ucd.split(";")[0].split(".main")[0] in ucds]
    main: list[str] = [name for name in fitting if marked[name].endswith(("meta.main", "_main"))]
    for candidates in (main, fitting):
        if len(candidates) == 1:
            return candidates[0]
    by_name: dict[str, str] = {name.lower(): name for name in schema.names}
    for name in names:
        if name in by_name:
            return by_name[name]
    problem = f"which column is it? Name one of {', '.join(schema.names)} by {parameter}="
    raise ParameterError(parameter, f"is missing, and no column has a usual name: {problem}")


def positions(table: pa.Table, ra: str, dec: str) -> dict[str, NDArray[Any]]:
    """Return the positions in a table: `places` (numbers of rows from 0), `ra` and `dec`, for rows that have both.

    Raises:
        ParameterError: a column holds something else; names the first such row.
    """
    if pa.types.is_string(table[ra].type) or pa.types.is_string(table[dec].type):
        return _parsed(table[ra].to_pylist(), table[dec].to_pylist())
    ra_deg = _degrees(table, ra, "ra", _ANGLES | _HOURS)
    dec_deg = _degrees(table, dec, "dec", _ANGLES)
    known = np.isfinite(ra_deg) & np.isfinite(dec_deg)
    for values, parameter, lowest, highest in ((ra_deg, "ra", 0, 360), (dec_deg, "dec", -90, 90)):
        outside = np.flatnonzero(known & ((values < lowest) | (values > highest)))
        if len(outside):
            problem = f"must be from {lowest} to {highest} degrees, got {values[outside[0]]:g} in row {outside[0] + 1}"
            raise ParameterError(parameter, problem)
    return {"places": np.flatnonzero(known), "ra": ra_deg[known] % 360.0, "dec": dec_deg[known]}


def _degrees(table: pa.Table, name: str, parameter: str, units: Mapping[str, float]) -> NDArray[np.float64]:
    values, unit = table[name], (given(table.schema.field(name), "unit") or "").lower()
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_null(values.type)):
        raise ParameterError(parameter, f"column {name!r} holds {values.type}, not numbers")
    if unit not in units:
        raise ParameterError(parameter, f"column {name!r} is in {unit!r}, not in degrees")
    numbers: NDArray[np.float64] = values.cast(pa.float64()).fill_null(float("nan")).to_numpy()
    return numbers * units[unit]


def _parsed(ras: list[Any], decs: list[Any]) -> dict[str, NDArray[Any]]:
    found: list[tuple[int, float, float]] = []
    for place, (ra, dec) in enumerate(zip(ras, decs, strict=True)):
        if ra in {None, ""} or dec in {None, ""}:
            continue
        try:
            position = SkyPosition.parse(ra, dec)
        except ParameterError as error:
            raise ParameterError(error.parameter, f"{error.problem} in row {place + 1}") from error
        found.append((place, position.ra, position.dec))
    places, ra_deg, dec_deg = zip(*found, strict=True) if found else ((), (), ())
    return {"places": np.array(places, np.int64), "ra": np.array(ra_deg), "dec": np.array(dec_deg)}


def identifiers(table: pa.Table, name: str) -> dict[int, StarId]:
    """Return the stars that a column names, by the numbers of rows from 0; what cannot be read names none.

    Whole numbers are Gaia DR3 ids, in a column `star_id` numbers of SoS.

    Raises:
        ParameterError: the column holds neither texts nor whole numbers.
    """
    values = table[name]
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_integer(kind):
        make = StarNumber if name.lower() == "star_id" else GaiaSource
        return {place: make(number) for place, number in enumerate(values.to_pylist()) if number and 0 < number < 2**63}
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        problem = f"column {name!r} holds {kind}, which cannot hold 64-bit ids exactly: write whole numbers or texts"
        raise ParameterError("id", problem)
    stars: dict[int, StarId] = {}
    for place, text in enumerate(values.to_pylist()):
        try:
            stars[place] = parse_star_id(text or "")
        except ParameterError:
            continue
    return stars
