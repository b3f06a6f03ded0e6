"""Exports over HTTP, written by a real worker: files, and HATS folders that are read in place."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from app.domain.clients import digest_of
from app.domain.errors import TooManyRequestsError
from app.domain.quotas import Quota
from app.pipeline import requests
from app.pipeline.requests import Requests
from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.catalogue import N_STARS
from tests.support.http import Service, serving
from tests.support.means import means
from workers.main import run
from workers.tasks.sweep import sweep


@pytest.fixture(scope="module")
def exporting(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A service on a published catalogue, and what makes its workers work."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        with serving(database, state=state, exports_at_once=10, exports_kept=1000) as service:
            yield service, database, state


def export(exporting: tuple[Service, Database, Path], **body: object) -> dict:
    service, database, state = exporting
    asked = service.send("POST", "/v1/exports", json=body)
    assert asked.status_code == 202, asked.text
    run(means(database, state), concurrency=0, wait=False)
    return service.get(asked.headers["Location"]).json()


@pytest.fixture(scope="module")
def folder(exporting) -> dict:
    """The export of a HATS folder."""
    written = export(exporting, format="hats", version="1")
    assert written["state"] == "succeeded", written
    return written


class Remote(io.RawIOBase):
    """A file behind a URL, read in ranges as clients of object stores do."""

    def __init__(self, service: Service, url: str) -> None:
        self._service, self._url, self._place = service, url, 0
        self._size = int(service.head(url).headers["content-length"])
        self.asked = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def readinto(self, buffer) -> int:
        end = min(self._place + len(buffer), self._size)
        if end <= self._place:
            return 0
        answer = self._service.get(self._url, headers={"Range": f"bytes={self._place}-{end - 1}"})
        assert answer.headers["content-length"] == str(end - self._place)
        buffer[: end - self._place] = answer.content
        self._place = end
        self.asked += 1
        return len(answer.content)


def test_a_hats_folder_comes_as_one_zip_file_with_its_checksum(exporting, folder):
    service = exporting[0]
    said = folder["file"]
    assert (said["format"], said["version"], said["rows"]) == ("hats", 1, N_STARS)
    answer = service.get(said["url"])
    assert answer.headers["content-type"] == "application/zip"
    assert hashlib.sha256(answer.content).hexdigest() == said["sha256"]
    digest = base64.b64decode(answer.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))
    assert digest.hex() == said["sha256"]
    assert len(answer.content) == said["bytes"]
    assert f"{said['name'].removesuffix('.hats.zip')}" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        assert {one.compress_type for one in packed.infolist()} == {zipfile.ZIP_STORED}
        tops = {name.partition("/")[0] for name in packed.namelist()}
        assert tops == {said["name"].removesuffix(".hats.zip")}
    assert [path.name for path in (exporting[2] / "exports").glob(".*")] == [], "nothing is left over"


def test_every_file_of_the_folder_is_read_in_place(exporting, folder):
    service = exporting[0]
    at = folder["file"]["folder"]
    packed = zipfile.ZipFile(io.BytesIO(service.get(folder["file"]["url"]).content))
    for name in packed.namelist():
        answer = service.get(f"{at}/{name.partition('/')[2]}")
        assert (answer.status_code, answer.content) == (200, packed.read(name)), name
        assert answer.headers["X-SoS-Version"] == "1"
    partitions = service.get(f"{at}/partition_info.csv").text.splitlines()[1:]
    stars = []
    for line in partitions:
        order, pixel = line.split(",")
        remote = Remote(service, f"{at}/dataset/Norder={order}/Dir=0/Npix={pixel}.parquet")
        stars.append(pq.ParquetFile(pa.PythonFile(remote, mode="r")).read(columns=["star_id", "teff"]))
        assert remote.asked
    assert len(pa.concat_tables(stars)) == N_STARS
    assert set(pa.concat_tables(stars)["teff"].drop_null().to_pylist()) <= set(range(4100, 4100 + N_STARS))
    footer = pq.read_metadata(pa.PythonFile(Remote(service, f"{at}/dataset/_metadata"), mode="r"))
    assert footer.num_rows == N_STARS


@pytest.mark.parametrize(
    ("headers", "status", "span"),
    [
        ({"Range": "bytes=1-3"}, 206, (1, 4)),
        ({"Range": "bytes=-3"}, 206, (-3, None)),
        ({"Range": "bytes=5-"}, 206, (5, None)),
        ({"Range": "bytes=0-99999999"}, 200, (0, None)),
        ({"Range": "bytes=1-2,4-5"}, 200, (0, None)),
        ({"Range": "bytes=3-1"}, 200, (0, None)),
        ({"Range": "words=1-2"}, 200, (0, None)),
        ({"Range": "bytes=1-3", "If-Range": '"another"'}, 200, (0, None)),
    ],
)
def test_ranges_of_a_file_in_the_folder(exporting, folder, headers: dict, status: int, span: tuple):
    service = exporting[0]
    url = f"{folder['file']['folder']}/hats.properties"
    whole = service.get(url)
    part = service.get(url, headers=headers)
    assert (part.status_code, part.content) == (status, whole.content[slice(*span)])
    assert part.headers["content-length"] == str(len(part.content))
    assert ("content-range" in part.headers) == (status == 206)
    assert service.get(url, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    beyond = service.get(url, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole.content)}")


def test_head_gives_the_size_and_readers_may_say_what_they_need(exporting, folder):
    service = exporting[0]
    url = f"{folder['file']['folder']}/partition_info.csv"
    head = service.head(url)
    assert head.headers["accept-ranges"] == "bytes"
    assert head.headers["content-length"] == str(len(service.get(url).content))
    assert service.get(url, columns="ra,dec", filters="ra>3").content == service.get(url).content
    assert service.get(url, other="1").status_code == 422


def test_what_is_not_there_is_said(exporting, folder):
    service = exporting[0]
    number = folder["export"]
    for name in ("nothing", "../../etc/passwd", "%2e%2e/x", "dataset", ""):
        assert service.get(f"/v1/exports/{number}/hats/{name}").status_code == 404
    assert service.get("/v1/exports/999/hats/hats.properties").status_code == 404
    csv = export(exporting, format="csv", teff_max=4202)
    assert csv["file"]["folder"] is None
    assert service.get(csv["file"]["url"]).content.count(b"\n") == 1 + 3
    wrong = service.get(f"/v1/exports/{csv['export']}/hats/hats.properties")
    assert (wrong.status_code, wrong.json()["detail"]) == (
        404,
        f"export {csv['export']} is a csv file, not a HATS folder",
    )
    waiting = service.send("POST", "/v1/exports", json={"format": "hats", "feh_max": -1}).json()
    assert service.get(f"/v1/exports/{waiting['export']}/hats/hats.properties").status_code == 409


def test_a_file_with_a_checksum_comes_as_it_is_and_in_pieces(exporting):
    service = exporting[0]
    written = export(exporting, format="csv", version=1, ra=150, dec=2, radius=120)
    url, packed = written["file"]["url"], {"Accept-Encoding": "gzip"}
    whole = service.get(url, headers=packed)
    assert ("content-encoding" in whole.headers, whole.headers["etag"]) == (False, f'"{written["file"]["sha256"]}"')
    assert hashlib.sha256(whole.content).hexdigest() == written["file"]["sha256"]
    assert whole.headers["content-length"] == str(written["file"]["bytes"])
    for known in (whole.headers["etag"], f'"other", {whole.headers["etag"]}', "*"):
        again = service.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    rest = service.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"], **packed})
    assert (rest.status_code, whole.content[:100] + rest.content) == (206, whole.content)
    assert service.get(url, headers={"Range": "bytes=9-1"}).content == whole.content  # no range: as if there were none
    beyond = service.get(url, headers={"Range": f"bytes={len(whole.content)}-"})
    assert (beyond.status_code, beyond.headers["content-type"]) == (416, "application/problem+json")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"
    assert service.head(url).headers["content-length"] == str(written["file"]["bytes"])


def test_an_export_says_which_version_it_is_of_before_it_is_there(exporting):
    service = exporting[0]
    asked = service.send("POST", "/v1/exports", json={"format": "jsonl", "version": 1})
    assert (asked.status_code, asked.headers["X-SoS-Version"]) == (202, "1")
    assert service.get(asked.headers["Location"]).headers["X-SoS-Version"] == "1"


@pytest.mark.parametrize(("name", "status"), [("delta", 404), ("a\0b", 422)])
def test_a_survey_that_does_not_exist_is_said_at_once(exporting, name: str, status: int):
    answer = exporting[0].send("POST", "/v1/exports", json={"format": "csv", "survey": name})
    assert (answer.status_code, "survey" in answer.json()["detail"]) == (status, True)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "format"),
        ({"format": "json"}, "format"),
        ({"format": "hats", "limit": 5}, "limit"),
        ({"format": "xls"}, "format"),
    ],
)
def test_an_export_is_no_page(exporting, body: dict, parameter: str):
    answer = exporting[0].send("POST", "/v1/exports", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, parameter)


def test_what_a_killed_attempt_left_goes_with_the_files_past_their_time(exporting, folder):
    service, database, state = exporting
    left, old = state / "exports/.sos_v1_export_9.hats.zip.scratch", state / "exports/sos_v1_export_9.csv"
    left.mkdir()
    (left / "0").touch()
    old.touch()
    for path in (left, old):
        os.utime(path, (0, 0))
    Requests(database).cleanup()
    run(means(database, state, keep_exports_days=1), concurrency=0, wait=False)
    assert not left.exists()
    assert not old.exists()
    assert service.get(folder["file"]["url"]).status_code == 200


@pytest.fixture
def counting(database: Database, tmp_path: Path) -> Iterator[tuple[Service, Database, Path]]:
    """A service that gives each client two exports at once and three that are kept."""
    catalogue.build(database)
    with serving(database, state=tmp_path, exports_at_once=2, exports_kept=3, keep_exports_days=2) as service:
        yield service, database, tmp_path


def ask(service: Service, teff_max: int, client: str = "192.0.2.7"):
    return service.send("POST", "/v1/exports", json={"format": "csv", "teff_max": teff_max}, client=client)


def work(counting: tuple[Service, Database, Path]) -> None:
    run(means(counting[1], counting[2], keep_exports_days=2), concurrency=0, wait=False)


def end(database: Database, export: int, *, days_ago: float) -> None:
    with database.begin() as connection:
        change = "UPDATE job SET finished_at = now() - make_interval(secs => :seconds) WHERE job_id = :job"
        connection.execute(text(change), {"seconds": days_ago * 86_400, "job": export})


def test_a_client_has_a_quota_of_exports_and_others_have_their_own(counting):
    service, database, _ = counting
    first, second = ask(service, 4202), ask(service, 4203)
    assert (first.status_code, second.status_code) == (202, 202)
    crowded = ask(service, 4204)
    assert (crowded.status_code, crowded.headers["Retry-After"]) == (429, "60")
    assert crowded.headers["content-type"] == "application/problem+json"
    assert "no more than 2 may be under way at once: wait for one" in crowded.json()["detail"]
    again = ask(service, 4202)
    assert (again.status_code, again.json()["job"]) == (409, first.json()["export"]), "what is under way is named"
    assert ask(service, 4204, "192.0.2.8").status_code == 202
    assert [ask(service, 4205 + one, f"2001:db8::{one}").status_code for one in range(3)] == [202, 202, 429]
    assert ask(service, 4208, "2001:db8:0:1::1").status_code == 202, "another network of IPv6"
    work(counting)
    third = ask(service, 4210)
    assert third.status_code == 202
    work(counting)
    full = ask(service, 4211)
    assert full.status_code == 429
    assert "3 of your exports are kept, each for 2 days, and no more than 3 may be" in full.json()["detail"]
    assert 86_400 < int(full.headers["Retry-After"]) <= 2 * 86_400
    end(database, first.json()["export"], days_ago=1.5)
    assert 43_000 < int(ask(service, 4211).headers["Retry-After"]) <= 43_200, "until the first of them goes"
    end(database, first.json()["export"], days_ago=2)
    assert ask(service, 4211).status_code == 202, "past its time it is not counted, also before it is cleaned up"


def test_what_fails_or_is_cancelled_takes_no_place(counting):
    service, database, _ = counting
    for place in range(4):
        asked = ask(service, 4202 + place)
        assert asked.status_code == 202
        Requests(database).cancel(asked.json()["export"], "not wanted")


def test_exports_past_their_time_start_the_clean_up_that_removes_them(counting):
    service, database, state = counting
    old, new = ask(service, 4202).json()["export"], ask(service, 4203).json()["export"]
    work(counting)
    sweep(database, means(database, state, keep_exports_days=2))
    work(counting)
    assert len(list((state / "exports").iterdir())) == 2
    end(database, old, days_ago=2)
    os.utime(state / f"exports/sos_v1_export_{old}.csv", (0, 0))
    sweep(database, means(database, state, keep_exports_days=2))
    work(counting)
    assert [path.name for path in (state / "exports").iterdir()] == [f"sos_v1_export_{new}.csv"]
    with database.connect() as connection:
        assert list(connection.execute(text("SELECT job_id FROM export")).scalars()) == [new]


def test_nobody_sees_who_asked_for_an_export(counting):
    service, database, _ = counting
    asked = ask(service, 4202)
    work(counting)
    assert asked.json().keys() == service.get(asked.headers["Location"]).json().keys()
    job = f"/v1/jobs/{asked.json()['export']}"
    pages = [asked, *(service.get(path) for path in (asked.headers["Location"], "/v1/jobs", job, f"{job}/events"))]
    with database.connect() as connection:
        rows = connection.execute(text("SELECT job::text FROM job UNION ALL SELECT job_log::text FROM job_log"))
        seen = "".join(rows.scalars()) + "".join(page.text for page in pages)
        [kept] = connection.execute(text("SELECT client FROM export")).scalars()
    assert kept == digest_of("192.0.2.7")
    assert kept not in seen
    assert "192.0.2.7" not in seen


def at_the_same_time(wanted: Requests, clients: list[str | None]) -> list[int]:
    """Return the jobs of as many exports as clients, all asked for at once; those that are refused have none."""

    def one(client: str | None) -> int | None:
        try:
            return wanted.export({"version": 1, "format": "csv", "one": uuid4().hex}, client=client)
        except TooManyRequestsError:
            return None

    with ThreadPoolExecutor(len(clients)) as pool:
        return [job for job in pool.map(one, clients) if job is not None]


def test_requests_at_the_same_time_do_not_pass_the_limits(database: Database, monkeypatch: pytest.MonkeyPatch):
    catalogue.build(database)
    wanted = Requests(database, exports=Quota(at_once=3, kept=20, days=7))
    assert len(at_the_same_time(wanted, ["192.0.2.7"] * 12)) == 3
    assert len(at_the_same_time(wanted, [None] * 5)) == 5, "who is at the machine has no quota"
    monkeypatch.setattr(requests, "MOST_EXPORTS", 10)
    assert len(at_the_same_time(wanted, [f"192.0.2.{place}" for place in range(20, 32)])) == 2
