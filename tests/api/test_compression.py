"""Long texts are compressed for those who can read that; binary files never are."""

from __future__ import annotations

import pytest

from tests.support.http import Service

PLAIN = {"accept-encoding": "identity"}


@pytest.mark.parametrize("form", ["json", "csv", "jsonl", "votable"])
def test_a_text_is_the_same_compressed_and_plain(service: Service, form: str):
    packed = service.get("/v1/catalog", format=form, version=1, headers={"accept-encoding": "gzip"})
    plain = service.get("/v1/catalog", format=form, version=1, headers=PLAIN)
    assert (packed.headers["content-encoding"], "content-encoding" in plain.headers) == ("gzip", False)
    assert packed.content == plain.content
    assert packed.num_bytes_downloaded < 0.8 * plain.num_bytes_downloaded
    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    assert "Accept-Encoding" in packed.headers["vary"]
    for tag in (packed.headers["etag"], plain.headers["etag"]):
        again = service.get("/v1/catalog", format=form, version=1, headers={"if-none-match": tag})
        assert again.status_code == 304


@pytest.mark.parametrize("form", ["parquet", "arrow", "fits"])
def test_a_binary_file_is_sent_as_it_is(service: Service, form: str):
    answer = service.get("/v1/catalog", format=form, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert not answer.headers["etag"].startswith("W/")


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("br;q=1.0, gzip;q=0.5", True),
        ("GZIP", True),
        ("zstd", False),
    ],
)
def test_gzip_is_for_those_who_accept_it(service: Service, form: str, accepted: str, expected: bool):
    answer = service.get("/v1/catalog", format=form, headers={"accept-encoding": accepted})
    assert ("content-encoding" in answer.headers) == expected
    assert "Accept-Encoding" in answer.headers["vary"]


def test_a_short_text_is_sent_as_it_is(service: Service):
    answer = service.get("/healthz", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.content))
