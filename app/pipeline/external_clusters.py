"""Clusters in the external report: members by Gaia id or position, giants around globular clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from app.domain.references import cluster_label
from app.pipeline.external_stars import COMBINED, RING_DEG, ExternalSky, Report
from app.pipeline.external_tables import MEMBERS
from app.pipeline.kept_figures import Figures, rendered
from app.science.arrays import Floats, Integers
from app.science.figures.clusters import draw_along, draw_clusters, draw_surveys
from app.science.validation.clusters import (
    FEWEST_STARS,
    LOGG,
    TEFF_WINDOW,
    ClusterResult,
    around_centre,
    judge_cluster,
    usable,
)
from app.science.validation.seen import Seen
from app.storage.references import Columns

LOWEST_PROBABILITY = 0.7
GIANT_LOGG = 3.8
CIRCLE_DEG = 1 / 6
LARGEST_FIELD = 0.1
MIXED = 0.15
"""Scatter of [Fe/H] above which giants around a globular cluster are not one population, and enter no summary."""
BY_ITSELF = "NGC_2682"


def open_clusters(sky: ExternalSky, members: Columns, literature: Columns) -> tuple[Report, Figures]:
    """Judge the members of open clusters, survey by survey; the figures, and those of M67 by itself."""
    found = sky.identified[MEMBERS]
    rows = np.searchsorted(members["row_number"], found.object_)
    likely = ~(members["probability"][rows] < LOWEST_PROBABILITY)  # a list without probabilities counts as it stands
    cluster, star = members["cluster"][rows][likely].astype(str), found.star[likely]
    judged = []
    for name in np.unique(cluster).tolist():
        mine = {survey: stars.among(star[cluster == name]) for survey, stars in sky.surveys.items()}
        judged.append(_judged(sky, name, mine, literature))
    judged = [result for result in judged if result.surveys]
    report = sky.matching(found) | {
        "improbable": int((~likely).sum()),
        "teff_window": list(TEFF_WINDOW),
        "training": sky.training(star),
        **_summary(judged),
    }
    by_itself = [result for result in judged if result.cluster == BY_ITSELF]
    figures = _figures("open_clusters", judged)
    for result in by_itself:
        figures |= _alone(sky, result, star[cluster == result.cluster])
    return report | {"m67": asdict(by_itself[0]) if by_itself else None}, figures


def globular_clusters(sky: ExternalSky, literature: Columns) -> tuple[Report, Figures]:
    """Judge giants around the centres, survey by survey, where the field around makes few of them strangers."""
    judged, crowded, taken = [], [], [np.zeros(0, np.int64)]
    for name, ring in sky.rings.items():
        members: dict[str, Seen] = {}
        for survey, all_stars in sky.surveys.items():
            giants, field = _giants(all_stars, ring)
            if len(giants.star) and field <= LARGEST_FIELD:
                members[survey] = giants
                taken.append(giants.star)
            elif len(giants.star):
                crowded.append({"cluster": name, "survey": survey, "stars": len(giants.star), "field": field})
        if any(survey != COMBINED for survey in members):
            judged.append(_judged(sky, name, members, literature))
    report: Report = {
        "state": "compared" if judged else "no star in common",
        "members": (
            f"giants (log g < {GIANT_LOGG}) within {60 * CIRCLE_DEG:.0f} arcmin of the centre, where the field "
            f"at {RING_DEG[0]}-{RING_DEG[1]} deg makes at most {LARGEST_FIELD:.0%} of them strangers; no member list"
        ),
        "crowded_by_field": crowded,
        "training": sky.training(np.unique(np.concatenate(taken))),
        **_summary(judged, widest=MIXED),
    }
    return report, _figures("globular_clusters", judged, widest=MIXED)


def _giants(survey: Seen, ring: Columns) -> tuple[Seen, float]:
    """Return a survey's giants within the circle, and which fraction of them the field is expected to be."""
    around = survey.among(ring["star_id"])
    around = around.where(usable(around) & (around.value[:, LOGG] < GIANT_LOGG))
    order = np.argsort(ring["star_id"], kind="stable")
    distance = ring["distance_deg"][order][np.searchsorted(ring["star_id"][order], around.star)]
    found = around_centre(around.star, distance, radius_deg=CIRCLE_DEG, ring_deg=RING_DEG)
    return around.among(found.star), found.expected_field / max(len(found.star), 1)


