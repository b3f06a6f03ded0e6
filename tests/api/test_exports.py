"""Exports over HTTP, written by a real worker: files, and HATS folders that are read in place."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.pipeline.requests import Requests
from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.catalogue import N_STARS
from tests.support.http import Service, serving
from tests.support.means import means
from workers.main import run


@pytest.fixture(scope="module")
def exporting(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A service on a published catalogue, and what makes its workers work."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        with serving(database, state=state) as service:
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
