"""Stars: how users name them, how SoS names them, and what a cross-match found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from app.domain.errors import ParameterError

GAIA, TMASS, SOS = "gaia", "2mass", "sos"
GREATEST_ID = 2**63 - 1

_NUMBER = re.compile(r"\d{1,19}", re.ASCII)
_BARE_GAIA = re.compile(r"\d{15,19}", re.ASCII)
_SURVEY = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
_FORMS = "gaia:604906737317927296, apogee_dr17:2M08520715+1149254, sos:42 or a Gaia DR3 id of 15 or more digits"


@dataclass(frozen=True)
class GaiaSource:
    """A star by its Gaia DR3 source id."""

    source_id: int

    def __str__(self) -> str:
        return f"{GAIA}:{self.source_id}"


@dataclass(frozen=True)
class SurveyObject:
    """A star by a survey's own id for it."""

    survey: str
    object_id: str

    def __str__(self) -> str:
        return f"{self.survey}:{self.object_id}"


@dataclass(frozen=True)
class StarNumber:
    """A star by the number that SoS gave it."""

    number: int

    def __str__(self) -> str:
        return f"{SOS}:{self.number}"


StarId: TypeAlias = GaiaSource | SurveyObject | StarNumber


def parse_star_id(text: str, parameter: str = "id") -> StarId:
    """Read an identifier: `gaia:ID`, `sos:NUMBER`, `SURVEY:OBJECT`, or a bare Gaia id of 15 digits or more.

    >>> parse_star_id("604906737317927296")
    GaiaSource(source_id=604906737317927296)

    Raises:
        ParameterError: the text is none of these.
    """
    name = text.strip()
    if _BARE_GAIA.fullmatch(name):
        return GaiaSource(_number(name, text, parameter))
    catalogue, colon, rest = name.partition(":")
    rest = rest.strip()
    if not colon or not rest:
        raise _unreadable(text, parameter)
    if catalogue.lower() == GAIA:
        return GaiaSource(_number(rest, text, parameter))
    if catalogue.lower() == SOS:
        return StarNumber(_number(rest, text, parameter))
    if not _SURVEY.fullmatch(catalogue) or "\0" in rest:
        raise _unreadable(text, parameter)
    return SurveyObject(catalogue, rest)


def _number(digits: str, text: str, parameter: str) -> int:
    if not _NUMBER.fullmatch(digits) or not 0 < int(digits) <= GREATEST_ID:
        raise _unreadable(text, parameter)
    return int(digits)


def _unreadable(text: str, parameter: str) -> ParameterError:
    return ParameterError(parameter, f"{text!r} names no star; write {_FORMS}")


@dataclass(frozen=True)
class Overlap:
    """How many stars two surveys have in common."""

    first: str
    second: str
    stars: int


@dataclass(frozen=True)
class RoundedIds:
    """How many rows of a survey have a Gaia id that lost its last digits in a floating-point number."""

    survey: str
    rows: int


@dataclass(frozen=True)
class CrossmatchSummary:
    """What a cross-match made of all measurements.

    `by_id`, `by_position` and `alone` add up to `measurements`; `ambiguous` of these are flagged. `matched_stars` have
    two measurements or more. `new_stars` got a number for the first time, `gone_stars` had one and are no more: their
    measurements were deleted, or turned out to be another star's. `rounded_ids` were left aside. All of this is about
    the whole; `looked_at` measurements were matched anew, all of them for the reason `why_full`, or, where that is
    None, those that what came and went can have changed.
    """

    measurements: int
    by_id: int
    by_position: int
    alone: int
    ambiguous: int
    stars: int
    matched_stars: int
    ambiguous_stars: int
    new_stars: int
    gone_stars: int
    overlaps: tuple[Overlap, ...]
    rounded_ids: tuple[RoundedIds, ...]
    looked_at: int
    why_full: str | None
