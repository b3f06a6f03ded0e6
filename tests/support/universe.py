"""An invented universe in the database: a reference, a biased survey and a weak one, with known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, text

from app.science.arrays import Floats, Integers
from app.storage import bulk
from app.storage.engine import Database
from tests.support.links import NOISE, bias_of, giants

APOGEE_ERROR = np.array([30.0, 0.05, 0.02])
WEAK_NOISE = np.array([80.0, 0.2, 0.08])


@dataclass(frozen=True)
class Universe:
    """The truth behind the rows; star k+1 has true parameters `truth[k]`."""

    truth: Floats
    measurements: int


def fill(database: Database, *, stars: int = 2500, seed: int = 1) -> Universe:
    """Put apogee_dr17 (unbiased), lamost_lrs (biased, twice as many) and rave_dr6 (40 links) into the database."""
    truth = giants(stars, seed=seed)
    rng = np.random.default_rng(seed + 1)
    everyone = np.arange(stars)
    parts = [
        ("apogee_dr17", everyone[: stars // 2], 0 * truth, APOGEE_ERROR, True),
        ("lamost_lrs", everyone[stars // 10 :], bias_of(truth), NOISE, False),
        ("rave_dr6", everyone[:40], np.array([100.0, 0.2, -0.1]) + 0 * truth, WEAK_NOISE, False),
    ]
    with database.begin() as connection:
        _stars(connection, stars, parts)
        number = 1
        for name, members, bias, noise, quoted in parts:
            values = (truth + bias + noise * rng.normal(size=truth.shape))[members]
            number += _measurements(connection, name, members + 1, values, noise if quoted else None, number)
    return Universe(truth, number - 1)


def _stars(connection: Connection, stars: int, parts: list[tuple[str, Integers, Floats, Floats, bool]]) -> None:
    number = np.arange(1, stars + 1)
    surveys = np.sum([np.isin(number - 1, members) for _, members, *_ in parts], axis=0)
    kept = surveys > 0
    columns = {
        "star_id": number,
        "identity": np.array([f"star {n}" for n in number], dtype=object),
        "gaia_dr3_source_id": number + 2**60,
        "ra": np.linspace(0, 359, stars),
        "dec": np.linspace(-80, 80, stars),
        "epoch_jyear": np.full(stars, 2016.0),
        "g_mag": np.full(stars, 12.0),
        "split": np.array([0, 0, 0, 1, 2])[number % 5],
        "n_measurements": surveys,
        "n_surveys": surveys,
        "ambiguous": np.zeros(stars, dtype=bool),
    }
    bulk.copy_in(connection, "star", {name: column[kept] for name, column in columns.items()})


def _measurements(
    connection: Connection, name: str, star: Integers, values: Floats, error: Floats | None, first: int
) -> int:
    survey_id = connection.execute(
        text("INSERT INTO survey (name, title, release, citation) VALUES (:name, :name, '1', 'c') RETURNING survey_id"),
        {"name": name},
    ).scalar_one()
    connection.exec_driver_sql(
        f'CREATE TABLE "measurement_{name}" PARTITION OF measurement FOR VALUES IN ({survey_id})'
    )
    count = len(star)
    number = np.arange(first, first + count)
    columns = {
        "survey_id": np.full(count, survey_id),
        "measurement_id": number,
        "ingestion_id": np.ones(count, dtype=int),
        "row_number": np.arange(1, count + 1),
        "object_id": np.array([f"{name}-{n}" for n in star], dtype=object),
        "ra": np.full(count, 10.0),
        "dec": np.full(count, 10.0),
        "epoch_jyear": np.full(count, 2016.0),
        "excluded": np.zeros(count, dtype=int),
        "failed_cuts": np.zeros(count, dtype=int),
    }
    for p, parameter in enumerate(("teff", "logg", "feh")):
        columns[parameter] = values[:, p]
        if error is not None:
            columns[f"{parameter}_err_lower"] = columns[f"{parameter}_err_upper"] = np.full(count, error[p])
    bulk.copy_in(connection, "measurement", columns)
    matches = {
        "measurement_id": number,
        "survey_id": np.full(count, survey_id),
        "star_id": star,
        "separation_arcsec": np.zeros(count),
        "how": np.ones(count, dtype=int),
        "ambiguous": np.zeros(count, dtype=bool),
    }
    bulk.copy_in(connection, "match", matches)
    return count
