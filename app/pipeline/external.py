"""External validation: a version against benchmark stars, clusters and asteroseismology, none of which it ever saw.

What is compared is what the product says: the values that the plan combines, and combined values. Figures for all
stars stand beside those for test stars: the external value took no part in any fit, but stars' surveys did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.references import BENCHMARKS, GLOBULAR, MEMBERS, OPEN, SEISMOLOGY
from app.science.arrays import Floats, Integers
from app.science.calibration.split import TEST
from app.science.figures.benchmarks import draw_benchmarks
from app.science.figures.clusters import ClusterLine, draw_along, draw_clusters, draw_surveys
from app.science.figures.seismology import SeismicPanel, draw_seismology
from app.science.figures.style import render
from app.science.validation.benchmarks import compare_benchmarks
from app.science.validation.clusters import LOGG, TEFF_WINDOW, ClusterResult, around_centre, judge_cluster, usable
from app.science.validation.identification import Identified, identify
from app.science.validation.seen import Seen, seen
from app.science.validation.seismology import compare_logg, on_the_same_stars
from app.storage import frames, references, versions
from app.storage.engine import Database
from app.storage.references import Columns

COMBINED = "combined"
RADIUS_ARCSEC = 2.0
"""How far apart a position may be: 16 years at the 0.12 arcsec/yr of the Hyades, the fastest cluster."""
LOWEST_PROBABILITY = 0.7
GIANT_LOGG = 3.8
CIRCLE_DEG, RING_DEG = 1 / 6, (0.5, 1.0)
LARGEST_FIELD = 0.1
MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml"}
Figures = dict[str, tuple[bytes, str]]
Report = dict[str, Any]

CIRCULAR = {
    "benchmark_stars": (
        "Teff and log g of benchmark stars rest on angular diameters, fluxes and parallaxes, on no survey of ours. "
        "Some surveys checked or set their own scales with stars of such lists (GALAH, RAVE); [Fe/H] of the benchmark "
        "stars is spectroscopic."
    ),
    "open_clusters": (
        "The literature values are means of high-resolution spectroscopy from before the surveys. Cluster means of "
        "OCCAM and Spina et al. would be APOGEE's and GALAH's own and are not used. Surveys calibrated on APOGEE "
        "and GALAH agree with them by construction wherever the training stars include cluster members."
    ),
    "globular_clusters": (
        "Harris (2010) is on the scale of Carretta et al. (2009), from high-resolution spectra of giants; APOGEE's "
        "[Fe/H] was not tied to it. Members are chosen by position and log g alone, never by [Fe/H]."
    ),
    "seismology": (
        "APOGEE's log g of giants is itself calibrated on asteroseismology of Kepler giants, these stars among them: "
        "its agreement, and that of every survey on its scale, is no independent proof. It shows that the calibration "
        "carries APOGEE's scale over."
    ),
}


@dataclass(frozen=True)
class _Sky:
    """What the sections share: a version's stars that any reference table speaks of."""

    version_id: int
    surveys: dict[str, Seen]
    zero_points: Mapping[str, Any] | None
    seed: int

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seed)

    @property
    def own(self) -> list[str]:
        return [name for name in self.surveys if name != COMBINED]


def external_report(database: Database, version_id: int) -> tuple[Report, Figures]:
    """Compare a version with all external scales that are loaded.

    Returns:
        The sections `benchmark_stars`, `open_clusters`, `globular_clusters` and `seismology`, each with its `state`
        ("compared", "not loaded" or "no star in common"), for JSON; and the figures by file name.

    Raises:
        UnknownVersionError: there is no such version.
    """
    with database.connect() as connection:
        version = versions.get(connection, version_id)
        loaded = {file.source: file for file in references.files(connection)}
        found = _identified(connection, version_id, loaded)
        rings = _rings(connection, version_id) if GLOBULAR in loaded else {}
        stars = _all_stars([*(one.star for one in found.values()), *(ring["star_id"] for ring in rings.values())])
        sky = _Sky(
            version_id=version_id,
            surveys=_surveys(connection, version_id, stars),
            zero_points=version.metrics.get("zero_points"),
            seed=version.seed,
        )
        tables = {source: references.stars(connection, source) for source in (BENCHMARKS, SEISMOLOGY)}
        clusters = {kind: references.clusters(connection, kind) for kind in ("open", "globular")}
        members = references.members(connection)
    report: Report = {}
    figures: Figures = {}
    sections = (
        ("benchmark_stars", BENCHMARKS, lambda: _benchmarks(sky, found[BENCHMARKS], tables[BENCHMARKS])),
        ("open_clusters", MEMBERS, lambda: _open_clusters(sky, found[MEMBERS], members, clusters["open"])),
        ("globular_clusters", GLOBULAR, lambda: _globular_clusters(sky, rings, clusters["globular"])),
        ("seismology", SEISMOLOGY, lambda: _seismology(sky, found[SEISMOLOGY], tables[SEISMOLOGY])),
    )
    for name, source, compare in sections:
        if source not in loaded:
            report[name] = {"state": "not loaded"}
            continue
        section, drawn = compare()
        sources = [
            file for file in loaded.values() if file.source == source or (source, file.source) == (MEMBERS, OPEN)
        ]
        report[name] = {
            **section,
            "sources": [{"title": one.title, "citation": one.citation, "file": one.file_name} for one in sources],
            "circular": CIRCULAR[name],
        }
        figures |= drawn
    return _without_nan(report), figures


