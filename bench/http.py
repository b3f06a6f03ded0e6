"""HTTP requests against the same prepared statements in pgbench, and downloads against PostgreSQL's own COPY.

Service, load generator, pgbench and PostgreSQL share the machine's cores; limit and service take turns, so that both
see the same of whatever else runs.
"""

from __future__ import annotations

import asyncio
import csv
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import httpx
import psycopg
import uvloop

from app.cli.serve import APPLICATION, PROTOCOL
from app.pipeline.keep import keep
from app.storage import migrate, sky
from app.storage.catalog import cone_statement, star_statement
from app.storage.embedded_binaries import packaged
from app.storage.engine import Database, driver_connection
from app.storage.reading import SHORT_OPTIONS
from bench.scratch import scratch_database

CONNECTIONS = 8
MANY_CONNECTIONS = 32
UPLOADED = 100_000
TURNS = 3
SECONDS = 4.0
RADIUS_DEG = 1 / 60
SLOW_DOWNLOADERS = 32
SLOW_BYTES_PER_SECOND = 2**20
CLIENT, SLOW = "--client", "--slow"


def measure(url: str, rows: int = 2_000_000) -> list[tuple[str, float, str]]:
    """Return requests/s, latencies, rows/s of downloads and the service's memory, on a catalogue of `rows` stars."""
    with scratch_database(url, "http") as database, TemporaryDirectory() as state:
        _fill(database, rows)
        started = time.perf_counter()
        keep(database, Path(state) / "catalogues", 1)
        seconds = time.perf_counter() - started
        with _service(database.url, state) as (address, pid):
            table: list[tuple[str, float, str]] = [
                ("catalogue kept as a file, once a version", rows / seconds, "rows/s")
            ]
            for connections in (CONNECTIONS, MANY_CONNECTIONS):
                for call in ("cone", "star"):
                    table += _hot(call, database, address, rows, connections)
            table += _downloads(database, address, rows)
            table += _upload(database, address, rows)
            table += _beside_slow_downloads(address, rows)
            table.append(("memory of the service at its highest", _peak_mib(pid), "MiB"))
    return table


def _hot(call: str, database: Database, address: str, rows: int, connections: int) -> Iterator[tuple[str, float, str]]:
    limits, rates, p50, p99 = [], [], [], []
    for _ in range(TURNS):
        limits.append(_pgbench(call, database.url, rows, connections))
        rate, middle, high = _load(call, address, rows, connections)
        rates.append(rate)
        p50.append(middle)
        p99.append(high)
    name = f"{call}, {connections} clients"
    yield (f"{name}, over HTTP", mean(rates), "requests/s")
    yield (f"{name}, limit: the same statement in pgbench", mean(limits), "requests/s")
    yield (f"{name}, share of the limit", 100 * mean(rates) / mean(limits), "%")
    yield (f"{name}, half of the requests within", mean(p50), "ms")
    yield (f"{name}, 99 % of the requests within", mean(p99), "ms")


def _downloads(database: Database, address: str, rows: int) -> Iterator[tuple[str, float, str]]:
    limit = _server_copy(database)
    yield ("limit: server-side COPY of the catalogue as CSV", rows / limit, "rows/s")
    every = {"teff_min": "0"}  # true of every star, but the database has to look
    for form, encoding, part in (
        ("csv", "identity", {}),
        ("csv", "gzip", {}),
        ("parquet", "identity", {}),
        ("votable", "identity", {}),
        ("fits", "identity", {}),
        ("parquet", "identity", every),
        ("votable", "identity", every),
    ):
        query, headers = {"format": form, **part}, {"Accept-Encoding": encoding}
        started = time.perf_counter()
        with httpx.stream("GET", f"{address}/v1/catalog", params=query, headers=headers, timeout=None) as answer:
            assert int(answer.headers["X-SoS-Rows"]) == rows
            assert answer.headers.get("Content-Encoding", "identity") == encoding
            for _ in answer.iter_raw():
                pass
        seconds = time.perf_counter() - started
        how = (", compressed" if encoding == "gzip" else "") + (", rows chosen by the database" if part else "")
        name = f"/v1/catalog as {form}{how}"
        yield (name, rows / seconds, "rows/s")
        yield (f"{name}, share of the limit", 100 * limit / seconds, "%")


