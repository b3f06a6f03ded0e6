"""An invented universe that came in through files, all the way to a published version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.pipeline.calibrate import calibrate
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.homogenize import homogenize_stars
from app.pipeline.ingest import ingest
from app.pipeline.plans import default_plan
from app.pipeline.publish import publish
from app.pipeline.validate import validate
from app.storage.engine import Database
from app.surveys.loader import parse
from tests.support.links import NOISE, bias_of, giants

FIRST_GAIA = 2**60

_DESCRIPTOR = """
name = "{name}"
format = "table"
title = "{name}"
release = "1"
citation = "nobody 2026"
object_id = "id"

[position]
ra = {{ column = "ra", unit = "deg" }}
dec = {{ column = "dec", unit = "deg" }}
match_radius_arcsec = 2.0

[ids]
gaia_dr3 = {{ column = "gaia" }}

[parameters.teff]
column = "TEFF"
unit = "K"
error = {{ kind = "symmetric", column = "e_teff" }}

[parameters.logg]
column = "LOGG"
error = {{ kind = "symmetric", column = "e_logg" }}

[parameters.feh]
column = "FEH"
error = {{ kind = "symmetric", column = "e_feh" }}
"""


@dataclass(frozen=True)
class Ingested:
    """The files by survey, the version that was made of them, and the star number of one that all surveys hold."""

    files: dict[str, Path]
    version: int
    common: int


def build(database: Database, folder: Path, *, stars: int = 1500) -> Ingested:
    """Make a published version of apogee_dr17 (true), lamost_lrs (biased) and rave_dr6 (40 stars), one file each.

    Every twentieth row of a file has no position and is rejected, so that rows and measurements count apart.
    """
    truth, everyone = giants(stars, seed=1), np.arange(stars)
    surveys = {
        "apogee_dr17": (everyone[: stars // 2], 0 * truth, np.array([30.0, 0.05, 0.02])),
        "lamost_lrs": (everyone[stars // 10 :], bias_of(truth), NOISE),
        "rave_dr6": (
            everyone[stars // 10 : stars // 10 + 40],
            np.array([100.0, 0.2, -0.1]) + 0 * truth,
            np.array([80.0, 0.2, 0.08]),
        ),
    }
    rng, files, common = np.random.default_rng(2), {}, set(everyone.tolist())
    for name, (members, bias, noise) in surveys.items():
        values = (truth + bias + noise * rng.normal(size=truth.shape))[members]
        order = rng.permutation(len(members))
        files[name] = _write(folder / f"{name}.parquet", name, members[order], values[order], noise)
        common &= set(members[order][np.arange(len(members)) % 20 != 5].tolist())
        ingest(database, parse(_DESCRIPTOR.format(name=name), f"{name}.toml"), files[name])
    crossmatch(database, survey_radii(database))
    version = calibrate(database, default_plan())
    homogenize_stars(database, version)
    validate(database, version)
    publish(database, version)
    return Ingested(files, version, min(common))


def _write(path: Path, name: str, star: np.ndarray, values: np.ndarray, noise: np.ndarray) -> Path:
    place = np.arange(len(star))
    columns = {
        "id": [f"{name}-{number}" for number in star],
        "gaia": FIRST_GAIA + star,
        "ra": np.where(place % 20 == 5, np.nan, star * 0.2),
        "dec": star * 0.1 - 70.0,
        **{column: values[:, p] for p, column in enumerate(("TEFF", "LOGG", "FEH"))},
        **{f"e_{parameter}": np.full(len(star), noise[p]) for p, parameter in enumerate(("teff", "logg", "feh"))},
    }
    pq.write_table(pa.table(columns), path)
    return path