def _identified(connection: Any, version_id: int, loaded: Mapping[str, Any]) -> dict[str, Identified]:
    """Return, for each loaded table of stars or members, which of our stars its rows are."""
    found = {}
    for source in (BENCHMARKS, SEISMOLOGY, MEMBERS):
        if source not in loaded:
            continue
        candidates = (
            references.candidates_for_members(connection, version_id, radius_arcsec=2 * RADIUS_ARCSEC)
            if source == MEMBERS
            else references.candidates_for_stars(connection, source, version_id, radius_arcsec=2 * RADIUS_ARCSEC)
        )
        found[source] = identify(
            candidates["row_number"],
            candidates["star_id"],
            candidates["by_id"],
            candidates["separation_arcsec"],
            candidates["other_id"],
            radius_arcsec=RADIUS_ARCSEC,
        )
    return found


def _rings(connection: Any, version_id: int) -> dict[str, Columns]:
    """Return the stars around the centre of each globular cluster."""
    around = references.around_clusters(connection, "globular", version_id, radius_deg=RING_DEG[1])
    names, place = np.unique(around["cluster"].astype(str), return_inverse=True)
    order = np.argsort(place, kind="stable")
    parts = np.split(order, np.searchsorted(place[order], np.arange(1, len(names))))
    return {
        name: {column: values[rows] for column, values in around.items()}
        for name, rows in zip(names.tolist(), parts, strict=True)
        if len(rows)
    }


def _all_stars(parts: list[Integers]) -> list[int]:
    stars: list[int] = np.unique(np.concatenate([np.zeros(0, np.int64), *parts])).tolist()
    return stars


def _surveys(connection: Any, version_id: int, stars: list[int]) -> dict[str, Seen]:
    """Return what each survey says of these stars, and what they have combined; what the plan does not use is NaN."""
    rows = references.calibrated_rows(connection, version_id, stars)
    names = {number: name for name, number in frames.surveys_with_measurements(connection).items()}
    raw, value, lower, upper, weight = (
        np.column_stack([rows[f"{parameter}{part}"] for parameter in PARAMETERS]).astype(np.float64)
        for part in ("_raw", "", "_lower", "_upper", "_weight")
    )
    used = ((rows["excluded"][:, None] >> np.arange(3)) & 1 == 0) & (np.nan_to_num(weight) > 0)
    test = rows["split"] == TEST
    surveys = {}
    for number in np.unique(rows["survey_id"]).tolist():
        mine = rows["survey_id"] == number
        parts = (column[mine] for column in (rows["star_id"], test, raw, value, 0.5 * (upper - lower), used))
        surveys[names[number]] = seen(*parts)
    surveys[COMBINED] = _combined(references.homogenized_rows(connection, version_id, stars), surveys)
    return surveys


def _combined(rows: Columns, surveys: Mapping[str, Seen]) -> Seen:
    """Return combined values; what stood there before is the plain mean of what the surveys reported."""
    value, lower, upper = (
        np.column_stack([rows[f"{parameter}{part}"] for parameter in PARAMETERS]).astype(np.float64)
        for part in ("", "_lower", "_upper")
    )
    star: Integers = rows["star_id"]
    total, count = np.zeros((len(star), 3)), np.zeros((len(star), 3))
    for one in surveys.values():
        place = np.searchsorted(star, one.star)
        total[place] += np.nan_to_num(one.raw)
        count[place] += np.isfinite(one.raw)
    with np.errstate(invalid="ignore"):
        raw = total / count
    value = np.where(count > 0, value, np.nan)
    return Seen(star, raw, value, 0.5 * (upper - lower), np.asarray(rows["split"] == TEST))


def _matching(found: Identified, surveys: Iterable[Seen]) -> Report:
    """Say how stars were identified, and how many of them were in training."""
    stars = np.unique(np.concatenate([np.zeros(0, np.int64), *(one.among(found.star).star for one in surveys)]))
    return {
        "state": "compared" if len(found.star) else "no star in common",
        "stars": len(found.star),
        "by_identifier": found.by_id,
        "by_position": found.by_position,
        "undecided": found.undecided,
        "measured": len(stars),
    }


