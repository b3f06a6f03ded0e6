"""Which columns of a user's table hold Teff, log g, [Fe/H], their errors, S/N and magnitudes."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from app.domain.conversions import ERRORS, ROLES, UNIFIED
from app.domain.errors import ParameterError
from app.domain.quantities import PARAMETERS, QUANTITIES, Parameter
from app.services.uploads import ambiguous, given

_NAMES: Mapping[str, tuple[str, ...]] = {
    "teff": ("teff", "t_eff", "teff_k", "effective_temperature", "temperature", "teff_spec"),
    "logg": ("logg", "log_g", "log_g_cgs", "surface_gravity", "gravity", "logg_spec"),
    "feh": ("feh", "fe_h", "[fe/h]", "m_h", "mh", "metallicity", "feh_spec"),
    "teff_err": ("teff_err", "e_teff", "err_teff", "teff_error", "sigma_teff", "teff_unc"),
    "logg_err": ("logg_err", "e_logg", "err_logg", "logg_error", "sigma_logg", "logg_unc"),
    "feh_err": ("feh_err", "e_feh", "e_fe_h", "fe_h_err", "err_feh", "feh_error", "sigma_feh", "e_[fe/h]", "m_h_err"),
    "snr": ("snr", "sn", "s_n", "snrg", "signal_to_noise"),
    "g_mag": ("g_mag", "gmag", "phot_g_mean_mag", "gaia_g", "gmag_edr3"),
    "k_mag": ("k_mag", "kmag", "ks_mag", "ksmag", "k_m", "ks_m"),
}
_UCDS: Mapping[str, str] = {
    **{parameter: quantity.ucd for parameter, quantity in QUANTITIES.items()},
    **{f"{parameter}_err": f"stat.error;{quantity.ucd}" for parameter, quantity in QUANTITIES.items()},
    "snr": "stat.snr",
}
_KELVIN = {"", "k", "kelvin"}


def parameter_columns(schema: pa.Schema, named: Mapping[str, str], source: str) -> dict[str, str]:
    """Return the names of columns by what they hold: those given, else by UCD, else by name.

    Args:
        schema: of the table.
        named: columns that are given.
        source: the scale that the values are on: our own files hold a survey's values as `teff_raw`.

    Raises:
        ParameterError: a column that is given does not exist, Teff, log g or [Fe/H] cannot be found or could be one of
            several, a column is given for two of them, or Teff is not in K.
    """
    found = {}
    for role in ROLES:
        if role in named:
            if named[role] not in schema.names:
                raise ParameterError(role, f"the table has no column {named[role]!r}; it has {', '.join(schema.names)}")
            found[str(role)] = named[role]
        elif (guess := _guess(schema, role, raw=source != UNIFIED)) is not None:
            found[str(role)] = guess
    for role in PARAMETERS:
        if role not in found:
            problem = f"which column is it? Name one of {', '.join(schema.names)} by {role}="
            raise ParameterError(role, f"is missing, and no column has a usual name: {problem}")
    _insist_on_different(found)
    for role in (Parameter.TEFF, ERRORS[0]):
        unit = given(schema.field(found[role]), "unit") if role in found else None
        if (unit or "").lower() not in _KELVIN:
            raise ParameterError(role, f"column {found[role]!r} is in {unit!r}, not in K")
    return found


def _insist_on_different(found: Mapping[str, str]) -> None:
    taken: dict[str, str] = {}
    for role, name in found.items():
        if name in taken:
            raise ParameterError(role, f"column {name!r} is taken for another quantity: {taken[name]}")
        taken[name] = role


def found_by(schema: pa.Schema, role: str, name: str, named: Mapping[str, str]) -> str:
    """Return how the column of a role was told from the others: `given`, `UCD` or `name`."""
    if role in named:
        return "given"
    ucd = _ucd(schema.field(name))
    expected = ("pos.eq.", "pos_eq_") if role in {"ra", "dec"} else (_UCDS[role].lower(),) if role in _UCDS else ()
    return "UCD" if ucd and ucd.startswith(expected) else "name"


def _guess(schema: pa.Schema, role: str, *, raw: bool) -> str | None:
    marked = {field.name: (given(field, "ucd") or "").lower() for field in schema}
    by_ucd: list[str] = [field.name for field in schema if _ucd(field) and _ucd(field) == _UCDS.get(role, "").lower()]
    main = [name for name in by_ucd if marked[name].endswith(";meta.main")]
    for candidates in (main, by_ucd):
        if len(candidates) == 1:
            return candidates[0]
    names = _NAMES[role]
    if raw and role in list(PARAMETERS):
        names = (f"{role}_raw", *names)
    for name in names:
        by_name: list[str] = [one for one in schema.names if one.lower() == name]
        if len(by_name) > 1:
            raise ambiguous(role, by_name)
        if by_name:
            return by_name[0]
    if len(by_ucd) > 1 and role in list(PARAMETERS):
        raise ambiguous(role, by_ucd)
    return None


def _ucd(field: pa.Field) -> str:
    return (given(field, "ucd") or "").lower().removesuffix(";meta.main")
