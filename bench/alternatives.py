"""What one would do instead, beside this system, on stars that no method learnt from.

    python -m bench.alternatives [--rows STARS] [--seed N] [--data DIR] [--out FILE]

On the simulated sky residuals are value - truth. With --data also the real tables of a folder, every star common with
APOGEE judged by fits without its fold. The server is the one of `make bench`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from app.pipeline.calibrate import load_alignment
from app.pipeline.homogenize import BLOCK, homogenize_stars
from app.pipeline.mock import TRUTH
from app.pipeline.plans import default_plan
from app.science.arrays import Booleans, Floats
from app.science.calibration.frame import PARAMETERS, Frame, frame_of
from app.science.calibration.links import TEST, Links, folds_of
from app.science.calibration.stages import Alignment
from app.science.robust import REFERENCE_BIN_EDGES, scatter
from app.science.validation.cross_fit import FOLDS, cross_fit
from app.science.validation.lines import robust_line
from app.storage import bulk, frames
from bench.alternative_methods import METHODS, Answer
from bench.run import server
from bench.scratch import scratch_database
from bench.simulated import CalibratedSky, calibrated_sky, take_in

REFERENCE, SURVEYS = "apogee_dr17", ("galah_dr3", "lamost_lrs", "gaia_gspspec")
REAL = ("lamost_lrs_giants", "galah_dr4")
OURS = "SoS"
CELLS = (
    np.arange(3500, 8001, 500),
    np.arange(0, 5.1, 1.0),
    np.array([-3, -2, -1.5, -1, -0.5, -0.25, 0, 0.25, 0.6]),
)
SMALL_CELL, LARGE_CELL = 100, 500
UNITS, DIGITS = (1000.0, 1.0, 1.0), (1, 3, 3)
HEAD = "| | | median | scatter | slope with the truth | worst cell | coverage | in cells |\n" + 8 * "|---" + "|"


@dataclass(frozen=True)
class Sky:
    """Every measurement of a calibrated sky, with the truth behind it, and the answers of all methods, (n, 3)."""

    survey: np.ndarray
    frame: Frame
    truth: Floats
    believed: Booleans
    unseen: Booleans
    answers: dict[str, Answer]
    stars: pd.DataFrame


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(description="Measure SoS beside simpler methods.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=30)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    lines: list[str] = []
    with server() as url:
        if chosen.data:
            lines += real_tables(url, chosen.data)
        with calibrated_sky(url, stars=chosen.rows, seed=chosen.seed) as sky:
            lines += simulated_tables(_read(sky))
    print("\n".join(lines))
    if chosen.out:
        chosen.out.write_text("\n".join(lines) + "\n")


def simulated_tables(sky: Sky) -> list[str]:
    """Return a table for each survey alone, inside and outside the domain, and two of combined stars."""
    lines = []
    for survey in SURVEYS:
        rows = (sky.survey == survey) & sky.unseen & sky.frame.used.all(axis=1)
        inside = {name: _cut(answer, rows & sky.believed) for name, answer in sky.answers.items()}
        lines += _table(f"{survey}, inside the domain", inside, sky.truth[rows & sky.believed])
        outside = {name: _cut(answer, rows & ~sky.believed) for name, answer in sky.answers.items()}
        lines += _table(f"{survey}, outside the domain (not combined)", outside, sky.truth[rows & ~sky.believed])
    for title, combined, truth in _combined(sky):
        lines += _table(title, combined, truth)
    return lines


def _read(sky: CalibratedSky) -> Sky:
    homogenize_stars(sky.database, sky.version)
    with sky.database.connect() as connection:
        names = {number: name for name, number in frames.surveys_with_measurements(connection).items()}
        ranges = frames.star_ranges(connection, rows=BLOCK)
        blocks = [frames.measurements_of_stars(connection, stars) for stars in ranges]
        calibrated = bulk.copy_out(connection, _CALIBRATED, {"version": sky.version})
        stars = pd.DataFrame(bulk.copy_out(connection, _STARS, {"version": sky.version}))
        identities = pd.DataFrame(bulk.copy_out(connection, _NAMES))
    block = {name: np.concatenate([part[name] for part in blocks]) for name in blocks[0]}
    assert np.array_equal(block["measurement_id"], calibrated["measurement_id"])
    frame, survey = frame_of(block), np.array([names[number] for number in block["survey_id"]])
    truth = _truth(sky.folder, identities, block["measurement_id"])
    alone = pd.Series(block["survey_id"]).groupby(frame.star).transform("nunique").to_numpy() == 1
    known = np.isfinite(truth).all(axis=1)
    anchored = survey == REFERENCE
    return Sky(
        survey,
        frame,
        truth,
        known & (calibrated["in_domain"] | anchored),
        known & ((frame.split == TEST) | alone),
        _answers(load_alignment(sky.database, sky.plan), survey, frame) | {OURS: _stored(calibrated)},
        stars,
    )


_VALUES = ", ".join(f"{name}, {name}_lower, {name}_upper" for name in PARAMETERS)
_CALIBRATED = f"""SELECT measurement_id, in_domain, {_VALUES} FROM calibrated
WHERE version_id = %(version)s ORDER BY star_id, survey_id, measurement_id"""
_STARS = f"SELECT star_id, {_VALUES} FROM homogenized WHERE version_id = %(version)s ORDER BY star_id"
_NAMES = "SELECT m.measurement_id, s.name AS survey, m.object_id FROM measurement m JOIN survey s USING (survey_id)"


def _stored(columns: dict[str, np.ndarray] | pd.DataFrame) -> Answer:
    value, lower, upper = (
        np.column_stack([np.asarray(columns[name + end], dtype=np.float64) for name in PARAMETERS])
        for end in ("", "_lower", "_upper")
    )
    return value, value - lower, upper - value


def _truth(folder: Path, identities: pd.DataFrame, wanted: np.ndarray) -> Floats:
    truth = pq.read_table(folder / TRUTH).to_pandas()
    for column in ("survey", "object_id"):
        truth[column] = truth[column].map(lambda text: text.decode() if isinstance(text, bytes) else text)
    joined = identities.merge(truth, on=["survey", "object_id"], how="left").set_index("measurement_id")
    return joined.loc[wanted, list(PARAMETERS)].to_numpy(dtype=np.float64)


def _answers(alignment: Alignment, survey: np.ndarray, frame: Frame) -> dict[str, Answer]:
    """Return what each method makes of all measurements; every survey is fitted to the reference survey by itself."""
    answers: dict[str, Answer] = {}
    for method, apply in METHODS.items():
        parts = tuple(np.array(part) for part in (frame.reported, frame.minus, frame.plus))
        for name in set(alignment.frames) - {REFERENCE}:
            rows, links = survey == name, _learnt_from(alignment.links(name))
            if links.stars:
                for whole, part in zip(parts, apply(links, frame.where(rows)), strict=True):
                    whole[rows] = part
        answers[method] = parts
    return answers


def _learnt_from(links: Links) -> Links:
    known = links.finite()
    return known.where(known.split != TEST)


def _combined(sky: Sky) -> Iterator[tuple[str, dict[str, Answer], Floats]]:
    """Yield title, answers and truth of stars that two surveys or more saw: simple methods by inverse variance."""
    entering = sky.believed & sky.frame.used.all(axis=1) & np.isfinite(sky.answers["raw"][1]).all(axis=1)
    rows = pd.DataFrame({"star": sky.frame.star, "survey": sky.survey})[entering]
    surveys = rows.groupby("star").survey.agg(["nunique", lambda names: REFERENCE in set(names)])
    surveys.columns = ["n", "anchored"]
    stars = surveys.index.to_numpy()
    place = np.searchsorted(stars, rows.star)
    first = np.unique(place, return_index=True)[1]
    truth, test = sky.truth[entering][first], sky.frame.split[entering][first] == TEST
    answers = {name: _inverse_variance(_cut(one, entering), place, len(stars)) for name, one in sky.answers.items()}
    answers[f"{OURS} intervals, inverse variance"] = answers[OURS]
    answers[OURS] = _stored(sky.stars.set_index("star_id").loc[stars])
    several = test & (surveys.n > 1).to_numpy()
    for title, chosen in (
        ("two surveys or more, APOGEE among them", several & surveys.anchored.to_numpy()),
        ("two surveys or more, without APOGEE", several & ~surveys.anchored.to_numpy()),
    ):
        yield title, {name: _cut(answer, chosen) for name, answer in answers.items()}, truth[chosen]


def _inverse_variance(answer: Answer, place: np.ndarray, stars: int) -> Answer:
    value, minus, plus = answer
    weight = 1.0 / np.square(0.5 * (minus + plus))
    total = np.column_stack([np.bincount(place, weight[:, p], stars) for p in range(3)])
    moment = np.column_stack([np.bincount(place, weight[:, p] * value[:, p], stars) for p in range(3)])
    half = 1.0 / np.sqrt(total)
    return moment / total, half, half


def _cut(answer: Answer, rows: Booleans) -> Answer:
    value, minus, plus = answer
    return value[rows], minus[rows], plus[rows]


def _table(title: str, answers: dict[str, Answer], truth: Floats) -> list[str]:
    finite = np.logical_and.reduce([np.isfinite(value).all(axis=1) for value, _, _ in answers.values()])
    lines = ["", f"**{title}**: {finite.sum():,} stars or spectra", "", HEAD]
    cells = np.unique(_cells(truth[finite]), return_inverse=True)[1]
    for p, parameter in enumerate(PARAMETERS):
        lines += [
            f"| {parameter} | {name} | {_judged(p, _cut(answer, finite), truth[finite], cells)} |"
            for name, answer in answers.items()
        ]
    return lines


def _judged(p: int, answer: Answer, truth: Floats, cells: np.ndarray) -> str:
    """Return the entries of a row; a cell's median counts as far as it exceeds two standard errors."""
    value, minus, plus = (part[:, p] for part in answer)
    residual, digits = value - truth[:, p], DIGITS[p]
    line = robust_line(truth[:, p] / UNITS[p], residual)
    inside = pd.Series(np.where(np.isfinite(minus), (residual <= minus) & (residual >= -plus), np.nan))
    grouped = pd.DataFrame({"cell": cells, "residual": residual}).groupby("cell").residual
    size, median = grouped.size(), grouped.median()
    error = 1.2533 * grouped.apply(lambda part: scatter(part.to_numpy())) / np.sqrt(size)
    worst = (median.abs() - 2 * error)[size >= SMALL_CELL].clip(lower=0)
    shares = inside.groupby(cells).mean()[size >= LARGE_CELL]
    return " | ".join(
        (
            f"{np.median(residual):+.{digits}f}",
            f"{scatter(residual):.{digits}f}",
            f"{line.slope:+.{digits}f} ± {line.error:.{digits}f}",
            f"{worst.max():.{digits}f}" if len(worst) else "",
            f"{inside.mean():.3f}",
            f"{shares.min():.2f} to {shares.max():.2f}" if len(shares) else "",
        )
    )


