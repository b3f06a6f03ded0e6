"""Downloads from a TAP service: whole, in a region, and over interruptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import MaskedColumn, Table

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import ConflictError, DescriptorError, ParameterError, UnavailableError
from app.pipeline import remote
from app.pipeline.fetch import fetch
from app.pipeline.ingest import ingest
from app.pipeline.readers import open_table, unit_of
from app.pipeline.remote import Cone
from app.storage.engine import Database
from tests.support.descriptors import TOML
from tests.support.tap_server import TapServer, serve

ROWS = 1_000
FETCH = """
[fetch]
url = "http://127.0.0.1:1/tap"
table = '"cat/table"'
key = "recno"
ra = "RA"
dec = "DE"
rows_per_query = 150

[fetch.columns]
id = "Name"
ra = "RA"
dec = "DE"
gaia = "Gaia"
teff = "Teff"
feh = '"[Fe/H]"'
"""
PARTS = TOML.split("[ids]")[0].replace('snr = "snr"\n', "")
PARAMETERS = """
[ids]
gaia_dr3 = "gaia"
[parameters.teff]
column = "teff"
unit = "K"
error = { kind = "absent" }
[parameters.feh]
column = "feh"
error = { kind = "absent" }
"""


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_PAUSE_SECONDS", 0.0)


@pytest.fixture
def service() -> Iterator[TapServer]:
    rng = np.random.default_rng(4)
    number = np.arange(ROWS)
    table = Table(
        {
            "recno": rng.permutation(ROWS) + 1,
            "Name": [f"star {n}" for n in number],
            "RA": MaskedColumn(rng.uniform(0, 360, ROWS), unit="deg"),
            "DE": MaskedColumn(np.degrees(np.arcsin(rng.uniform(-1, 1, ROWS))), unit="deg"),
            "Gaia": MaskedColumn(2**62 + number, mask=number % 10 == 0),
            "Teff": MaskedColumn((5000.0 + number).astype("f4"), unit="K"),
            "[Fe/H]": MaskedColumn(number / -1000.0),
        }
    )
    with serve(TapServer(table)) as running:
        yield running


def descriptor(service: TapServer, **changed: object) -> SurveyDescriptor:
    from app.surveys.loader import parse

    found = parse(PARTS + PARAMETERS + FETCH, "remote.toml")
    assert found.fetch is not None
    return replace(found, fetch=replace(found.fetch, url=service.url, **changed))


def names(path: Path) -> list[str]:
    return sorted(pq.read_table(path)["id"].to_pylist())


def test_a_whole_table_arrives_exactly(service: TapServer, tmp_path: Path, database: Database) -> None:
    out = tmp_path / "remote.parquet"
    seen: list[tuple[int, int | None]] = []
    done = fetch(descriptor(service), out, progress=lambda rows, total: seen.append((rows, total)))
    assert (done.rows, done.resumed_from) == (ROWS, 0)
    assert len(service.queries) == 7
    assert seen[-1] == (ROWS, None)
    found = pq.read_table(out).sort_by("teff")
    assert found["id"].to_pylist() == [f"star {n}" for n in range(ROWS)]
    assert found["gaia"].to_pylist() == [None if n % 10 == 0 else 2**62 + n for n in range(ROWS)]
    assert unit_of(open_table(out).schema.field("ra")) == "deg"
    assert pq.read_schema(out).metadata[b"source"].decode() == service.url
    assert not list(tmp_path.glob("*.part"))
    taken = ingest(database, descriptor(service), out)
    assert (taken.rows_read, taken.rows_stored) == (ROWS, ROWS)


def test_an_interrupted_download_goes_on_where_it_stopped(service: TapServer, tmp_path: Path) -> None:
    out = tmp_path / "remote.parquet"
    service.broken_after = 3
    with pytest.raises(UnavailableError, match="does not answer"):
        fetch(descriptor(service), out)
    assert not out.exists()
    assert len(service.queries) == 3 + 3
    service.broken_after, service.queries = None, []
    done = fetch(descriptor(service), out)
    assert (done.rows, done.resumed_from) == (ROWS, 450)
    assert "recno > 450" in service.queries[0]
    assert len(service.queries) == 4
    assert names(out) == sorted(f"star {n}" for n in range(ROWS))


def test_a_passing_failure_is_tried_again(service: TapServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = service.answer
    monkeypatch.setattr(
        service, "answer", lambda given: (503, b"busy") if len(service.queries) == 2 and _once() else answer(given)
    )
    failures = iter([True])

    def _once() -> bool:
        return next(failures, False)

    assert fetch(descriptor(service), tmp_path / "remote.parquet").rows == ROWS


def test_a_service_may_answer_with_less_than_was_asked(service: TapServer, tmp_path: Path) -> None:
    service.most = 40
    done = fetch(descriptor(service), tmp_path / "remote.parquet")
    assert done.rows == ROWS
    assert len(service.queries) == ROWS // 40


def test_a_limit_is_kept_to_the_row(service: TapServer, tmp_path: Path) -> None:
    done = fetch(descriptor(service), tmp_path / "remote.parquet", limit=333)
    assert done.rows == pq.read_metadata(tmp_path / "remote.parquet").num_rows == 333


CONES = [Cone(10.0, 20.0, 15.0), Cone(359.5, 0.0, 20.0), Cone(0.1, -40.0, 12.0), Cone(200.0, 85.0, 10.0)]


@pytest.mark.parametrize("geometry", [True, False])
@pytest.mark.parametrize("cone", CONES, ids=str)
def test_a_region_is_a_cone_with_or_without_geometry(
    service: TapServer, tmp_path: Path, cone: Cone, geometry: bool
) -> None:
    done = fetch(descriptor(service, geometry=geometry), tmp_path / "cone.parquet", cone=cone)
    inside = cone.contains(np.asarray(service.table["RA"]), np.asarray(service.table["DE"]))
    assert done.rows == inside.sum() > 3
    assert names(tmp_path / "cone.parquet") == sorted(service.table["Name"][inside].tolist())
    assert ("CONTAINS" in service.queries[0]) == geometry


def test_an_empty_answer_is_an_empty_table(service: TapServer, tmp_path: Path) -> None:
    done = fetch(descriptor(service), tmp_path / "none.parquet", cone=Cone(10.0, 20.0, 1e-6))
    assert done.rows == 0
    assert open_table(tmp_path / "none.parquet").schema.names == ["id", "ra", "dec", "gaia", "teff", "feh"]


def test_a_refused_query_is_no_passing_failure(service: TapServer, tmp_path: Path) -> None:
    wrong = descriptor(service, columns={"id": "Nombre"})
    with pytest.raises(ParameterError, match="refuses the query: unknown column Nombre"):
        fetch(wrong, tmp_path / "remote.parquet")
    assert len(service.queries) == 1


def test_two_downloads_do_not_mix(service: TapServer, tmp_path: Path) -> None:
    out = tmp_path / "remote.parquet"
    service.broken_after = 1
    with pytest.raises(UnavailableError):
        fetch(descriptor(service), out, limit=500)
    with pytest.raises(ConflictError, match="unfinished download of something else"):
        fetch(descriptor(service), out, limit=600)
    out.write_bytes(b"mine")
    with pytest.raises(ConflictError, match="is there already"):
        fetch(descriptor(service), out)
    assert out.read_bytes() == b"mine"


def test_what_cannot_be_fetched_says_so(service: TapServer, tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match=r"remote\.toml: fetch: is missing"):
        fetch(replace(descriptor(service), fetch=None), tmp_path / "x.parquet")
    with pytest.raises(ParameterError, match=r"must end in \.parquet, got x\.csv"):
        fetch(descriptor(service), tmp_path / "x.csv")


@pytest.mark.parametrize("text", ["10,20", "a,b,c", "400,0,1", "10,95,1", "10,20,0", "nan,0,1"])
def test_a_region_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="region: must be RA"):
        Cone.parse(text)
