"""Places on the sky as users write them: positions and cones, in degrees (ICRS)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.errors import ParameterError

RADIUS_UNITS: Mapping[str, float] = {"deg": 1.0, "arcmin": 60.0, "arcsec": 3600.0}

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_SEXAGESIMAL = re.compile(
    r"""(?P<sign>[+-])?\s*(?P<whole>\d{1,3})
        (?:\s*(?P<unit>[hd°:])\s*|\s+)(?P<minutes>\d{1,2})
        (?:(?:\s*[m':]\s*|\s+)(?P<seconds>\d{1,2}(?:\.\d*)?))?\s*[ms'"]?""",
    re.ASCII | re.VERBOSE,
)
_RA_FORMS = "degrees from 0 to 360 (such as 132.846) or hours (such as 08:51:23.1)"
_DEC_FORMS = "degrees from -90 to 90 (such as 11.8136) or sexagesimal degrees (such as +11:48:49)"


@dataclass(frozen=True)
class SkyPosition:
    """A position: `0 <= ra < 360` and `-90 <= dec <= 90`, in degrees."""

    ra: float
    dec: float

    @classmethod
    def parse(cls, ra: str | float, dec: str | float) -> SkyPosition:
        """Read a position in decimal degrees or sexagesimal: RA in hours (degrees with `d`), Dec in degrees.

        >>> SkyPosition.parse("08:51:18", "+11 48 00")
        SkyPosition(ra=132.825, dec=11.8)

        Raises:
            ParameterError: `ra` or `dec` is not a number, or lies outside its range.
        """
        return cls(parse_ra(ra) % 360.0, parse_dec(dec))


@dataclass(frozen=True)
class Cone:
    """All positions at most `radius` degrees from a centre: `0 <= radius <= 180`."""

    ra: float
    dec: float
    radius: float

    @classmethod
    def parse(cls, ra: str | float, dec: str | float, radius: str | float, unit: str = "deg") -> Cone:
        """Read a cone; `unit` (deg, arcmin or arcsec) is that of the radius alone.

        >>> Cone.parse(10.5, "-45", "30", "arcmin")
        Cone(ra=10.5, dec=-45.0, radius=0.5)

        Raises:
            ParameterError: `ra`, `dec`, `radius` or `unit` has no usable value.
        """
        centre = SkyPosition.parse(ra, dec)
        return cls(centre.ra, centre.dec, parse_radius(radius, unit))


def parse_ra(ra: str | float) -> float:
    """Return a right ascension in degrees, from 0 to 360, written in decimal degrees, or in hours (degrees with `d`).

    Raises:
        ParameterError: it is none.
    """
    degrees = _angle("ra", ra, degrees_per_unit=15.0, forms=_RA_FORMS)
    if not 0.0 <= degrees <= 360.0:
        raise ParameterError("ra", f"must be {_RA_FORMS}, got {ra!r}")
    return degrees


def parse_dec(dec: str | float) -> float:
    """Return a declination in degrees, from -90 to 90, written in degrees, decimal or sexagesimal.

    Raises:
        ParameterError: it is none.
    """
    degrees = _angle("dec", dec, degrees_per_unit=1.0, forms=_DEC_FORMS)
    if not -90.0 <= degrees <= 90.0:
        raise ParameterError("dec", f"must be {_DEC_FORMS}, got {dec!r}")
    return degrees


def parse_radius(radius: str | float, unit: str = "deg", largest_deg: float = 180.0) -> float:
    """Return a radius in degrees, given in `unit` (deg, arcmin or arcsec).

    Raises:
        ParameterError: `radius` is no number or lies outside its range, or `unit` is none of these.
    """
    if unit not in RADIUS_UNITS:
        raise ParameterError("unit", f"must be deg, arcmin or arcsec, got {unit!r}")
    parts = RADIUS_UNITS[unit]
    value = _decimal(radius)
    if value is None or not 0.0 <= value <= largest_deg * parts:
        raise ParameterError("radius", f"must be from 0 to {largest_deg * parts:g} {unit}, got {radius!r}")
    return value / parts


def _angle(parameter: str, value: str | float, *, degrees_per_unit: float, forms: str) -> float:
    angle = _decimal(value)
    if angle is None:
        angle = _sexagesimal(str(value), degrees_per_unit)
    if angle is None:
        raise ParameterError(parameter, f"must be {forms}, got {value!r}")
    return angle


def _decimal(value: str | float) -> float | None:
    if isinstance(value, str) and not _DECIMAL.fullmatch(value.strip()):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _sexagesimal(text: str, degrees_per_unit: float) -> float | None:
    found = _SEXAGESIMAL.fullmatch(text.strip())
    if found is None:
        return None
    minutes, seconds = int(found["minutes"]), float(found["seconds"] or 0.0)
    if minutes >= 60 or seconds >= 60.0 or (found["unit"] == "h" and degrees_per_unit == 1.0):
        return None
    scale = 1.0 if found["unit"] in ("d", "°") else degrees_per_unit
    size = (int(found["whole"]) * 3600 + minutes * 60 + seconds) * scale / 3600.0
    return -size if found["sign"] == "-" else size