def _cells(truth: Floats) -> np.ndarray:
    return sum(np.digitize(truth[:, p], edges) * 100**p for p, edges in enumerate(CELLS))


def real_tables(url: str, folder: Path) -> list[str]:
    """Return medians in bins of APOGEE's value for each method, every star judged by fits without its fold."""
    with scratch_database(url, "real") as database:
        take_in(database, folder)
        alignment = load_alignment(database, default_plan())
    lines = []
    for survey in REAL:
        links, frame = alignment.links(survey), alignment.frames[survey]
        answers = {name: _cross_fitted(method, links, frame) for name, method in METHODS.items()}
        settings, nothing = alignment.plan.fit, (False,) * 3
        for name, direction in ((f"{OURS}, direct", "direct"), (OURS, "forward")):
            fit = replace(settings, direction=direction)
            own = alignment.own_errors[survey]
            answers[name] = cross_fit(links, frame.minus, frame.plus, nothing, fit, own_error=own).value
        lines += _binned(survey, links, answers)
    return lines


def _cross_fitted(method: object, links: Links, frame: Frame) -> Floats:
    value, folds = np.full_like(frame.reported, np.nan), folds_of(links.star, FOLDS)
    for fold in range(FOLDS):
        judged = folds == fold
        value[judged] = method(links.where(~judged).finite(), frame.where(judged))[0]
    return value


def _binned(survey: str, links: Links, answers: dict[str, Floats]) -> list[str]:
    whole = np.isfinite(np.hstack([links.reference, links.reported, *answers.values()])).all(axis=1)
    bins = ", ".join(f"{100 * edge:.0f}" for edge in REFERENCE_BIN_EDGES)
    lines = ["", f"**{survey} against APOGEE**: {whole.sum():,} spectra", ""]
    lines += [f"| | | median | scatter | median in the bins {bins} % of APOGEE's value |", "|---|---|---|---|---|"]
    for p, parameter in enumerate(PARAMETERS):
        reference = links.reference[whole, p]
        edges, d = np.quantile(reference, REFERENCE_BIN_EDGES), DIGITS[p]
        place = np.clip(np.searchsorted(edges, reference, side="right") - 1, 0, len(edges) - 2)
        for name, value in answers.items():
            residual = value[whole, p] - reference
            medians = " ".join(f"{np.median(residual[place == k]):+.{d}f}" for k in range(len(edges) - 1))
            both = f"{np.median(residual):+.{d}f} | {scatter(residual):.{d}f}"
            lines.append(f"| {parameter} | {name} | {both} | {medians} |")
    return lines


if __name__ == "__main__":
    main()