def _benchmarks(sky: _Sky, found: Identified, table: Columns) -> tuple[Report, Figures]:
    report = _matching(found, sky.surveys.values())
    rows = np.searchsorted(table["row_number"], found.object_)
    names = table["name"][rows].tolist()
    truth, error = (_parameters(table, rows, part) for part in ("", "_err"))
    results: dict[str, Report] = {}
    for name, survey in sky.surveys.items():
        compared = {
            str(parameter): compare_benchmarks(survey, found.star, names, truth, error, p, rng=sky.rng())
            for p, parameter in enumerate(PARAMETERS)
        }
        compared = {parameter: result for parameter, result in compared.items() if result.after.n}
        if compared:
            results[name] = {parameter: asdict(result) for parameter, result in compared.items()}
    report |= {"training": _training(sky, found.star), "surveys": results}
    figures = _rendered("benchmark_stars", draw_benchmarks(results)) if results else {}
    return report, figures


def _parameters(table: Columns, rows: Integers, part: str) -> Floats:
    return np.column_stack([table[f"{parameter}{part}"][rows] for parameter in PARAMETERS]).astype(np.float64)


def _training(sky: _Sky, star: Integers) -> Report:
    """Count, by survey, the stars whose links may have been fitted, and those that no model has seen."""
    counts = {}
    for name, survey in sky.surveys.items():
        test = survey.among(star).test
        if len(test):
            counts[name] = {"test": int(test.sum()), "training_or_conformal": int((~test).sum())}
    return counts


def _seismology(sky: _Sky, found: Identified, table: Columns) -> tuple[Report, Figures]:
    report = _matching(found, sky.surveys.values())
    rows = np.searchsorted(table["row_number"], found.object_)
    logg, error = table["logg"][rows].astype(np.float64), table["logg_err"][rows].astype(np.float64)
    results, panels = {}, []
    for name, survey in sky.surveys.items():
        result = compare_logg(survey, found.star, logg, error, rng=sky.rng())
        if not result.after.n:
            continue
        results[name] = asdict(result) | {
            "on_the_same_stars": {
                other: asdict(both)
                for other in sky.own
                if other != name
                and (both := on_the_same_stars(survey, sky.surveys[other], found.star, logg, rng=sky.rng())).n
            }
        }
        place = np.searchsorted(found.star[np.argsort(found.star)], survey.among(found.star).star)
        seismic = logg[np.argsort(found.star)][place]
        mine = survey.among(found.star)
        panels.append(SeismicPanel(name, seismic, mine.raw[:, LOGG] - seismic, mine.value[:, LOGG] - seismic))
    report |= {"training": _training(sky, found.star), "surveys": results}
    return report, _rendered("seismology", draw_seismology(panels)) if panels else {}


def _open_clusters(sky: _Sky, found: Identified, members: Columns, literature: Columns) -> tuple[Report, Figures]:
    report = _matching(found, sky.surveys.values())
    rows = np.searchsorted(members["row_number"], found.object_)
    likely = ~(members["probability"][rows] < LOWEST_PROBABILITY)  # a list without probabilities counts as it stands
    report["improbable"] = int((~likely).sum())
    cluster, star = members["cluster"][rows][likely].astype(str), found.star[likely]
    judged = [
        result
        for name in np.unique(cluster).tolist()
        if (result := _judged(sky, name, star[cluster == name], literature)).surveys
    ]
    report |= _cluster_report(judged) | {"training": _training(sky, star), "teff_window": list(TEFF_WINDOW)}
    figures = _cluster_figures("open_clusters", judged)
    for result in judged:
        if result.cluster == "NGC_2682":
            figures |= _alone(sky, result, star[cluster == result.cluster])
    return report, figures


