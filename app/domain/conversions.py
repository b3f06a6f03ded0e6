"""Conversions from one survey's scale to another's: what is asked, and what the flags of an answer mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.domain.columns import Column, Kind
from app.domain.errors import ParameterError, TooLargeError
from app.domain.quantities import PARAMETERS, QUANTITIES

UNIFIED = "unified"
MOST_ROWS = 100_000
SHOWN = 40

ERRORS = tuple(f"{parameter}_err" for parameter in PARAMETERS)
MAGNITUDES = ("g_mag", "k_mag")
ROLES: tuple[str, ...] = (*PARAMETERS, *ERRORS, "snr", *MAGNITUDES)
"""What a column of a table, or a member of a star, can be."""

NOT_CONVERGED, OUTSIDE_DOMAIN, NO_ERROR, TYPICAL_SNR, TYPICAL_MAGNITUDE, NO_VALUE, ERROR_UNUSED = (
    1 << bit for bit in range(7)
)
FLAGS = (
    "bit 0: the inversion did not settle; 1: outside the domain of a model; 2: an error that counts is not given, and "
    "the survey's typical one (of the unified scale: none) is taken; 3: S/N, 4: the magnitude is not known, and a "
    "typical one is taken; 5: a parameter is missing or no star has such a value; 6: an error is given and not used, "
    "for the models know the survey's errors"
)


@dataclass(frozen=True)
class ConversionRequest:
    """What is to be converted.

    Attributes:
        source: the survey on whose scale the values are, or `unified`.
        target: the survey whose scale is wanted, or `unified`.
        columns: names of a table's columns by what they hold, where they are given and not to be found.
        version: whose models are used; None for the published one.
    """

    source: str
    target: str
    columns: Mapping[str, str]
    version: int | None = None


@dataclass(frozen=True)
class StarsGiven:
    """Stars of a JSON body: the scales that it names, and the members of the stars, each a list with None for none."""

    source: str | None
    target: str | None
    columns: Mapping[str, list[float | None]]


def parse_stars(content: bytes) -> StarsGiven:
    """Return the stars of a body such as `{"from": "lamost_lrs", "stars": [{"teff": 4800, "logg": 2.5, "feh": -0.1}]}`.

    Raises:
        ParameterError: it is something else; names the row, from 1, and the member.
        TooLargeError: it has more than 100,000 stars.
    """
    if content.count(b",") > MOST_ROWS * len(ROLES) + 1:  # before it is unfolded to many times its size
        raise TooLargeError("stars", f"a request may have {MOST_ROWS:,} rows at most, and this has far more values")
    try:
        body = orjson.loads(content)
    except ValueError as error:
        raise ParameterError(
            "body", f"must be a JSON object with a list `stars`, but it is no JSON: {error}"
        ) from error
    if not isinstance(body, dict) or not isinstance(body.get("stars"), list):
        raise ParameterError("stars", 'is missing: the body must be {"from": ..., "to": ..., "stars": [{"teff": ...}]}')
    for name in sorted(set(body) - {"from", "to", "stars"}):
        raise ParameterError(name[:SHOWN], "is no member of the body; it takes from, to, stars")
    stars = body["stars"]
    if len(stars) > MOST_ROWS:
        raise TooLargeError("stars", f"a request may have {MOST_ROWS:,} rows at most, got {len(stars):,}")
    for row, star in enumerate(stars, start=1):
        _check(row, star)
    columns = {role: [star.get(role) for star in stars] for role in ROLES}
    return StarsGiven(_text(body, "from"), _text(body, "to"), columns)


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise ParameterError(name, f"must be the name of a survey, or '{UNIFIED}', got {value!r:.40}")
    return value


def _check(row: int, star: Any) -> None:
    if not isinstance(star, dict):
        raise ParameterError("stars", f"row {row} must be an object with teff, logg and feh, got {star!r:.40}")
    for name, value in star.items():
        if name not in ROLES:
            raise ParameterError("stars", f"row {row}: there is no {name[:SHOWN]!r}; a star takes {', '.join(ROLES)}")
        if value is not None and type(value) not in {int, float}:
            raise ParameterError("stars", f"row {row}, {name}: {value!r:.40} is no number")


def converted_columns(target: str) -> tuple[Column, ...]:
    """Return the columns that a table gets: parameters on the target's scale with 68 % intervals, and the flags."""
    columns = []
    for quantity in QUANTITIES.values():
        name, meaning = f"{quantity.parameter}_{target}", f"{quantity.symbol} on the scale {target}"
        for end, what, ucd in (("", "", ""), ("_lower", "lower", "min"), ("_upper", "upper", "max")):
            words = f"{meaning}: {what} end of the 68 % interval" if what else meaning
            marked = f"{quantity.ucd};stat.{ucd}" if ucd else quantity.ucd
            columns.append(Column(name + end, Kind.REAL, words, quantity.unit, marked))
    return (
        *columns,
        Column("in_domain", Kind.BOOLEAN, "Whether the models were trained on such stars", None, "meta.code.qual"),
        Column("converged", Kind.BOOLEAN, "Whether the inversion settled", None, "meta.code.qual"),
        Column("conversion_flags", Kind.INTEGER, "Flags of the conversion, a bit mask", None, "meta.code.qual"),
    )
