"""What adds up over measurements and stars, under names, so that a part of the whole can be taken out and put in anew.

`how 2`, `stars`, `overlap apogee_dr17 galah_dr3` and the like say what a cross-match found, `lost dr3 SURVEY` and `bits
dr3 SURVEY` what is known of a survey's Gaia ids (see `damage`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import numpy as np

from app.domain.stars import CrossmatchSummary, Overlap, RoundedIds
from app.pipeline.match_input import Measurements
from app.science.arrays import Booleans, Integers
from app.science.crossmatch.damage import SAFE_BELOW, evidence, is_rounded
from app.science.crossmatch.resolve import ALONE, BY_ID, BY_POSITION

Counts = Mapping[str, float]


def added(counts: Counts, *others: tuple[int, Counts]) -> Counts:
    """Return counts to which others were added so many times; what is nothing is left out."""
    total = dict(counts)
    for times, other in others:
        for name, count in other.items():
            total[name] = total.get(name, 0) + times * count
    return {name: count for name, count in total.items() if count}


def id_counts(measurements: Measurements) -> Counts:
    """Return what the Gaia ids of measurements say of their surveys."""
    rows, surveys = measurements.rows, measurements.surveys
    counts: dict[str, float] = {}
    for kind, ids in (("dr3", rows.gaia_dr3), ("dr2", rows.gaia_dr2)):
        for name, values in zip(("lost", "bits"), evidence(rows.survey, ids, len(surveys)), strict=True):
            counts |= {f"{name} {kind} {survey}": count for survey, count in zip(surveys, values.tolist(), strict=True)}
    return added(counts)


def rounded_surveys(counts: Counts, kind: str, surveys: tuple[str, ...]) -> Booleans:
    """Say which surveys (s,) have rounded ids of a kind, `dr3` or `dr2`."""
    lost, bits = (np.array([counts.get(f"{one} {kind} {survey}", 0) for survey in surveys]) for one in ("lost", "bits"))
    return is_rounded(lost, bits)


def without_rounded(measurements: Measurements, counts: Counts) -> Measurements:
    """Return measurements without the Gaia ids that are rounded by what the whole says of their surveys."""
    rows, surveys = measurements.rows, measurements.surveys
    dr3, dr2 = (
        (ids >= SAFE_BELOW) & rounded_surveys(counts, kind, surveys)[rows.survey]
        for kind, ids in (("dr3", rows.gaia_dr3), ("dr2", rows.gaia_dr2))
    )
    return measurements.without_ids(dr3, dr2)


def star_counts(
    measurements: Measurements, star: Integers, how: np.ndarray[tuple[int], np.dtype[np.integer]], ambiguous: Booleans
) -> Counts:
    """Return what measurements, all of whole stars, became: star (n,), way (n,), ambiguity (n,)."""
    survey, surveys = measurements.rows.survey, measurements.surveys
    numbers, place = np.unique(star, return_inverse=True)
    counts = {f"how {way}": count for way, count in enumerate(np.bincount(how, minlength=1).tolist())}
    counts |= {
        "ambiguous": int(ambiguous.sum()),
        "stars": len(numbers),
        "matched stars": int((np.bincount(place, minlength=1) > 1).sum()),
        "ambiguous stars": len(np.unique(place[ambiguous])),
    }
    rounded = np.bincount(survey[measurements.rounded], minlength=len(surveys)).tolist()
    counts |= {f"rounded {name}": count for name, count in zip(surveys, rounded, strict=True)}
    return added(counts, (1, _overlaps(surveys, survey, place, len(numbers))))


def summary(
    counts: Counts, *, new_stars: int, gone_stars: int, looked_at: int, why_full: str | None
) -> CrossmatchSummary:
    """Return the summary of a cross-match whose stars and measurements have these counts."""
    found = Counter({name: round(count) for name, count in counts.items()})
    by_id, by_position, alone = (found[f"how {way}"] for way in (BY_ID, BY_POSITION, ALONE))
    overlaps = [_overlap(name, stars) for name, stars in found.items() if name.startswith("overlap ")]
    rounded = [RoundedIds(name.split()[1], rows) for name, rows in found.items() if name.startswith("rounded ")]
    return CrossmatchSummary(
        measurements=by_id + by_position + alone,
        by_id=by_id,
        by_position=by_position,
        alone=alone,
        ambiguous=found["ambiguous"],
        stars=found["stars"],
        matched_stars=found["matched stars"],
        ambiguous_stars=found["ambiguous stars"],
        new_stars=new_stars,
        gone_stars=gone_stars,
        overlaps=tuple(sorted(overlaps, key=lambda one: (-one.stars, one.first, one.second))),
        rounded_ids=tuple(sorted(rounded, key=lambda one: one.survey)),
        looked_at=looked_at,
        why_full=why_full,
    )


def _overlap(name: str, stars: int) -> Overlap:
    _, first, second = name.split()
    return Overlap(first, second, stars)


def _overlaps(surveys: tuple[str, ...], survey: Integers, star: Integers, n_stars: int) -> Counts:
    """Return the number of stars that each two surveys have in common."""
    seen = np.zeros(n_stars, np.int64)
    np.bitwise_or.at(seen, star, np.left_shift(np.int64(1), survey))
    sets, counts = np.unique(seen, return_counts=True)
    found = {}
    for (i, first), (j, second) in combinations(enumerate(surveys), 2):
        both = (1 << i) | (1 << j)
        found[f"overlap {first} {second}"] = int(counts[(sets & both) == both].sum())
    return found
