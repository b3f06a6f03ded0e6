"""Which star of an earlier cross-match is which star of this one, so that a star keeps its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.science.arrays import Integers
from app.science.crossmatch.observations import Observations


@dataclass(frozen=True)
class Known:
    """k stars of an earlier cross-match, sorted by number.

    Attributes:
        number: (k,) positive, increasing.
        gaia_dr3: (k,) the DR3 id that the star's identity is, 0 where it is another name.
        name_key: (k,) hash of the 2MASS designation or survey object that the identity is, as the rows' keys, or 0.
    """

    number: Integers
    gaia_dr3: Integers
    name_key: Integers


def kept_numbers(rows: Observations, star: Integers, n_stars: int, known: Known, number_of_row: Integers) -> Integers:
    """Return the number (m,) that each star had before, 0 for a new star.

    A known star is where its identity is: with the star that has the Gaia id, 2MASS designation or survey object that
    names it (of several, the one with most of its rows). If nothing has that name any more, it is where most of its
    rows are. Where several known stars meet in one, a star found by name comes before one found by rows, then the
    smallest number stays and the others end.

    Args:
        rows: n rows.
        star: (n,) star of each row, 0 <= star < m.
        n_stars: m.
        known: the earlier stars.
        number_of_row: (n,) number of the known star that each row belonged to, 0 for none.
    """
    matched = np.flatnonzero(np.isin(number_of_row, known.number))
    old = np.searchsorted(known.number, number_of_row[matched])
    by_rows, shared = np.unique(old * n_stars + star[matched], return_counts=True)
    names = ((known.gaia_dr3, rows.gaia_dr3), (known.name_key, rows.tmass_key), (known.name_key, rows.object_key))
    by_name = np.unique(np.concatenate([_named(name, key, star, n_stars) for name, key in names]))
    nameless = ~np.isin(by_rows // n_stars, by_name // n_stars)
    place = np.searchsorted(by_rows, by_name)
    common = np.where(np.isin(by_name, by_rows), np.append(shared, 0)[place], 0)
    claims = np.concatenate([_best(by_name, common, n_stars), _best(by_rows[nameless], shared[nameless], n_stars)])
    claimed, first = np.unique(claims % n_stars, return_index=True)
    numbers = np.zeros(n_stars, np.int64)
    numbers[claimed] = known.number[claims[first] // n_stars]
    return numbers


def _named(name: Integers, key: Integers, star: Integers, n_stars: int) -> Integers:
    """Return known star * m + star for every row that has the name of a known star."""
    order = np.argsort(name)
    order = order[name[order] != 0]
    names = name[order]
    rows = np.flatnonzero(np.isin(key, names) & (key != 0))
    old = order[np.searchsorted(names, key[rows])]
    pairs: Integers = old * n_stars + star[rows]
    return pairs


def _best(claims: Integers, weight: Integers, n_stars: int) -> Integers:
    """Return one claim (known star * m + star) for each known star: the heaviest, the first star of several."""
    order = np.lexsort((claims, -weight, claims // n_stars))
    _, first = np.unique(claims[order] // n_stars, return_index=True)
    return claims[order[first]]
