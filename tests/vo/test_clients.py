"""The clients that must simply work: pyvo, and STILTS with its validators."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest
import pyvo
from astropy.table import Table

from tests.support.catalogue import Truth

# pyvo leaves the sockets of answers that it has read to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

STAGES = "TMV TME TMS TMC CPV CAP AVV QGE QPO QAS UWS MDQ UPL EXA"


@pytest.fixture(scope="session")
def service(address: str) -> pyvo.dal.TAPService:
    """The service as pyvo sees it."""
    return pyvo.dal.TAPService(f"{address}/tap")


@pytest.fixture(autouse=True)
def _sockets_of_pyvo_end_with_their_test() -> Iterator[None]:
    """Collect what pyvo left, before the next test hears of it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def stilts(*words: str, cwd: Path | None = None) -> str:
    """Run STILTS and return what it writes; it must end well."""
    program = shutil.which("stilts")
    if program is None:
        pytest.skip("STILTS is not installed (Debian: apt-get install stilts)")
    return subprocess.run([program, *words], capture_output=True, text=True, check=True, cwd=cwd).stdout


def test_pyvo_asks_at_once_and_later_with_and_without_tables(service: pyvo.dal.TAPService, truth: Truth):
    query = "SELECT star_id, gaia_dr3_source_id, ra, dec FROM sos.star ORDER BY star_id"
    for answer in (service.run_sync(query), service.run_async(query)):
        table = answer.to_table()
        assert table["star_id"].tolist() == truth.star_id.tolist()
        assert table["gaia_dr3_source_id"].tolist() == [number or None for number in truth.gaia.tolist()]
        assert np.array_equal(table["ra"], truth.ra)
    mine = Table({"ra": [150.0], "dec": [2.0], "name": ["pair"]})
    join = "SELECT m.name, s.star_id FROM tap_upload.mine AS m, sos.star AS s"
    join += " WHERE 1 = CONTAINS(POINT('ICRS', s.ra, s.dec), CIRCLE('ICRS', m.ra, m.dec, 0.001)) ORDER BY star_id"
    for answer in (service.run_sync(join, uploads={"mine": mine}), service.run_async(join, uploads={"mine": mine})):
        assert answer.to_table()["star_id"].tolist() == truth.star_id[[8, 9]].tolist()


def test_only_who_does_not_say_who_it_is_gets_what_astroquery_needs(client: httpx.Client):
    """It does not; the schema of VODataService, to which others hold the document, has no such attribute."""
    named = client.get("/tap/tables")
    request = client.build_request("GET", "/tap/tables")
    del request.headers["User-Agent"]
    unnamed = client.send(request)
    assert b"esatapplus" not in named.content
    assert unnamed.text.count("esatapplus:flags=") == unnamed.text.count("<column") == named.text.count("<column>") > 50
    assert all("user-agent" in answer.headers["Vary"] for answer in (named, unnamed))


def test_pyvo_finds_tables_columns_and_examples(service: pyvo.dal.TAPService):
    assert {"sos.star", "sos.measurement", "sos.survey", "sos.version"} <= {*service.tables.keys()}
    teff = next(column for column in service.tables["sos.star"].columns if column.name == "teff")
    assert (teff.unit, teff.ucd) == ("K", "phys.temperature.effective;meta.main")
    assert len(service.examples) >= 4
    assert all(len(example.execute()) >= 0 for example in service.examples)


def test_pyvo_reads_errors_and_overflow(service: pyvo.dal.TAPService):
    with pytest.raises(pyvo.dal.DALQueryError, match="there is no column 'foo'"):
        service.run_sync("SELECT foo FROM sos.star")
    with pytest.raises(pyvo.dal.DALQueryError, match="there is no column 'foo'"):
        service.run_async("SELECT foo FROM sos.star")
    cut = service.run_sync("SELECT star_id FROM sos.star", maxrec=5)
    assert (len(cut), cut.query_status) == (5, "OVERFLOW")


def test_pyvo_searches_cones(address: str, truth: Truth):
    found = pyvo.dal.SCSService(f"{address}/scs").search((150, 2), 0.01)
    assert [int(row.id) for row in found] == truth.star_id[[8, 9]].tolist()


def test_taplint_finds_no_error(address: str):
    report = json.loads(stilts("taplint", f"tapurl={address}/tap", "format=json", f"stages={STAGES}"))
    found = [entry for section in report["sections"] for entry in section["reports"]]
    assert [entry for entry in found if entry["level"] in {"ERROR", "WARNING", "FAILURE"}] == []
    assert {entry["level"] for entry in found} == {"INFO", "SUMMARY"}  # as they are called, so that none is overlooked
    assert len(report["sections"]) == len(STAGES.split())


@pytest.mark.parametrize(
    "path",
    [
        "/tap/sync?" + urlencode({"LANG": "ADQL", "QUERY": "SELECT * FROM sos.star"}),
        "/tap/sync?" + urlencode({"LANG": "ADQL", "QUERY": "SELECT * FROM sos.measurement", "MAXREC": 9,
                                  "RESPONSEFORMAT": "votable/td"}),
        "/tap/sync?" + urlencode({"LANG": "ADQL", "QUERY": "SELECT nothing"}),
        "/scs?RA=150&DEC=2&SR=90&VERB=3",
        "/scs?RA=150",
    ],
    ids=range(5),
)  # fmt: skip
def test_votlint_finds_no_fault(address: str, path: str, tmp_path: Path):
    import httpx

    file = tmp_path / "answer.vot"
    file.write_bytes(httpx.get(address + path).content)
    assert stilts("votlint", str(file)).strip() == ""


def test_stilts_searches_cones_and_matches_its_own_table(address: str, truth: Truth, tmp_path: Path):
    (tmp_path / "in.csv").write_text("a,ra,dec\n1,150,2\n2,0,10\n")
    local = ["in=in.csv", "ifmt=csv", "ra=ra", "dec=dec", "sr=0.001", "find=all"]
    output = ["ocmd=keepcols 'a star_id'", "ofmt=csv"]
    lines = stilts("coneskymatch", f"serviceurl={address}/scs", *local, *output, cwd=tmp_path).split()[1:]
    pairs = {(1, truth.star_id[8]), (1, truth.star_id[9]), (2, truth.star_id[5]), (2, truth.star_id[6])}
    pairs |= {(2, truth.star_id[7])}
    assert {tuple(map(int, line.split(","))) for line in lines} == pairs
    query = (
        "SELECT u.a, s.star_id FROM tap_upload.up1 AS u JOIN sos.star AS s"
        " ON 1 = CONTAINS(POINT('ICRS', u.ra, u.dec), CIRCLE('ICRS', s.ra, s.dec, 0.001))"
    )
    upload = ["nupload=1", "upload1=in.csv", "ufmt1=csv", "upname1=up1"]
    for sync in ("true", "false"):
        lines = stilts(
            "tapquery", f"tapurl={address}/tap", f"sync={sync}", *upload, f"adql={query}", "ofmt=csv", cwd=tmp_path
        ).split()[1:]
        assert {tuple(map(int, line.split(","))) for line in lines} == pairs
