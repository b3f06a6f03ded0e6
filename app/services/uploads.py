"""Columns of users' tables that say which stars are meant: positions and identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from app.domain.errors import ParameterError
from app.domain.sky import parse_dec, parse_ra
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
    for usual in names:
        by_name: list[str] = [name for name in schema.names if name.lower() == usual]
        if len(by_name) > 1:
            raise ambiguous(parameter, by_name)
        if by_name:
            return by_name[0]
    problem = f"which column is it? Name one of {', '.join(schema.names)} by {parameter}="
    raise ParameterError(parameter, f"is missing, and no column has a usual name: {problem}")


def ambiguous(parameter: str, names: Sequence[str]) -> ParameterError:
    """Return the error for what could be one of several columns."""
    return ParameterError(parameter, f"could be any of the columns {', '.join(names)}: name one by {parameter}=")


def positions(table: pa.Table, ra: str, dec: str) -> dict[str, NDArray[Any]]:
    """Return the positions in a table: `places` (numbers of rows from 0), `ra` and `dec`, for rows that have both.

    Raises:
        ParameterError: a column holds something else; names the first such row.
    """
    ra_deg, dec_deg = _degrees(table, ra, "ra", _ANGLES | _HOURS), _degrees(table, dec, "dec", _ANGLES)
    known = np.isfinite(ra_deg) & np.isfinite(dec_deg)
    for values, parameter, lowest, highest in ((ra_deg, "ra", 0, 360), (dec_deg, "dec", -90, 90)):
        outside = np.flatnonzero(known & ((values < lowest) | (values > highest)))
        if len(outside):
            problem = f"must be from {lowest} to {highest} degrees, got {values[outside[0]]:g} in row {outside[0] + 1}"
            raise ParameterError(parameter, problem)
    return {"places": np.flatnonzero(known), "ra": ra_deg[known] % 360.0, "dec": dec_deg[known]}


def _degrees(table: pa.Table, name: str, parameter: str, units: Mapping[str, float]) -> NDArray[np.float64]:
    """Return a column of angles in degrees, NaN for what is missing; texts say themselves what they are in."""
    values = _without_dictionary(table[name])
    if _is_text(values.type):
        return _parsed(values.to_pylist(), parameter)
    unit = (given(table.schema.field(name), "unit") or "").lower()
    if not _is_number(values.type):
        raise ParameterError(parameter, f"column {name!r} holds {values.type}, not numbers")
    if unit not in units:
        raise ParameterError(parameter, f"column {name!r} is in {unit!r}, not in degrees")
    numbers: NDArray[np.float64] = values.cast(pa.float64(), safe=False).fill_null(float("nan")).to_numpy()
    return numbers * units[unit]


def _parsed(texts: list[str | None], parameter: str) -> NDArray[np.float64]:
    read = parse_ra if parameter == "ra" else parse_dec
    found = np.full(len(texts), np.nan)
    for place, text in enumerate(texts):
        if text is None or not text.strip() or text.strip().lower() == "nan":
            continue
        try:
            found[place] = read(text)
        except ParameterError as error:
            raise ParameterError(error.parameter, f"{error.problem} in row {place + 1}") from error
    return found


def _without_dictionary(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    return any(is_one(kind) for is_one in kinds)


def identifiers(table: pa.Table, name: str) -> dict[int, StarId]:
    """Return the stars that a column names, by the numbers of rows from 0; what cannot be read names none.

    Whole numbers, also where they are written as texts, are Gaia DR3 ids, in a column `star_id` numbers of SoS.

    Raises:
        ParameterError: the column holds neither texts nor whole numbers.
    """
    values = _without_dictionary(table[name])
    make = StarNumber if name.lower() == "star_id" else GaiaSource
    if pa.types.is_integer(values.type):
        return {place: make(number) for place, number in enumerate(values.to_pylist()) if number and 0 < number < 2**63}
    if not _is_text(values.type):
        problem = (
            f"column {name!r} holds {values.type}, which cannot hold 64-bit ids exactly: write whole numbers or texts"
        )
        raise ParameterError("id", problem)
    stars: dict[int, StarId] = {}
    for place, text in enumerate(values.to_pylist()):
        try:
            stars[place] = _star(text or "", make)
        except ParameterError:
            continue
    return stars


def _star(text: str, make: type[StarNumber | GaiaSource]) -> StarId:
    digits = text.strip()
    if digits.isascii() and digits.isdigit() and len(digits) < 20 and 0 < int(digits) < 2**63:
        return make(int(digits))
    return parse_star_id(text)
