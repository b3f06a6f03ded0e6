"""The tables `star` and `match` as columns: which number, identity and split each star has or gets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from app.pipeline.match_input import Measurements
from app.pipeline.star_names import collected, new_identities
from app.science.arrays import Integers
from app.science.calibration.split import split_of
from app.science.crossmatch.attributes import Attributes
from app.science.crossmatch.numbering import Known, kept_numbers
from app.science.crossmatch.resolve import Stars
from app.storage import matching


@dataclass(frozen=True)
class Found:
    """The stars of measurements; `affected` where these are not all, but those that are marked as matched anew."""

    measurements: Measurements
    stars: Stars
    attributes: Attributes
    affected: bool


@dataclass(frozen=True)
class Numbering:
    """`number` (m,) of each star; the `known` stars of earlier runs, and the `place` (m,) of a star there, or -1."""

    number: Integers
    known: matching.Columns
    place: Integers

    @property
    def n_kept(self) -> int:
        """How many stars were known before."""
        return int((self.place >= 0).sum())


def numbered(connection: Connection, found: Found) -> Numbering:
    """Find the stars that were known before, and give numbers to the new ones."""
    known = matching.known_stars(connection, affected=found.affected)
    named = Known(known["star_id"], known["gaia_dr3"], known["name_key"])
    stars = found.stars
    measurements = found.measurements
    number = kept_numbers(measurements.rows, stars.star, len(stars), named, measurements.star)
    place = np.where(number > 0, np.searchsorted(known["star_id"], number), -1)
    number[place < 0] = matching.take_star_numbers(connection, int((place < 0).sum()))
    return Numbering(number, known, place)


def star_table(connection: Connection, found: Found, numbering: Numbering) -> dict[str, Any]:
    """Return the columns of the table `star`, by number."""
    stars, attributes = found.stars, found.attributes
    tmass = collected(
        matching.tmass_names(connection, affected=found.affected),
        found.measurements.measurement_id,
        attributes.tmass_row,
    )
    identity, split = _identified(connection, found, numbering, tmass)
    columns: dict[str, Any] = {
        "star_id": numbering.number,
        "identity": identity,
        "gaia_dr3_source_id": np.ma.masked_equal(stars.gaia_dr3, 0),
        "tmass": tmass,
        "ra": attributes.ra,
        "dec": attributes.dec,
        "epoch_jyear": attributes.epoch_jyear,
        "pm_ra_cosdec_masyr": attributes.pm_ra_cosdec_masyr,
        "pm_dec_masyr": attributes.pm_dec_masyr,
        **attributes.magnitudes,
        "split": split,
        "n_measurements": np.minimum(stars.n_rows, np.iinfo(np.int16).max).astype(np.int16),
        "n_surveys": stars.n_surveys.astype(np.int16),
        "ambiguous": np.bincount(stars.star, stars.ambiguous, minlength=len(stars)) > 0,
    }
    return _sorted(columns, by=numbering.number)


def match_table(found: Found, numbering: Numbering) -> dict[str, Any]:
    """Return the columns of the table `match`, by measurement."""
    measurements, stars = found.measurements, found.stars
    columns: dict[str, Any] = {
        "measurement_id": measurements.measurement_id,
        "survey_id": measurements.survey_ids.astype(np.int16)[measurements.rows.survey],
        "star_id": numbering.number[stars.star],
        "separation_arcsec": found.attributes.separation_arcsec.astype(np.float32),
        "how": stars.how,
        "ambiguous": stars.ambiguous,
    }
    return _sorted(columns, by=measurements.measurement_id)


def _sorted(columns: dict[str, Any], *, by: Integers) -> dict[str, Any]:
    if np.all(by[1:] > by[:-1]):
        return columns
    order = np.argsort(by)
    for name, values in columns.items():
        columns[name] = values.take(order)
    return columns


def _identified(
    connection: Connection, found: Found, numbering: Numbering, tmass: pa.Array
) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.int16]]]:
    """Return identity and split (m,): those that known stars have, and new ones for new stars."""
    known, place = numbering.known, numbering.place
    kept, new = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)
    old = matching.identities(connection, affected=found.affected).take(place[kept])
    fresh = _fresh_identities(connection, found, new, tmass, old, known["gaia_dr3"])
    split = np.empty(len(place), np.int16)
    split[kept], split[new] = known["split"][place[kept]], split_of(fresh)
    if len(kept) == 0:
        return fresh, split
    order = np.argsort(np.concatenate([kept, new]))
    return pa.concat_arrays([old, fresh]).take(order), split


def _fresh_identities(
    connection: Connection, found: Found, new: Integers, tmass: pa.Array, taken: pa.Array, taken_gaia: Integers
) -> pa.Array:
    gaia, attributes = found.stars.gaia_dr3[new], found.attributes
    unnamed = (gaia == 0) | np.isin(gaia, taken_gaia)
    wanted = np.where(unnamed, attributes.object_row[new], -1)
    objects = collected(
        matching.object_names(connection, affected=found.affected), found.measurements.measurement_id, wanted
    )
    place = attributes.ra[new], attributes.dec[new]
    if not found.affected:
        return new_identities(gaia, tmass.take(new), objects, *place, taken)
    elsewhere = partial(matching.identities_elsewhere, connection)
    return new_identities(gaia, tmass.take(new), objects, *place, taken, elsewhere)
