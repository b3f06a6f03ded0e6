"""What the cross-match knows of a survey row: its survey, identifiers, position, epoch and proper motion."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from app.science.arrays import Booleans, Floats, Integers
from app.science.sphere import healpix_nested

MOST_SURVEYS = 63


@dataclass(frozen=True)
class Observations:
    """n survey rows; an identifier of 0 is none, a proper motion of NaN unknown.

    Surveys are numbered from 0 by the order of their names, objects and 2MASS designations by a 64-bit hash of the
    text, so that nothing here depends on when a survey was taken in.
    """

    survey: Integers
    object_key: Integers
    gaia_dr3: Integers
    gaia_dr2: Integers
    tmass_key: Integers
    ra: Floats
    dec: Floats
    epoch_jyear: Floats
    pm_ra_cosdec_masyr: Floats
    pm_dec_masyr: Floats

    def __len__(self) -> int:
        return len(self.ra)

    def taken(self, rows: Integers | Booleans) -> Observations:
        """Return the rows with these numbers, in this order, or those that are marked (n,)."""
        return replace(self, **{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def canonical_order(rows: Observations) -> Integers:
    """Return the order (n,) of rows by what they say alone: along the sky, then by survey, object and identifiers."""
    pixel = healpix_nested(rows.ra, rows.dec)
    order = np.argsort(pixel, kind="stable")
    pixel = pixel[order]
    equal = np.flatnonzero(pixel[1:] == pixel[:-1])
    if len(equal):
        tied = np.union1d(equal, equal + 1)
        among = order[tied]
        keys = (rows.epoch_jyear, rows.dec, rows.ra, rows.tmass_key, rows.gaia_dr2, rows.gaia_dr3, rows.object_key)
        order[tied] = among[np.lexsort((*(key[among] for key in keys), rows.survey[among], pixel[tied]))]
    return order
