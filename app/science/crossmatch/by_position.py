"""Sources joined by position: the nearest first, and only where no other source could claim the place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.crossmatch.forest import root, roots, singles, unite
from app.science.crossmatch.motion import separations
from app.science.crossmatch.pairs import pairs_among

REPEAT_ARCSEC = 1.0
CLEAR_FACTOR = 2.0
CLEAR_ARCSEC = 0.5
MOST_NEIGHBOURS = 50


@dataclass(frozen=True)
class Sources:
    """n sources, in canonical order: rows already known to be of one star, with the place of the best of them.

    `surveys` has bit s set for each survey s that saw the source; an identifier of 0 is none.
    """

    surveys: Integers
    gaia_dr3: Integers
    gaia_dr2: Integers
    tmass_key: Integers
    ra: Floats
    dec: Floats
    epoch_jyear: Floats
    pm_ra_cosdec_masyr: Floats
    pm_dec_masyr: Floats
    radius_arcsec: Floats

    def __len__(self) -> int:
        return len(self.ra)


@dataclass(frozen=True)
class Placed:
    """`root` (n,) is the first source of each source's star; `crowded` (n,) marks those with another star in reach."""

    root: Integers
    crowded: Booleans


class _Neighbourhood(NamedTuple):
    """Neighbours of source i by number: `start[i]` to `start[i + 1]` of the other arrays (a tuple: numba takes it)."""

    start: Integers
    source: Integers
    apart: Floats
    fits: Booleans


def join_by_position(sources: Sources) -> Placed:
    """Join sources to stars by position at a common epoch; what cannot be told apart is left apart and marked.

    Two sources are a pair where they are closer than the larger of their match radii. Pairs are taken by separation, so
    that each is the nearest of both its sides when its turn comes, and join if every source on one side is a pair with
    every source on the other, and

    - no identifiers differ: Gaia DR3, Gaia DR2 or 2MASS;
    - no survey saw both sides, unless closer than `REPEAT_ARCSEC`: a repeat observation;
    - no third source that belongs to one side but not to both is nearly as close: within `CLEAR_FACTOR` times the
      separation plus `CLEAR_ARCSEC`.

    A source that is a pair with a source of another star is crowded, joined or not: the light may be both stars'.

    Raises:
        CrowdError: sources have more than `MOST_NEIGHBOURS` neighbours on average (and a million in all).
    """
    n = len(sources)
    first, second, apart = _pairs(sources)
    fits = _may_be_one(sources, first, second, apart)
    del sources  # the largest of all; the caller lets go of it too
    order = np.lexsort((second, first, apart))
    first, second, apart, fits = first[order], second[order], apart[order], fits[order]
    parent = singles(n)
    _join(parent, first, second, apart, fits, _neighbourhood(n, first, second, apart, fits))
    star = roots(parent)
    crowded = np.zeros(n, np.bool_)
    others = star[first] != star[second]
    crowded[first[others]] = crowded[second[others]] = True
    return Placed(star, crowded)


def _pairs(sources: Sources) -> tuple[Integers, Integers, Floats]:
    """Return pairs (first < second) and their separation at a common epoch, below the larger match radius."""
    radius = sources.radius_arcsec
    pm = np.hypot(sources.pm_ra_cosdec_masyr, sources.pm_dec_masyr) / 1000.0
    epoch = sources.epoch_jyear
    years = np.maximum(epoch.max(initial=0.0) - epoch, epoch - epoch.min(initial=np.inf)) if len(epoch) else epoch
    reach = np.where(np.isfinite(pm), radius.max(initial=0.0) + pm * years, radius)
    near = pairs_among(sources.ra, sources.dec, reach, most=MOST_NEIGHBOURS * len(sources) + 1_000_000)
    first, second = np.minimum(near.left, near.right), np.maximum(near.left, near.right)
    motion = sources.pm_ra_cosdec_masyr, sources.pm_dec_masyr
    apart = separations(first, second, sources.ra, sources.dec, epoch, *motion)
    close = apart <= np.maximum(radius[first], radius[second])
    return first[close], second[close], apart[close]


def _may_be_one(sources: Sources, first: Integers, second: Integers, apart: Floats) -> Booleans:
    fits: Booleans = ((sources.surveys[first] & sources.surveys[second]) == 0) | (apart <= REPEAT_ARCSEC)
    for key in (sources.gaia_dr3, sources.gaia_dr2, sources.tmass_key):
        one, other = key[first], key[second]
        fits &= (one == other) | (one == 0) | (other == 0)
    return fits


def _neighbourhood(n: int, first: Integers, second: Integers, apart: Floats, fits: Booleans) -> _Neighbourhood:
    source, neighbour = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((neighbour, source))
    start = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(source, minlength=n), out=start[1:])
    return _Neighbourhood(start, neighbour[order], np.tile(apart, 2)[order], np.tile(fits, 2)[order])


@numba.njit(cache=True, nogil=True)
def _join(parent: Any, first: Any, second: Any, apart: Any, fits: Any, near: Any) -> None:
    following = np.full(len(parent), -1, np.int64)
    last = np.arange(len(parent))
    for k in range(len(first)):
        a, b = root(parent, first[k]), root(parent, second[k])
        if a == b or not fits[k] or not _all_fit(a, b, following, near):
            continue
        limit = CLEAR_FACTOR * apart[k] + CLEAR_ARCSEC
        if _rivalled(a, b, limit, parent, following, near) or _rivalled(b, a, limit, parent, following, near):
            continue
        head = unite(parent, a, b)
        tail = b if head == a else a
        following[last[head]] = tail
        last[head] = last[tail]


@numba.njit(cache=True, nogil=True)
def _all_fit(a: Any, b: Any, following: Any, near: Any) -> Any:
    """Say whether every source of set a fits every source of set b."""
    x = a
    while x >= 0:
        if not _fits_set(x, b, following, near):
            return False
        x = following[x]
    return True


@numba.njit(cache=True, nogil=True)
def _fits_set(x: Any, b: Any, following: Any, near: Any) -> Any:
    y = b
    while y >= 0:
        start, stop = near.start[x], near.start[x + 1]
        place = start + np.searchsorted(near.source[start:stop], y)
        if place == stop or near.source[place] != y or not near.fits[place]:
            return False
        y = following[y]
    return True


@numba.njit(cache=True, nogil=True)
def _rivalled(a: Any, b: Any, limit: Any, parent: Any, following: Any, near: Any) -> Any:
    """Say whether a third source closer than the limit fits a source of set a, but not all of set b."""
    x = a
    while x >= 0:
        for k in range(near.start[x], near.start[x + 1]):
            if near.apart[k] > limit or not near.fits[k]:
                continue
            other = root(parent, near.source[k])
            if other not in (a, b) and not _fits_set(near.source[k], b, following, near):
                return True
        x = following[x]
    return False
