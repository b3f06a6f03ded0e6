"""A small published catalogue whose every number is known: surveys, raw rows, stars, and versions of them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from app.storage import bulk, version_tables, versions
from app.storage.engine import Database, driver_connection

N_STARS = 300
PARAMETERS = ("teff", "logg", "feh")
SURVEYS = ("alpha_dr1", "beta_dr2", "gamma")
FIRST_GAIA = 2**62 + 1  # no double holds it
BIG_NUMBER = 2**53 + 1  # nor this one
N_REJECTS = 5
NOTE = 'note, "all" %s {x}'  # a column name that only quoting carries

# Stars that cones must get right: both poles, both sides of RA 0, and two at the same place.
SPECIAL_PLACES = (
    (0.0, 90.0),
    (123.0, 89.9999),
    (303.0, 89.9999),
    (45.0, -90.0),
    (200.0, -89.9995),
    (0.0001, 10.0),
    (359.9999, 10.0),
    (0.0, 10.0),
    (150.0, 2.0),
    (150.0, 2.0),
)

Array = NDArray[Any]


@dataclass(frozen=True)
class Truth:
    """What the catalogue holds: arrays by star, and by survey the places of its stars and the numbers of its rows."""

    star_id: Array
    gaia: Array
    ra: Array
    dec: Array
    split: Array
    members: dict[str, Array]
    measurement_id: dict[str, Array]

    def object_id(self, survey: str, row: int) -> str:
        """The survey's own id of its row."""
        return f"{survey[0].upper()}/{row} +{self.measurement_id[survey][row]}"


def build(database: Database, *, n_versions: int = 1, seed: int = 1) -> Truth:
    """Fill a migrated database and publish its versions one after the other."""
    rng = np.random.default_rng(seed)
    truth = _truth(rng)
    with database.begin() as connection:
        for number, survey in enumerate(SURVEYS, start=1):
            _add_survey(connection, number, survey, truth)
        _add_stars(connection, truth)
    for _ in range(n_versions):
        add_version(database, truth)
    return truth


def add_version(database: Database, truth: Truth, *, publish: bool = True) -> int:
    """Add a version of the same stars; its number can be read off every Teff: 4000 + 100 v + place of the star."""
    with database.begin() as connection:
        version = versions.create(
            connection, plan={"name": "test"}, inputs={"alpha_dr1": []}, software={"sos": "0"}, seed=2**60
        )
        _add_models(connection, version)
        version_tables.create(connection, version)
        version_tables.append(connection, "calibrated", version, _calibrated(version, truth))
        version_tables.append(connection, "homogenized", version, _homogenized(version, truth))
        version_tables.attach(connection, version)
        versions.finish(connection, version, n_stars=N_STARS)
        figures = {"offsets.png": (b"\x89PNG\r\n", "image/png")}
        versions.add_report(connection, version, {"pairs": [1]}, figures)
        if publish:
            versions.publish(connection, version)
    return version


def seal(database: Database) -> None:
    """Give every version a checksum of its rows, as the calibration leaves one."""
    with database.begin() as connection:
        for version in versions.list_all(connection):
            digest = sha256(str(version.version_id).encode()).hexdigest()
            versions.set_metrics(connection, version.version_id, {"catalogue_sha256": digest})


def enlarge(database: Database, stars: int, *, version: int = 1) -> None:
    """Add as many stars with one and the same value to a version, for files that no buffer holds."""
    with database.begin() as connection:
        connection.exec_driver_sql(f"""
            INSERT INTO homogenized (version_id, star_id, ra, dec, teff, teff_n, teff_flags, logg_n, logg_flags, feh_n,
                                     feh_flags)
            SELECT {version}, 1000000 + i, 360.0 * i / {stars}, 90.0 * i / {stars}, 5000.5, 1, 0, 1, 0, 1, 0
            FROM generate_series(0, {stars} - 1) AS i""")