def _upload(database: Database, address: str, rows: int) -> Iterator[tuple[str, float, str]]:
    """Match a table of positions of stars, one and a half arcseconds beside them."""
    with psycopg.connect(database.url) as connection:
        places = connection.execute(
            "SELECT ra, dec + 1.5 / 3600 FROM homogenized_1 ORDER BY random() LIMIT %s", [UPLOADED]
        ).fetchall()
    table = ("ra,dec\n" + "".join(f"{ra:.8f},{dec:.8f}\n" for ra, dec in places)).encode()
    query = {"radius": "3", "unit": "arcsec", "columns": "star_id,teff,logg,feh"}
    for which in ("first of the process", "second"):
        started = time.perf_counter()
        answer = httpx.post(f"{address}/v1/match", params=query, content=table, timeout=None).raise_for_status()
        seconds = time.perf_counter() - started
        found = list(csv.DictReader(answer.text.splitlines()))
        assert all(row["star_id"] for row in found)
        yield (f"/v1/match of {len(found):,} positions with {rows:,} stars, {which}", seconds, "s")


def _beside_slow_downloads(address: str, rows: int) -> Iterator[tuple[str, float, str]]:
    """Ask for stars with and without clients that fetch the whole catalogue on slow lines, in turns."""
    alone, beside = [], []
    for _ in range(TURNS):
        alone.append(_load("star", address, rows, CONNECTIONS)[2])
        arguments = [sys.executable, "-P", __file__, SLOW, address]
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as downloads:
            assert downloads.stdout is not None
            assert downloads.stdout.readline() == "all begun\n"
            beside.append(_load("star", address, rows, CONNECTIONS)[2])
            fetched = int(downloads.communicate("")[0])
        yield (f"bytes/s of {SLOW_DOWNLOADERS} slow downloads meanwhile", fetched / 2**20, "MiB/s")
    yield (f"star, {CONNECTIONS} clients, alone: 99 % of the requests within", mean(alone), "ms")
    yield (f"star, {CONNECTIONS} clients, beside {SLOW_DOWNLOADERS} slow downloads: 99 % within", mean(beside), "ms")
    yield ("99 % of the requests, times what they take alone", mean(beside) / mean(alone), "")


