"""Whole downloads and exports over HTTP come from the file of the version where it is there, chosen rows never."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from app.pipeline.keep import keep
from app.storage.engine import Database
from tests.support import catalogue, servers
from tests.support.catalogue import N_STARS
from tests.support.http import Service, serving
from tests.support.means import means
from workers.main import run

MARK = 4321.5


@pytest.fixture(scope="module")
def marked(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """A service beside whose database lies a file that differs from it, as no true one does: every Teff is `MARK`."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database)
        catalogue.seal(database)
        path = keep(database, means(database, state).catalogues, 1)
        assert path is not None
        table = pq.read_table(path)
        values = pa.array([MARK] * len(table), pa.float32())
        pq.write_table(table.set_column(table.column_names.index("teff"), table.schema.field("teff"), values), path)
        with serving(database, state=state) as service:
            yield service, database, state


def from_file(content: bytes) -> bool:
    """Tell whether the rows of a Parquet file are those of the file beside the database."""
    teff = pq.read_table(io.BytesIO(content))["teff"]
    return bool(pc.all(pc.equal(teff, MARK)).as_py())


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ({}, True),
        ({"columns": "star_id,teff"}, True),
        ({"version": "1"}, True),
        ({"teff_min": "0"}, False),
        ({"n_min": "1"}, False),
        ({"in_domain": "true"}, False),
        ({"survey": "gamma"}, False),
        ({"box": "180,0,100,100"}, False),
    ],
)
def test_whole_downloads_come_from_the_file(marked: tuple[Service, Database, Path], query: dict, kept: bool):
    answer = marked[0].get("/v1/catalog", format="parquet", **query)
    assert answer.status_code == 200, answer.text
    assert from_file(answer.content) == kept
    assert not kept or int(answer.headers["X-SoS-Rows"]) == N_STARS


@pytest.mark.parametrize(("asked", "kept"), [({}, True), ({"teff_min": 0}, False)])
@pytest.mark.parametrize("form", ["parquet", "hats"])
def test_whole_exports_come_from_it_too(marked: tuple[Service, Database, Path], asked: dict, kept: bool, form: str):
    service, database, state = marked
    export = service.send("POST", "/v1/exports", json={"format": form, **asked}).json()
    run(means(database, state), concurrency=0, wait=False)
    written = service.get(export["url"]).json()["file"]
    if form == "parquet":
        assert from_file(service.get(written["url"]).content) == kept
    else:
        tile = service.get(f"{written['folder']}/partition_info.csv").text.split()[1].split(",")
        name = f"dataset/Norder={tile[0]}/Dir=0/Npix={tile[1]}.parquet"
        assert from_file(service.get(f"{written['folder']}/{name}").content) == kept
