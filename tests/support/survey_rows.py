"""Builds survey rows for the tests of the cross-match."""

from __future__ import annotations

from typing import Any

import numpy as np

from app.science.crossmatch.observations import Observations, canonical_order
from app.science.crossmatch.resolve import Stars, resolve

ARCSEC = 1 / 3600
EMPTY = {"survey": 0, "gaia_dr3": 0, "gaia_dr2": 0, "tmass_key": 0, "epoch_jyear": 2016.0,
         "pm_ra_cosdec_masyr": np.nan, "pm_dec_masyr": np.nan}  # fmt: skip


def row(survey: int, east: float = 0.0, north: float = 0.0, **values: Any) -> dict[str, Any]:
    """A row of a survey, so many arcsec east and north of RA 0, Dec 0 (wraps)."""
    return EMPTY | {"survey": survey, "ra": east * ARCSEC % 360, "dec": north * ARCSEC} | values


def observations(*rows: dict[str, Any]) -> Observations:
    """The rows as arrays; a row without `object_key` is an object of its own."""
    given = [{"object_key": 1_000 + number} | one for number, one in enumerate(rows)]
    floats = ("ra", "dec", "epoch_jyear", "pm_ra_cosdec_masyr", "pm_dec_masyr")
    return Observations(
        **{
            name: np.array([one[name] for one in given], np.float64 if name in floats else np.int64)
            for name in Observations.__dataclass_fields__
        }
    )


def resolved(
    *rows: dict[str, Any], radius: float | list[float] = 3.0
) -> tuple[list[int], list[bool], Stars, np.ndarray]:
    """Star and ambiguity of each row in the order given, what `resolve` said, and the order it saw the rows in."""
    given = observations(*rows)
    order = canonical_order(given)
    n_surveys = int(given.survey.max()) + 1
    stars = resolve(given.taken(order), np.broadcast_to(np.asarray(radius, float), (n_surveys,)))
    back = np.argsort(order)
    return stars.star[back].tolist(), stars.ambiguous[back].tolist(), stars, order
