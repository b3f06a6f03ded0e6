"""`sos provenance`: the service's documents without the service."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.cli import sos
from tests.support.http import serving
from tests.support.prov import Graph


@pytest.fixture(scope="module")
def published(server_url: str, template: str) -> Iterator[Database]:
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        yield database


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["star", "sos:11"], "/v1/stars/sos:11/provenance"),
        (["star", "sos:11", "--version", "1"], "/v1/stars/sos:11/provenance?version=1"),
        (["version"], "/v1/versions/current/provenance"),
        (["version", "1"], "/v1/versions/1/provenance"),
    ],
)
def test_what_is_printed_is_what_the_service_answers(published: Database, arguments: list[str], path: str):
    shown = sos("provenance", *arguments, database=published)
    assert shown.exit_code == 0, shown.output
    Graph(json.loads(shown.stdout))
    with serving(published) as service:
        assert json.loads(shown.stdout) == service.get(path).json()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["star", "sos:2"], 3, "no star sos:2"),
        (["star", "x"], 2, "names no star"),
        (["version", "9"], 3, "no version 9"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(published: Database, arguments: list[str], code: int, words: str):
    answer = sos("provenance", *arguments, database=published)
    assert (answer.exit_code, answer.stdout) == (code, "")
    assert words in " ".join(answer.stderr.split())
