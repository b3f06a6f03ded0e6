"""External validation: a version against benchmark stars, clusters and asteroseismology, none of which it ever saw.

What is compared is what the product says: the values that the plan combines, and combined values. Figures for all
stars stand beside those for test stars: the external value took no part in any fit, but stars' surveys did.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from app.domain.quantities import PARAMETERS
from app.pipeline.external_clusters import globular_clusters, open_clusters
from app.pipeline.external_stars import ExternalSky, Report, load_sky
from app.pipeline.external_tables import BENCHMARKS, GLOBULAR, MEMBERS, OPEN, SEISMOLOGY
from app.pipeline.kept_figures import Figures, rendered
from app.science.arrays import Floats, Integers
from app.science.figures.benchmarks import draw_benchmarks
from app.science.figures.seismology import SeismicPanel, draw_seismology
from app.science.validation.benchmarks import compare_benchmarks
from app.science.validation.seismology import LOGG, compare_logg, on_the_same_stars
from app.storage import references, versions
from app.storage.engine import Database
from app.storage.references import Columns

SECTIONS = {
    "benchmark_stars": (BENCHMARKS,),
    "open_clusters": (MEMBERS, OPEN),
    "globular_clusters": (GLOBULAR,),
    "seismology": (SEISMOLOGY,),
}
"""Which reference tables a section rests on; without the first there is nothing to compare."""

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
        sky = load_sky(connection, version, loaded)
        stars = {source: references.stars(connection, source) for source in (BENCHMARKS, SEISMOLOGY)}
        literature = {kind: references.clusters(connection, kind) for kind in ("open", "globular")}
        members = references.members(connection)
    compare = {
        "benchmark_stars": lambda: _benchmarks(sky, stars[BENCHMARKS]),
        "open_clusters": lambda: open_clusters(sky, members, literature["open"]),
        "globular_clusters": lambda: globular_clusters(sky, literature["globular"]),
        "seismology": lambda: _seismology(sky, stars[SEISMOLOGY]),
    }
    report: Report = {}
    figures: Figures = {}
    for name, sources in SECTIONS.items():
        if sources[0] not in loaded:
            report[name] = {"state": "not loaded"}
            continue
        section, drawn = compare[name]()
        files = [loaded[source] for source in sources if source in loaded]
        cited = [{"title": one.title, "citation": one.citation, "file": one.file_name} for one in files]
        report[name] = section | {"sources": cited, "circular": CIRCULAR[name]}
        figures |= drawn
    return _without_nan(report), figures


def _benchmarks(sky: ExternalSky, table: Columns) -> tuple[Report, Figures]:
    found = sky.identified[BENCHMARKS]
    rows = np.searchsorted(table["row_number"], found.object_)
    truth, error = (_parameters(table, rows, part) for part in ("", "_err"))
    results: dict[str, Report] = {}
    for name, survey in sky.surveys.items():
        for p, parameter in enumerate(PARAMETERS):
            names = table["name"][rows].tolist()
            result = compare_benchmarks(survey, found.star, names, truth, error, p, rng=sky.rng())
            if result.after.n:
                results.setdefault(name, {})[str(parameter)] = asdict(result)
    report = sky.matching(found) | {"training": sky.training(found.star), "surveys": results}
    return report, rendered("benchmark_stars", draw_benchmarks, results) if results else {}


def _parameters(table: Columns, rows: Integers, part: str) -> Floats:
    return np.column_stack([table[f"{parameter}{part}"][rows] for parameter in PARAMETERS]).astype(np.float64)


def _seismology(sky: ExternalSky, table: Columns) -> tuple[Report, Figures]:
    found = sky.identified[SEISMOLOGY]
    rows = np.searchsorted(table["row_number"], found.object_)
    order = np.argsort(found.star, kind="stable")
    star, rows = found.star[order], rows[order]
    logg, error = (table[name][rows].astype(np.float64) for name in ("logg", "logg_err"))
    results, panels = {}, []
    for name, survey in sky.surveys.items():
        result = compare_logg(survey, star, logg, error, rng=sky.rng())
        if not result.after.n:
            continue
        results[name] = asdict(result) | {"on_the_same_stars": _same_stars(sky, name, star, logg)}
        mine = survey.among(star)
        seismic = logg[np.searchsorted(star, mine.star)]
        panels.append(SeismicPanel(name, seismic, mine.raw[:, LOGG] - seismic, mine.value[:, LOGG] - seismic))
    report = sky.matching(found) | {"training": sky.training(star), "surveys": results}
    return report, rendered("seismology", draw_seismology, panels) if panels else {}


def _same_stars(sky: ExternalSky, name: str, star: Integers, logg: Floats) -> Report:
    """Return, for each other survey, both offsets on the stars that both saw."""
    compared = {
        other: on_the_same_stars(sky.surveys[name], sky.surveys[other], star, logg, rng=sky.rng())
        for other in sky.own
        if other != name
    }
    return {other: asdict(both) for other, both in compared.items() if both.n}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