def _truth(rng: np.random.Generator) -> Truth:
    ra = np.concatenate([[place[0] for place in SPECIAL_PLACES], rng.uniform(0, 360, N_STARS - len(SPECIAL_PLACES))])
    dec = np.concatenate(
        [
            [place[1] for place in SPECIAL_PLACES],
            np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS - len(SPECIAL_PLACES)))),
        ]
    )
    members = {
        survey: np.flatnonzero(np.arange(N_STARS) % step == 0) for survey, step in zip(SURVEYS, (1, 2, 7), strict=True)
    }
    first = np.cumsum([1, *(len(rows) for rows in members.values())])
    return Truth(
        star_id=np.arange(N_STARS) * 3 + 11,
        gaia=np.where(np.arange(N_STARS) % 10 == 9, 0, FIRST_GAIA + np.arange(N_STARS)),
        ra=ra,
        dec=dec,
        split=np.arange(N_STARS) % 3,
        members=members,
        measurement_id={survey: np.arange(first[place], first[place + 1]) for place, survey in enumerate(SURVEYS)},
    )


def _add_survey(connection: Connection, number: int, survey: str, truth: Truth) -> None:
    count = len(truth.members[survey])
    connection.execute(
        text("INSERT INTO survey (name, title, release, citation) VALUES (:name, :title, 'DR1', 'Someone 2020')"),
        {"name": survey, "title": survey.title()},
    )
    connection.execute(
        text("""INSERT INTO ingestion (survey_id, file_name, file_sha256, file_bytes, file_format, descriptor,
                                       descriptor_sha256, rows_read, rows_stored, rows_rejected,
                                       started_at, finished_at)
                VALUES (:number, :name || '.fits', repeat('a', 64), 100, 'fits', '{}', repeat('b', 64),
                        :stored + :rejected, :stored, :rejected, now(), now())"""),
        {"number": number, "name": survey, "stored": count, "rejected": N_REJECTS if number == 1 else 0},
    )
    if number == 1:
        connection.execute(
            text("""INSERT INTO reject (ingestion_id, row_number, survey_id, reason, original)
                    SELECT 1, 1000 + i, 1, 'no position', jsonb_build_object('id', :big + i, 'name', 'x"y', 'v', 1.5)
                    FROM generate_series(1, :n) AS i"""),
            {"big": BIG_NUMBER, "n": N_REJECTS},
        )
    _add_measurements(connection, number, survey, truth)
    _add_raw(connection, survey, truth)


def _add_measurements(connection: Connection, number: int, survey: str, truth: Truth) -> None:
    connection.exec_driver_sql(f"CREATE TABLE measurement_{survey} PARTITION OF measurement FOR VALUES IN ({number})")
    stars = truth.members[survey]
    count = len(stars)
    columns: dict[str, Array] = {
        "survey_id": np.full(count, number),
        "measurement_id": truth.measurement_id[survey],
        "ingestion_id": np.full(count, number),
        "row_number": np.arange(1, count + 1),
        "object_id": np.array([truth.object_id(survey, row) for row in range(count)], dtype=object),
        "ra": truth.ra[stars],
        "dec": truth.dec[stars],
        "epoch_jyear": np.full(count, 2000.0),
        "snr": np.linspace(10, 100, count),
        "excluded": np.where(np.arange(count) == 1, 2, 0),
        "failed_cuts": np.zeros(count, dtype=int),
    }
    for name in PARAMETERS:
        columns[name] = np.where(np.arange(count) == 2, np.nan, _value(name, stars) + number)
        columns[f"{name}_err_lower"] = np.full(count, 0.25)
        columns[f"{name}_err_upper"] = np.where(np.arange(count) == 3, np.nan, 0.5)
    bulk.copy_in(connection, f"measurement_{survey}", columns)


