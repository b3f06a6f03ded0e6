"""Ingest of a survey file against PostgreSQL's own COPY of the same rows from a file on the server.

Both make the same tables with the same indexes; the limit reads no survey file, converts nothing and checks nothing.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits
from sqlalchemy import text

from app.pipeline.ingest import ingest
from app.storage import migrate
from app.storage.engine import Database
from app.surveys.loader import builtin
from bench.scratch import scratch_database

SURVEY, FORMAT = "apogee_dr17", "allStar"
_ROOT = Path(__file__).resolve().parents[1]
# As a module: beside this script lie files named like modules of Python.
_CHILD = (sys.executable, "-m", "bench.ingest")
_CHUNK = 500_000
_FLAGS = (("EXTRATARG", "J"), ("STARFLAG", "K"), ("ASPCAPFLAG", "K"), ("FE_H_FLAG", "J"))
_FLOATS = {
    "K": (5, 13), "SNR": (10, 900), "TEFF": (3500, 7000), "TEFF_ERR": (10, 90), "LOGG": (0, 5), "LOGG_ERR": (0.01, 0.1),
    "FE_H": (-2, 0.5), "FE_H_ERR": (0.005, 0.05), "GAIAEDR3_PMRA": (-50, 50), "GAIAEDR3_PMDEC": (-50, 50),
    "GAIAEDR3_PHOT_G_MEAN_MAG": (6, 18), "GAIAEDR3_PHOT_BP_MEAN_MAG": (6, 18), "GAIAEDR3_PHOT_RP_MEAN_MAG": (6, 18),
}  # fmt: skip


def measure(url: str, rows: int = 1_000_000) -> list[tuple[str, float, str]]:
    """Return rows/s of ingest and of the server's COPY, their ratio, and the memory that ingest took."""
    with tempfile.TemporaryDirectory() as folder, scratch_database(url, "ingest") as database:
        Path(folder).chmod(0o777)
        path = Path(folder) / "allStar-dr17-bench.fits"
        write_survey(path, rows)
        with database.begin() as connection:
            migrate.upgrade(connection)
        _ingest_once(database, _small(Path(folder)))
        with database.begin() as connection:
            connection.execute(text("DROP TABLE measurement_apogee_dr17, raw.apogee_dr17"))
            connection.execute(text("TRUNCATE ingestion, reject"))
        started = time.perf_counter()
        peak = _in_child(database.url, path)
        seconds = time.perf_counter() - started - _child_overhead()
        limit = _server_copy(database, Path(folder))
    return [
        ("ingest", rows / seconds, "rows/s"),
        ("limit: server-side COPY of the same tables", rows / limit, "rows/s"),
        ("share of the limit", 100 * limit / seconds, "%"),
        ("memory of ingest", peak / 2**20, "MiB"),
    ]


def write_survey(path: Path, rows: int) -> None:
    """Write an allStar file of random rows."""
    rng = np.random.default_rng(1)
    names = [("APOGEE_ID", "18A"), ("RA", "D"), ("DEC", "D"), ("GAIAEDR3_SOURCE_ID", "K")]
    names += [*_FLAGS, *((name, "E") for name in _FLOATS)]
    header = fits.BinTableHDU.from_columns(fits.ColDefs([fits.Column(*name) for name in names]), nrows=0).header
    dtype = fits.ColDefs([fits.Column(*name) for name in names]).dtype.newbyteorder(">")
    header["NAXIS2"] = rows
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode())
        file.write(header.tostring().encode())
        for start in range(0, rows, _CHUNK):
            file.write(_chunk(rng, start, min(_CHUNK, rows - start), dtype).tobytes())
        file.write(bytes(-file.tell() % 2880))


def _chunk(rng: np.random.Generator, start: int, count: int, dtype: np.dtype) -> np.ndarray:
    table = np.zeros(count, dtype)
    number = np.arange(start, start + count)
    table["APOGEE_ID"] = np.char.add(np.char.add(b"2M", np.char.zfill((number % 10**8).astype("S8"), 8)), b"+1234567")
    table["RA"], table["DEC"] = rng.uniform(0, 360, count), np.degrees(np.arcsin(rng.uniform(-1, 1, count)))
    table["GAIAEDR3_SOURCE_ID"] = rng.integers(1, 2**62, count)
    for name, (low, high) in _FLOATS.items():
        table[name] = rng.uniform(low, high, count)
    table["FE_H"][rng.random(count) < 0.05] = np.nan
    return table


def _small(folder: Path) -> Path:
    path = folder / "allStar-dr17-warm.fits"
    write_survey(path, 1_000)
    return path


def _ingest_once(database: Database, path: Path) -> None:
    descriptor = next(one for one in builtin() if (one.name, one.format) == (SURVEY, FORMAT))
    ingest(database, descriptor, path)


def _in_child(url: str, path: Path) -> int:
    """Ingest in a process of its own and return its peak memory in bytes."""
    done = subprocess.run([*_CHILD, url, str(path)], check=True, capture_output=True, cwd=_ROOT)
    return int(done.stdout)


def _child_overhead() -> float:
    started = time.perf_counter()
    subprocess.run(_CHILD, check=True, cwd=_ROOT)
    return time.perf_counter() - started


def _server_copy(database: Database, folder: Path) -> float:
    """Return the seconds that the server needs to fill the same tables from its own files and index them."""
    tables = ("measurement_apogee_dr17", "raw.apogee_dr17")
    with database.begin() as connection:
        for number, table in enumerate(tables):
            connection.exec_driver_sql(f"COPY {table} TO '{folder}/{number}.bin' (FORMAT BINARY)")
    started = time.perf_counter()
    with database.begin() as connection:
        for number, table in enumerate(tables):
            connection.exec_driver_sql(f"CREATE TABLE copied{number} (LIKE {table} INCLUDING CONSTRAINTS)")
            connection.exec_driver_sql(f"COPY copied{number} FROM '{folder}/{number}.bin' (FORMAT BINARY, FREEZE)")
        connection.exec_driver_sql("ALTER TABLE copied0 ADD PRIMARY KEY (survey_id, measurement_id)")
        connection.exec_driver_sql("CREATE INDEX ON copied0 (survey_id, object_id)")
        connection.exec_driver_sql("CREATE INDEX ON copied0 (ingestion_id)")
        connection.exec_driver_sql("ALTER TABLE copied1 ADD PRIMARY KEY (measurement_id)")
        connection.exec_driver_sql("ANALYZE copied0; ANALYZE copied1")
    return time.perf_counter() - started


if __name__ == "__main__":
    if len(sys.argv) == 3:
        target = Database(sys.argv[1])
        _ingest_once(target, Path(sys.argv[2]))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