def _slow(address: str) -> None:
    """Fetch the catalogue over `SLOW_DOWNLOADERS` slow lines until the input ends; print the bytes/s of all of them."""
    host, port = address.removeprefix("http://").split(":")
    piece, pause = 2**16, 2**16 / SLOW_BYTES_PER_SECOND
    forms = ("csv", "parquet", "votable", "fits")
    fetched = 0

    async def download(form: str, begun: asyncio.Barrier) -> None:
        nonlocal fetched
        reader, writer = await asyncio.open_connection(host, int(port), limit=piece)
        writer.write(f"GET /v1/catalog?format={form} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(piece)
        await begun.wait()
        while True:
            await asyncio.sleep(pause)
            fetched += len(await reader.readexactly(piece))  # or IncompleteReadError: take more stars

    async def run() -> float:
        nonlocal fetched
        begun = asyncio.Barrier(SLOW_DOWNLOADERS + 1)
        tasks = [asyncio.create_task(download(forms[i % len(forms)], begun)) for i in range(SLOW_DOWNLOADERS)]
        await begun.wait()
        print("all begun", flush=True)
        fetched, started = 0, time.perf_counter()
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        return fetched / (time.perf_counter() - started)

    print(round(uvloop.run(run())))


def _fill(database: Database, rows: int) -> None:
    """Make a published version of `rows` stars in sky order, with three measurements for every two of them."""
    with database.begin() as connection:
        migrate.upgrade(connection)
    with database.begin() as connection:
        driver_connection(connection).execute(_FILL.format(rows=rows).encode())
        sky.create_sky_index(connection, "homogenized_1")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


_FILL = """
INSERT INTO version (state, plan, inputs, software, seed, n_stars, metrics)
VALUES ('published', '{{}}', '{{}}', '{{}}', 1, {rows},
        jsonb_build_object('catalogue_sha256', encode(sha256('{rows}'::bytea), 'hex')));
INSERT INTO publication (version_id) VALUES (1);
INSERT INTO artifact VALUES ('0', 'x', '');
INSERT INTO survey (name, title, release, citation)
SELECT 'survey_' || i, 'S', '1', 'c' FROM generate_series(1, 8) AS i;
INSERT INTO ingestion (survey_id, file_name, file_sha256, file_bytes, file_format, descriptor, descriptor_sha256,
                       rows_read, rows_stored, rows_rejected, started_at, finished_at)
SELECT i, 'survey_' || i || '.fits', repeat('a', 64), 1, 'FITS', '{{}}', repeat('b', 64), {rows}, {rows}, 0,
       now(), now()
FROM generate_series(1, 8) AS i;
INSERT INTO model (version_id, survey_id, parameter, stage, kind, direction, artifact_sha256, metrics)
SELECT 1, s, p, 'bridge', 'boosted', 'forward', '0', '{{}}'
FROM generate_series(1, 8) AS s, unnest(ARRAY['teff', 'logg', 'feh']) AS p;
DO $$ BEGIN FOR i IN 1..8 LOOP
    EXECUTE format('CREATE TABLE measurement_survey_%s PARTITION OF measurement FOR VALUES IN (%s)', i, i);
END LOOP; END $$;
CREATE TABLE homogenized_1 (LIKE homogenized INCLUDING DEFAULTS);
INSERT INTO homogenized_1
SELECT 1, row_number() OVER (ORDER BY floor("dec"), ra), 4000000000000000000 + i, ra, "dec",
       4000 + t, 3950 + t, 4060 + t, 2, u, v, 0, 1 + 4 * u, 4 * u, 2 + 4 * u, 2, v, t / 2000, 0,
       -v, -v - 0.1, 0.1 - v, 2, t / 2000, u, 0, 8 + 8 * u, 9 + 8 * u, 7 + 8 * u, 6 + 8 * u
FROM (SELECT i, 360 * random() AS ra, degrees(asin(2 * random() - 1)) AS "dec", 2000 * random() AS t, random() AS u,
             random() AS v
      FROM generate_series(1, {rows}) AS i) AS star
ORDER BY floor("dec"), ra;
ALTER TABLE homogenized ATTACH PARTITION homogenized_1 FOR VALUES IN (1);
CREATE TABLE calibrated_1 (LIKE calibrated INCLUDING DEFAULTS);
INSERT INTO calibrated_1
SELECT 1, i, 1 + i % 8, 1 + i * 2 / 3, 4000 + t, 3950 + t, 4060 + t, u, 5 * u, 4 * u, 6 * u, u,
       -u, -u - 0.1, 0.1 - u, u, true, i % 3, 0
FROM (SELECT i, 2000 * random() AS t, random() AS u FROM generate_series(0, {rows} * 3 / 2 - 1) AS i) AS row;
ALTER TABLE calibrated ATTACH PARTITION calibrated_1 FOR VALUES IN (1);
INSERT INTO measurement (survey_id, measurement_id, ingestion_id, row_number, object_id, ra, "dec", epoch_jyear, snr,
                         teff, teff_err_lower, teff_err_upper, logg, logg_err_lower, logg_err_upper,
                         feh, feh_err_lower, feh_err_upper, excluded, failed_cuts)
SELECT survey_id, measurement_id, survey_id, measurement_id, 'object ' || measurement_id, 10, 10, 2000, 50, teff, 50,
       60, logg, 0.1, 0.1, feh, 0.1, 0.1, 0, 0
FROM calibrated_1
"""


@contextmanager
def _service(database_url: str, state: str) -> Iterator[tuple[str, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", APPLICATION, "--http", PROTOCOL, "--port", str(port), "--no-access-log"]
    environment = {
        **os.environ,
        "SOS_DATABASE_URL": database_url,
        "SOS_STATE": state,
        "SOS_POOL_SIZE": str(CONNECTIONS),
        "SOS_RATE_LIMIT": "0",
    }
    process = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{address}/readyz").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield address, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def _server_copy(database: Database) -> float:
    started = time.perf_counter()
    with psycopg.connect(database.url, options="-c max_parallel_workers_per_gather=0 -c jit=off") as connection:
        connection.execute("COPY (SELECT * FROM homogenized_1) TO '/dev/null' (FORMAT csv)")
    return time.perf_counter() - started


_VARIABLES = {
    "version": "1::int",
    "ra": "(:ra / 1000000.0)::float8",
    "dec": "(:dec / 1000000.0)::float8",
    "radius": f"{RADIUS_DEG}::float8",
    "limit": "1000::int",
    "number": ":number::bigint",
}


def _pgbench(call: str, url: str, rows: int, connections: int) -> float:
    """Return how often per second pgbench runs the statement that the service runs."""
    statement = cone_statement(1, "from_the_start") if call == "cone" else star_statement(1, "by_number")
    text = re.sub(r"^--.*\n", "", statement.text.decode(), flags=re.MULTILINE)
    body = re.sub(r"\$(\d+)", lambda place: _VARIABLES[statement.names[int(place[1]) - 1]], text)
    randoms = (("ra", 0, 359_999_999), ("dec", -60_000_000, 60_000_000), ("number", 1, rows))
    script = "".join(f"\\set {name} random({low}, {high})\n" for name, low, high in randoms) + body + ";\n"
    program = shutil.which("pgbench", path=os.pathsep.join([str(packaged()[-1]), os.environ["PATH"]]))
    assert program is not None, "pgbench comes with PostgreSQL"
    options = ["-n", "-M", "prepared", "-c", str(connections), "-j", "2", "-T", str(round(SECONDS)), "-f", "-"]
    environment = {**os.environ, "PGOPTIONS": SHORT_OPTIONS}
    done = subprocess.run(
        [program, *options, url], input=script, capture_output=True, text=True, check=True, env=environment
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    return float(found[1])


def _load(call: str, address: str, rows: int, connections: int) -> tuple[float, float, float]:
    """Ask from a process of its own; return requests/s and the latencies of half and 99 % of them in ms."""
    # -P keeps this folder off the path, where this file would stand in for the standard library's `http`.
    arguments = [sys.executable, "-P", __file__, CLIENT, call, address, str(rows), str(connections)]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)
    rate, middle, high = map(float, done.stdout.split())
    return rate, middle, high


def _client(call: str, address: str, rows: int, connections: int) -> None:
    """Keep connections busy with random requests for `SECONDS`, and print what `_load` returns."""
    generator = random.Random(1)
    host, port = address.removeprefix("http://").split(":")

    def request() -> bytes:
        if call == "cone":
            ra, dec = generator.uniform(0, 360), generator.uniform(-60, 60)
            path = f"/v1/cone?ra={ra:.6f}&dec={dec:.6f}&radius=1&unit=arcmin"
        else:
            path = f"/v1/stars/sos:{generator.randint(1, rows)}"
        return f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()

    latencies: list[float] = []

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:
            self.transport, self.received = transport, b""
            self.ask()

        def ask(self) -> None:
            self.started = time.perf_counter()
            self.transport.write(request())

        def data_received(self, data: bytes) -> None:
            self.received += data
            head, end, body = self.received.partition(b"\r\n\r\n")
            if not end or len(body) < int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]):
                return
            assert head.startswith(b"HTTP/1.1 200"), head
            latencies.append(time.perf_counter() - self.started)
            self.received = b""
            self.ask()

    async def run() -> float:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            await loop.create_connection(Connection, host, int(port))
        await asyncio.sleep(1)
        latencies.clear()
        started = time.perf_counter()
        await asyncio.sleep(SECONDS)
        return len(latencies) / (time.perf_counter() - started)

    rate = uvloop.run(run())
    latencies.sort()
    print(rate, 1000 * latencies[len(latencies) // 2], 1000 * latencies[len(latencies) * 99 // 100])


if __name__ == "__main__":
    if sys.argv[1] == CLIENT:
        _client(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
    elif sys.argv[1] == SLOW:
        _slow(sys.argv[2])
    else:
        for what, value, unit in measure(*sys.argv[1:2], *map(int, sys.argv[2:])):
            print(f"{what:60s} {value:12,.1f} {unit}")
