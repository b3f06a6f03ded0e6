"""Gaia source ids that went through a floating-point number: the last digits are lost, the id is another star's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.observations import Observations

STEP = 128
SAFE_BELOW = 2**60
ENOUGH_BITS = 30.0


def rounded_ids(survey: Integers, source_id: Integers) -> Booleans:
    """Say which Gaia source ids (n,) are rounded, judged by all ids of their survey.

    Source ids are multiples of 128 and fit a 64-bit float below 2^60. Above, a float keeps every second id (to 2^61),
    every fourth or every eighth: where all of a survey's ids are such, by chance less often than once in 2^30, they
    were rounded, and those above 2^60 cannot be believed.

    Args:
        survey: (n,) number of each row's survey.
        source_id: (n,) ids, 0 for none.

    >>> survey, ids = np.repeat([0, 1], 40), 4_654_951_736_571_465_088 + 128 * np.arange(80)
    >>> ids[:40] = ids[:40].astype(np.float64).astype(np.int64)
    >>> rounded_ids(survey, ids).tolist() == [True] * 40 + [False] * 40
    True
    """
    n_surveys = int(survey.max(initial=-1)) + 1
    lost, bits = evidence(survey, source_id, n_surveys)
    rounded: Booleans = (source_id >= SAFE_BELOW) & is_rounded(lost, bits)[survey]
    return rounded


def evidence(survey: Integers, source_id: Integers, n_surveys: int) -> tuple[Floats, Floats]:
    """Return for each survey (s,) how many of its ids a float would have changed, and how many bits speak of the rest.

    Both add up: what is known of some rows and of others is known of all of them.
    """
    fragile = source_id >= SAFE_BELOW
    numbers = source_id[fragile]
    as_float = numbers.astype(np.float64)
    kept = np.minimum(as_float, 2.0**63 - 1024.0).astype(np.int64) == numbers
    bits = np.log2(np.spacing(as_float) / STEP)
    whose = survey[fragile]
    lost = np.bincount(whose, ~kept, minlength=n_surveys).astype(np.float64)
    return lost, np.bincount(whose, bits, minlength=n_surveys).astype(np.float64)


def is_rounded(lost: Floats, bits: Floats) -> Booleans:
    """Say which surveys (s,) have rounded ids by what `evidence` found."""
    rounded: Booleans = (lost == 0) & (bits >= ENOUGH_BITS)
    return rounded


def without(rows: Observations, dr3: Booleans, dr2: Booleans) -> Observations:
    """Return the rows without the Gaia ids that are marked (n,)."""
    return replace(rows, gaia_dr3=np.where(dr3, 0, rows.gaia_dr3), gaia_dr2=np.where(dr2, 0, rows.gaia_dr2))


def without_rounded_ids(rows: Observations) -> tuple[Observations, Booleans]:
    """Return the rows without rounded Gaia ids, and which rows (n,) had one."""
    dr3, dr2 = rounded_ids(rows.survey, rows.gaia_dr3), rounded_ids(rows.survey, rows.gaia_dr2)
    return without(rows, dr3, dr2), dr3 | dr2
