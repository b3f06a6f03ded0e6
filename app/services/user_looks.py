"""What is understood of a user's table before it is homogenized: its columns, and what can be done with its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from app.domain.conversions import ROLES
from app.domain.errors import ParameterError
from app.domain.files import FileFormat
from app.domain.quantities import QUANTITIES, Parameter
from app.domain.user_surveys import IDENTIFIERS, POSITIONS, Look, TakenColumn, UserSurveyRequest
from app.services.parameter_columns import found_by, parameter_columns
from app.services.uploads import given, id_column, identifiers, position_columns, positions
from app.services.user_columns import SAME_KIND
from app.services.user_frames import frame_of_table, without_value

_UNITS: Mapping[str, str] = {
    "ra": "deg",
    "dec": "deg",
    "g_mag": "mag",
    "k_mag": "mag",
    **{role + ending: QUANTITIES[Parameter(role)].unit for role in ("teff", "logg", "feh") for ending in ("", "_err")},
}


def look_at(content: bytes, table: pa.Table, came_as: str, version: int, wanted: UserSurveyRequest) -> Look:
    """Return what is understood of a table.

    Args:
        content: the file.
        table: as it was read from the file.
        came_as: the kind of file.
        version: of the catalogue.
        wanted: what its user says.

    Raises:
        ParameterError: a column is missing or could be one of several, a value cannot be read, or no row can be used.
    """
    named = dict(wanted.columns or {})
    where = _places(table, wanted, named)
    measured = parameter_columns(table.schema, {role: name for role, name in named.items() if role in ROLES}, "")
    frame = frame_of_table(table, measured)
    usable = int(frame.used.all(axis=1).sum())
    if not usable:
        raise ParameterError("teff", _nothing(measured, table.num_rows))
    taken = where | measured
    columns = tuple(_taken(table, role, name, named) for role, name in taken.items())
    used = set(taken.values())
    return Look(
        version=version,
        name=wanted.name,
        sha256=hashlib.sha256(content).hexdigest(),
        came_as=came_as,
        format=str(wanted.file or SAME_KIND.get(came_as, FileFormat.CSV)),
        rows=table.num_rows,
        by=IDENTIFIERS if wanted.radius is None else POSITIONS,
        radius=wanted.radius,
        columns=columns,
        unused=tuple(name for name in table.schema.names if name not in used),
        usable=usable,
        refused={reason: int(rows.sum()) for reason, rows in without_value(frame) if rows.any()},
        findable=_findable(table, where),
    )


def _places(table: pa.Table, wanted: UserSurveyRequest, named: Mapping[str, str]) -> dict[str, str]:
    """Return which columns say what star a row is of."""
    if wanted.radius is not None:
        ra, dec = position_columns(table.schema, named.get("ra"), named.get("dec"))
        return {"ra": ra, "dec": dec}
    try:
        return {"id": id_column(table.schema, named.get("id"))}
    except ParameterError as error:
        if "id" in named:
            raise
        raise ParameterError("id", f"{error.problem}; or give a radius= to find stars by position") from error


def _findable(table: pa.Table, where: Mapping[str, str]) -> int:
    if "id" in where:
        count = len(identifiers(table, where["id"]))
        role, kind = "id", "identifier: write Gaia DR3 ids, gaia:ID, SURVEY:OBJECT or sos:NUMBER"
    else:
        count = len(positions(table, where["ra"], where["dec"])["places"])
        role, kind = "ra", "position: write right ascension and declination in degrees"
    if not count:
        raise ParameterError(role, f"no row of column {where[role]!r} has a readable {kind}")
    return count


def _taken(table: pa.Table, role: str, name: str, named: Mapping[str, str]) -> TakenColumn:
    field, values = table.schema.field(name), table[name]
    known = len(values) - values.null_count
    if pa.types.is_floating(values.type):
        known = int(np.isfinite(values.fill_null(float("nan")).to_numpy()).sum())
    found = found_by(table.schema, role, name, named)
    return TakenColumn(role, name, found, given(field, "unit"), _UNITS.get(role), known)


def _nothing(measured: Mapping[str, str], rows: int) -> str:
    names = ", ".join(f"{role} from {measured[role]!r}" for role in ("teff", "logg", "feh"))
    return f"none of {rows:,} rows has Teff (K), log g and [Fe/H] of a star ({names}): name the columns by teff=, ..."