def _globular_clusters(sky: _Sky, rings: Mapping[str, Columns], literature: Columns) -> tuple[Report, Figures]:
    """Judge giants around the centres, survey by survey, where the field around makes few of them strangers."""
    judged, crowded, taken = [], [], [np.zeros(0, np.int64)]
    for name, ring in rings.items():
        seen_here: dict[str, Seen] = {}
        for survey, all_stars in sky.surveys.items():
            giants = all_stars.among(ring["star_id"])
            giants = giants.where(usable(giants) & (giants.value[:, LOGG] < GIANT_LOGG))
            order = np.argsort(ring["star_id"], kind="stable")
            distance = ring["distance_deg"][order][np.searchsorted(ring["star_id"][order], giants.star)]
            candidates = around_centre(giants.star, distance, radius_deg=CIRCLE_DEG, ring_deg=RING_DEG)
            if not len(candidates.star):
                continue
            field = candidates.expected_field / len(candidates.star)
            if field > LARGEST_FIELD:
                crowded.append({"cluster": name, "survey": survey, "n": len(candidates.star), "field": field})
                continue
            seen_here[survey] = giants.among(candidates.star)
            taken.append(candidates.star)
        if any(survey != COMBINED for survey in seen_here):
            judged.append(_judged(sky, name, None, literature, seen_here))
    report: Report = {
        "state": "compared" if judged else "no star in common",
        "members": (
            f"giants (log g < {GIANT_LOGG}) within {60 * CIRCLE_DEG:.0f} arcmin of the centre, where the field "
            f"at {RING_DEG[0]}-{RING_DEG[1]} deg expects at most {LARGEST_FIELD:.0%} of them; no member list"
        ),
        "crowded_by_field": crowded,
    }
    report |= _cluster_report(judged) | {"training": _training(sky, np.concatenate(taken))}
    return report, _cluster_figures("globular_clusters", judged)


def _judged(
    sky: _Sky,
    cluster: str,
    star: Integers | None,
    literature: Columns,
    members: Mapping[str, Seen] | None = None,
) -> ClusterResult:
    if members is None:
        assert star is not None
        members = {name: survey.among(star) for name, survey in sky.surveys.items()}
    known = np.flatnonzero(literature["cluster"].astype(str) == cluster)
    value, error = (float(literature[name][known[0]]) if len(known) else np.nan for name in ("feh", "feh_err"))
    return judge_cluster(
        cluster,
        members,
        literature=(value, error),
        zero_points=_zero_points(sky, sky.own),
        compared=sky.own,
        rng=sky.rng(),
    )


def _zero_points(sky: _Sky, names: list[str]) -> Floats:
    """Return the covariance of the [Fe/H] zero points of surveys (s, s); zero where the version states none."""
    covariance = np.zeros((len(names), len(names)))
    if not sky.zero_points:
        return covariance
    listed = sky.zero_points["surveys"]
    ours = [k for k, name in enumerate(names) if name in listed]
    theirs = [listed.index(names[k]) for k in ours]
    stated = np.array(sky.zero_points["feh"], dtype=np.float64)[np.ix_(theirs, theirs)]
    covariance[np.ix_(ours, ours)] = np.nan_to_num(stated)
    return covariance


def _cluster_report(judged: list[ClusterResult]) -> Report:
    offsets = [
        (getattr(survey, side).median - result.literature, side, survey.survey)
        for result in judged
        for survey in result.surveys
        for side in ("before", "after")
        if np.isfinite(result.literature) and survey.after.n >= 3
    ]
    by_survey: Report = {}
    for name in {survey for _, _, survey in offsets}:
        by_survey[name] = {
            side: [offset for offset, its_side, survey in offsets if (its_side, survey) == (side, name)]
            for side in ("before", "after")
        }
    summary = {
        name: {"clusters": len(sides["after"])}
        | {f"median_offset_{side}": float(np.median(values)) for side, values in sides.items()}
        | {f"scatter_of_offsets_{side}": float(np.std(values)) for side, values in sides.items()}
        for name, sides in sorted(by_survey.items())
    }
    ordered = sorted(judged, key=lambda result: -max(survey.after.n for survey in result.surveys))
    return {"offsets_by_survey": summary, "clusters": [asdict(result) for result in ordered]}


def _cluster_figures(name: str, judged: list[ClusterResult]) -> Figures:
    lines = [
        ClusterLine(result.cluster, result.literature, result.literature_error, survey.survey, survey)
        for result in judged
        for survey in result.surveys
        if survey.after.n >= 3 and survey.survey != COMBINED
    ]
    return _rendered(name, draw_clusters(lines)) if lines else {}


def _alone(sky: _Sky, result: ClusterResult, star: Integers) -> Figures:
    """Return the figures of a cluster by itself: survey by survey, and [Fe/H] along Teff."""
    members = {name: survey.among(star) for name, survey in sky.surveys.items()}
    members = {name: survey.where(usable(survey)) for name, survey in members.items()}
    members = {name: survey for name, survey in members.items() if len(survey.star) >= 3}
    if not members:
        return {}
    name = result.cluster.lower()
    return _rendered(f"cluster_{name}", draw_surveys(result)) | _rendered(
        f"cluster_{name}_along_teff", draw_along(result.cluster, members, literature=result.literature)
    )


def _rendered(name: str, figure: Any) -> Figures:
    return {f"{name}.{kind}": (content, MEDIA_TYPES[kind]) for kind, content in render(figure).items()}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