def _judged(sky: ExternalSky, cluster: str, members: Mapping[str, Seen], literature: Columns) -> ClusterResult:
    known = np.flatnonzero(literature["cluster"].astype(str) == cluster)
    value, error = (float(literature[name][known[0]]) if len(known) else np.nan for name in ("feh", "feh_err"))
    return judge_cluster(
        cluster,
        members,
        literature=(value, error),
        zero_points=_zero_points(sky),
        compared=sky.own,
        rng=sky.rng(),
    )


def _zero_points(sky: ExternalSky) -> Floats:
    """Return the covariance of the [Fe/H] zero points of all surveys (s, s); zero where the version states none."""
    covariance = np.zeros((len(sky.own), len(sky.own)))
    if not sky.zero_points:
        return covariance
    listed = list(sky.zero_points["surveys"])
    ours = [k for k, name in enumerate(sky.own) if name in listed]
    theirs = [listed.index(sky.own[k]) for k in ours]
    stated = np.array(sky.zero_points["feh"], dtype=np.float64)[np.ix_(theirs, theirs)]
    covariance[np.ix_(ours, ours)] = np.nan_to_num(stated)
    return covariance


def _summary(judged: list[ClusterResult], *, widest: float = np.inf) -> Report:
    """Return all clusters, those with most stars first, and each survey's offsets to the literature over them."""
    offsets: dict[str, list[tuple[float, float]]] = {}
    for result in judged:
        for survey in result.surveys:
            if np.isfinite(result.literature) and survey.after.n >= FEWEST_STARS and survey.after.scatter <= widest:
                both = survey.before.median - result.literature, survey.after.median - result.literature
                offsets.setdefault(survey.survey, []).append(both)
    ordered = sorted(judged, key=lambda result: -max(survey.after.n for survey in result.surveys))
    return {
        "offsets_by_survey": {name: _offsets(np.array(both)) for name, both in sorted(offsets.items())},
        "clusters": [asdict(result) for result in ordered],
    }


def _offsets(both: Floats) -> Report:
    """Return mean and standard deviation of offsets to the literature before and after, (clusters, 2)."""
    spread = both.std(axis=0, ddof=1) if len(both) > 1 else np.full(2, np.nan)
    return {
        "clusters": len(both),
        "mean_before": float(both[:, 0].mean()),
        "mean_after": float(both[:, 1].mean()),
        "spread_before": float(spread[0]),
        "spread_after": float(spread[1]),
    }


def _figures(name: str, judged: list[ClusterResult], *, widest: float = np.inf) -> Figures:
    labels = {result.cluster: cluster_label(result.cluster) for result in judged}
    return rendered(name, draw_clusters, judged, labels, without=COMBINED, widest=widest)


def _alone(sky: ExternalSky, result: ClusterResult, star: Integers) -> Figures:
    """Return the figures of a cluster by itself: survey by survey, and [Fe/H] along Teff."""
    members = {name: survey.among(star) for name, survey in sky.surveys.items()}
    members = {name: survey.where(usable(survey)) for name, survey in members.items()}
    members = {name: survey for name, survey in members.items() if len(survey.star) >= FEWEST_STARS}
    if not members:
        return {}
    name, label = f"cluster_{result.cluster.lower()}", cluster_label(result.cluster)
    along = rendered(f"{name}_along_teff", draw_along, label, members, literature=result.literature)
    return rendered(name, draw_surveys, label, result) | along
