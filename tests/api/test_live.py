"""The service as a process of its own, over a socket."""

from __future__ import annotations

import concurrent.futures
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from app.api.files import BLOCKS_AT_ONCE
from tests.support import catalogue, servers
from tests.support.catalogue import Truth
from tests.support.live import running

MANY = 100_000


@pytest.fixture(scope="module")
def live(server_url: str, template: str) -> Iterator[tuple[str, Truth]]:
    """Two processes with one connection for files each, on a catalogue that no buffer holds; and its known part."""
    with servers.scratch_database(server_url, template) as database:
        truth = catalogue.build(database)
        catalogue.enlarge(database, MANY)
        with running(database, "--workers", "2", SOS_STREAM_POOL_SIZE="1") as (url, process):
            yield url, truth
        assert process.returncode in {0, 128 + signal.SIGTERM}


def test_many_readers_at_once_get_their_own_answers(live: tuple[str, Truth]):
    url, truth = live

    def ask(place: int) -> tuple[str, str]:
        with httpx.Client(base_url=url) as client:
            star = client.get(f"/v1/stars/sos:{truth.star_id[place]}").raise_for_status().json()
            query = {"format": "csv", "teff_max": 4100 + place}
            return star["star_id"], client.get("/v1/catalog", params=query).raise_for_status().headers["X-SoS-Rows"]

    places = range(5, 65)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, places))
    assert answers == [(str(truth.star_id[place]), str(place)) for place in places]


def test_a_download_that_is_broken_off_gives_its_connection_back(live: tuple[str, Truth]):
    url, _ = live
    rows = str(MANY + catalogue.N_STARS)
    for form in ("csv", "parquet", "csv", "csv"):
        with httpx.stream("GET", f"{url}/v1/catalog", params={"format": form}, timeout=60) as answer:
            assert answer.headers["X-SoS-Rows"] == rows
            next(answer.iter_raw(1))
    for _ in range(2):
        whole = httpx.get(f"{url}/v1/catalog", params={"format": "csv", "columns": "star_id"}, timeout=60)
        assert str(len(whole.text.splitlines()) - 1) == rows


def test_downloads_that_nobody_reads_keep_no_one_from_stars_or_files(server_url: str, template: str):
    """More of them than blocks may be made at once; each fills what lies between it and the client, and waits."""
    waiting = 12
    assert waiting > BLOCKS_AT_ONCE
    with servers.scratch_database(server_url, template) as database:
        truth = catalogue.build(database)
        catalogue.enlarge(database, MANY)
        with running(database, SOS_STREAM_POOL_SIZE=str(waiting + 1)) as (url, _), contextlib.ExitStack() as opened:
            for place in range(waiting):
                form = ("csv", "parquet", "votable")[place % 3]
                answer = opened.enter_context(
                    httpx.stream("GET", f"{url}/v1/catalog", params={"format": form}, timeout=60)
                )
                assert answer.status_code == 200
            star = httpx.get(f"{url}/v1/stars/sos:{truth.star_id[5]}").raise_for_status().json()
            assert star["star_id"] == str(truth.star_id[5])
            whole = httpx.get(f"{url}/v1/catalog", params={"format": "csv", "columns": "star_id"}, timeout=60)
            assert len(whole.text.splitlines()) - 1 == int(whole.headers["X-SoS-Rows"])


def test_the_service_starts_without_the_libraries_that_fit_models():
    heavy = ("xgboost", "mapie", "sklearn", "numba", "matplotlib", "astropy", "pandas", "adbc_driver_postgresql")
    code = f"import app.main, sys; print([name for name in {heavy!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_upload_without_a_key_is_refused_before_any_of_it_is_sent(live: tuple[str, Truth]):
    host, _, port = live[0].removeprefix("http://").partition(":")
    head = (
        "POST /v1/admin/keys HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {500 << 20}",
        "",
        "",
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join(head).encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")
