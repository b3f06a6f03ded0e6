"""Two surveys of the simulated sky are held out of the catalogue and sent by a user: their injected bias goes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from app.domain.user_surveys import UserSurveyRequest
from app.pipeline.calibrate import calibrate
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.pipeline.plans import default_plan
from app.science.robust import scatter
from app.storage.engine import Database
from tests.support import servers
from tests.support.homogenized import Homogenized, homogenized

pytestmark = pytest.mark.slow

STARS = 30_000
LAMOST, SMALL = "dr10_v2.0_LRS_stellar.csv.gz", "small_a.csv"
PARAMETERS = ("teff", "logg", "feh")


@pytest.fixture(scope="module")
def sky(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple]:
    """A version of the simulated sky without LAMOST LRS and a small survey, and the folder with their files."""
    folder, ingested = tmp_path_factory.mktemp("sky"), tmp_path_factory.mktemp("ingested")
    write_sky(folder, stars=STARS, seed=11, bias=True)
    for file in folder.iterdir():
        if file.name not in {LAMOST, SMALL, "truth.parquet", "mock.json"}:
            (ingested / file.name).symlink_to(file)
    with servers.scratch_database(server_url, template) as database:
        ingest_folder(database, ingested)
        crossmatch(database, survey_radii(database))
        version = calibrate(database, default_plan())
        homogenize_stars(database, version)
        yield database, version, folder


def truth_of(folder: Path, survey: str, objects: list[str]) -> np.ndarray:
    truth = pq.read_table(folder / "truth.parquet", filters=[("survey", "=", survey)])
    place = {name: row for row, name in enumerate(truth["object_id"].cast(pa.string()).to_pylist())}
    rows = [place[name] for name in objects]
    return np.column_stack([truth[p].to_numpy()[rows] for p in PARAMETERS])


def judged(done: Homogenized, truth: np.ndarray) -> dict[str, tuple[float, ...]]:
    """Return by parameter, of unseen stars: n, median, its error, median before, scatter, scatter before, coverage."""
    unseen = (done.known.split == 2) | (done.known.split < 0)
    inside = unseen & done.values.in_domain
    found = {}
    for p, name in enumerate(PARAMETERS):
        after = (done.values.value[:, p] - truth[:, p])[inside]
        before = (done.frame.reported[:, p] - truth[:, p])[inside]
        pull = after / np.where(after > 0, done.values.minus[inside, p], done.values.plus[inside, p])
        error = 1.2533 * scatter(after) / np.sqrt(len(after))
        width = scatter(after), scatter(before)
        found[name] = (len(after), np.median(after), error, np.median(before), *width, np.mean(np.abs(pull) <= 1))
    return found


def test_a_large_survey_of_known_bias(sky: tuple[Database, int, Path]):
    database, version, folder = sky
    table = pa.csv.read_csv(folder / LAMOST)
    table = table.filter(pc.and_(pc.greater(table["snrg"], 20), pc.greater(table["teff"], 0)))
    content = io.BytesIO()
    pa.csv.write_csv(table, content)
    columns = {"id": "gaia_source_id", "snr": "snrg", "g_mag": "gaia_g_mean_mag"}
    done = homogenized(database, version, content.getvalue(), UserSurveyRequest(columns=columns))
    truth = truth_of(folder, "lamost_lrs", table["obsid"].cast(pa.string()).to_pylist())
    found = judged(done, truth)
    largest = {"teff": 12.0, "logg": 0.03, "feh": 0.02}
    for name, (n, median, error, before, width, width_before, covered) in found.items():
        assert n > 3000
        assert abs(median) < largest[name] + 3 * error, name
        assert width < 1.1 * width_before, name
        assert abs(covered - 0.67) < 3 * np.sqrt(0.22 / n) + 0.03, (name, covered)  # 2 % are binaries, tails are long
        assert abs(before) > abs(median) or abs(before) < largest[name], name
        held = done.report["parameters"][name]["held_out"]
        assert abs(held["after"]["median"]) < largest[name] + 3 * held["after"]["median_error"], name


def test_a_small_survey_of_known_bias(sky: tuple[Database, int, Path]):
    database, version, folder = sky
    content = (folder / SMALL).read_bytes()
    done = homogenized(database, version, content, UserSurveyRequest())
    truth = truth_of(folder, "small_a", done.table["object_id"].cast(pa.string()).to_pylist())
    found = judged(done, truth)
    assert 5 <= done.report["matches"]["stars"] < 500
    for name, (n, median, error, before, _, _, covered) in found.items():
        part = done.report["parameters"][name]
        assert part["model"] in {"constant", "linear"}
        assert abs(median) < 3.5 * np.hypot(error, part["correction_error"]), (name, median, before)
        assert covered > 0.683 - 3 * np.sqrt(0.22 / n) - 0.05, (name, covered)