def _add_raw(connection: Connection, survey: str, truth: Truth) -> None:
    """Give the survey columns that are hard to carry: large integers, NaN, quotes, capitals, truth values."""
    driver_connection(connection).execute(
        f"""CREATE TABLE raw.{survey} (measurement_id bigint PRIMARY KEY, ingestion_id int, row_number bigint,
            "TEFF" double precision, "bigID" bigint, {quoted(NOTE)} text, ok boolean, flag smallint)"""
    )
    numbers = truth.measurement_id[survey]
    place = np.arange(len(numbers))
    columns: dict[str, Array] = {
        "measurement_id": numbers,
        "ingestion_id": np.ones(len(numbers), dtype=int),
        "row_number": place + 1,
        "TEFF": np.where(place % 4 == 1, np.nan, 5000.125 + place),
        "bigID": BIG_NUMBER + place,
        NOTE: np.array([None if row % 5 == 0 else f'é "{row}", \\n\n' for row in place], dtype=object),
        "ok": place % 2 == 0,
        "flag": place % 100,
    }
    bulk.copy_in(connection, f"raw.{survey}", columns)


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _add_stars(connection: Connection, truth: Truth) -> None:
    seen = sum(np.isin(np.arange(N_STARS), members).astype(int) for members in truth.members.values())
    columns = {
        "star_id": truth.star_id,
        "identity": np.array([f"star {number}" for number in truth.star_id], dtype=object),
        "gaia_dr3_source_id": np.ma.masked_equal(truth.gaia, 0),
        "ra": truth.ra,
        "dec": truth.dec,
        "epoch_jyear": np.full(N_STARS, 2016.0),
        "split": truth.split,
        "n_measurements": seen,
        "n_surveys": seen,
        "ambiguous": np.zeros(N_STARS, dtype=bool),
    }
    bulk.copy_in(connection, "star", columns)
    for number, survey in enumerate(SURVEYS, start=1):
        rows = truth.measurement_id[survey]
        columns = {
            "measurement_id": rows,
            "survey_id": np.full(len(rows), number),
            "star_id": truth.star_id[truth.members[survey]],
            "separation_arcsec": np.full(len(rows), 0.1),
            "how": np.ones(len(rows), dtype=int),
            "ambiguous": np.zeros(len(rows), dtype=bool),
        }
        bulk.copy_in(connection, "match", columns)


def _add_models(connection: Connection, version: int) -> None:
    for number, kind in enumerate(("identity", "boosted"), start=1):
        for name in PARAMETERS:
            versions.add_model(
                connection,
                version,
                number,
                parameter=name,
                stage="bridge",
                kind=kind,
                direction="forward",
                content=f"{version} {kind} {name}".encode(),
                metrics={"links": 12},
            )


def _calibrated(version: int, truth: Truth) -> dict[str, Array]:
    stars = np.concatenate(list(truth.members.values()))
    survey = np.concatenate([np.full(len(rows), n) for n, rows in enumerate(truth.members.values(), start=1)])
    count = len(stars)
    columns: dict[str, Array] = {
        "version_id": np.full(count, version),
        "measurement_id": np.concatenate(list(truth.measurement_id.values())),
        "survey_id": survey,
        "star_id": truth.star_id[stars],
        "in_domain": (stars % 4 != 3) | (survey != 1),
        "split": truth.split[stars],
        "flags": np.where((stars % 4 == 3) & (survey == 1), 2, 0),
    }
    for name in PARAMETERS:
        columns[name] = _value(name, stars, version)
        columns[f"{name}_lower"] = columns[name] - 0.125
        columns[f"{name}_upper"] = columns[name] + 0.375
        columns[f"{name}_weight"] = 1.0 / survey
    return columns


def _homogenized(version: int, truth: Truth) -> dict[str, Array]:
    place = np.arange(N_STARS)
    columns: dict[str, Array] = {
        "version_id": np.full(N_STARS, version),
        "star_id": truth.star_id,
        "gaia_dr3_source_id": np.ma.masked_equal(truth.gaia, 0),
        "ra": truth.ra,
        "dec": truth.dec,
        "g_mag": np.where(place % 6 == 0, np.nan, 8 + place / 64),
        "k_mag": 7 + place / 64,
    }
    for name in PARAMETERS:
        columns[name] = np.where(place == 4, np.nan, _value(name, place, version))
        columns[f"{name}_lower"] = columns[name] - 0.1
        columns[f"{name}_upper"] = columns[name] + 0.3
        columns[f"{name}_n"] = 1 + place % 3
        columns[f"{name}_chi2"] = place / 128
        columns[f"{name}_p_value"] = np.full(N_STARS, 0.5)
        columns[f"{name}_flags"] = np.where(place % 4 == 3, 2, 0)
    columns["rho_teff_logg"] = np.where(place % 2 == 0, 0.5, np.nan)
    columns["rho_logg_feh"] = np.where(place % 2 == 0, -0.25, np.nan)
    return columns


def _value(name: str, place: Array, version: int = 0) -> Array:
    """Return values of stars by their place; those of a version say its number."""
    if name == "teff":
        return 4000.0 + 100 * version + place
    return {"logg": 1.0, "feh": -2.0}[name] + place / 128 + version / 1024
