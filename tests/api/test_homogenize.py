"""`/v1/homogenize`: a table of known bias comes back without it, by a real worker, and nothing of it stays."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from sqlalchemy import text

from app.pipeline import user_tables
from app.storage.engine import Database
from tests.support import ingested, servers
from tests.support.http import Service, serving
from tests.support.ingested import Ingested
from tests.support.means import means
from tests.support.user_table import NOISE, bias_of, columns_of, parquet, truth_of
from workers.main import run
from workers.tasks.sweep import sweep

STARS, ROWS = 1500, 1200
PARAMETERS = ("teff", "logg", "feh")
UNKNOWN = "0" * 32
CATALOGUE = ("star", "match", "measurement", "ingestion", "survey", "version", "model", "calibrated", "homogenized")

World = tuple[Service, Database, Path, Ingested]


@pytest.fixture(scope="module")
def world(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A service on an invented universe of 1,500 stars, and what makes its workers work."""
    state = tmp_path_factory.mktemp("state")
    with servers.scratch_database(server_url, template) as database:
        made = ingested.build(database, tmp_path_factory.mktemp("files"), stars=STARS)
        with serving(database, state=state, rate_limit=0, tables_at_once=3, tables_kept=1000) as service:
            yield service, database, state, made


@pytest.fixture(scope="module")
def star() -> np.ndarray:
    """The stars of the table, in its order; the last twenty rows are of stars that the catalogue does not have."""
    return np.concatenate([np.random.default_rng(5).permutation(STARS)[: ROWS - 20], np.arange(STARS, STARS + 20)])


@pytest.fixture(scope="module")
def large(world: World, star: np.ndarray) -> tuple[dict, pa.Table, dict]:
    """The answer, the table and the report of a table with links enough for models of its own."""
    return whole(world, parquet(spoilt(columns_of(star, stars=STARS))), name="my survey")


def spoilt(columns: dict[str, Any]) -> dict[str, Any]:
    """Return the columns with a row that lacks a parameter, and one that no star has."""
    columns["Teff"][3], columns["logg"][4] = np.nan, -9999.0
    return columns


def work(world: World, **others: int) -> None:
    run(means(world[1], world[2], **others), concurrency=0, wait=False)


def homogenized(world: World, content: bytes, **query: object) -> dict:
    asked = world[0].post("/v1/homogenize", content, **query)
    assert asked.status_code == 202, asked.text
    assert asked.json()["state"] in {"queued", "running"}
    work(world)
    return world[0].get(asked.headers["Location"]).json()


def whole(world: World, content: bytes, **query: object) -> tuple[dict, pa.Table, dict]:
    done = homogenized(world, content, **query)
    assert done["state"] == "succeeded", done["reason"]
    table = pq.read_table(io.BytesIO(world[0].get(done["file"]["url"]).content))
    return done, table, world[0].get(done["report"]).json()


def world_knows(world: World, star: np.ndarray) -> np.ndarray:
    """Return which stars the catalogue has: some rows of its surveys had no position."""
    with world[1].connect() as connection:
        known = connection.execute(text("SELECT gaia_dr3_source_id FROM homogenized WHERE version_id = 1")).scalars()
        return np.isin(star + ingested.FIRST_GAIA, list(known))


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy(zero_copy_only=False).astype(float)


def counts(database: Database) -> list[int]:
    with database.connect() as connection:
        found = [connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in CATALOGUE]
        raw = "SELECT count(*) FROM pg_class WHERE relnamespace IN ('raw'::regnamespace, 'public'::regnamespace)"
        return [*found, connection.execute(text(raw)).scalar_one()]


def judged_by_truth(table: pa.Table, star: np.ndarray, *, widest: float) -> None:
    """Insist that values have no bias and that intervals hold the truth, on stars that no model of the table has seen.

    Args:
        table: as it came back.
        star: of each row.
        widest: by how much the scatter about the truth may exceed the table's own noise.
    """
    truth = truth_of(star, stars=STARS)
    unseen = np.array([part != "train" and part != "conformalize" for part in table["split"].to_pylist()])
    inside = unseen & np.array([bool(flag) for flag in table["in_domain"].to_pylist()])
    for p, name in enumerate(PARAMETERS):
        error = (column(table, f"{name}_unified") - truth[:, p])[inside]
        lower, upper = (column(table, f"{name}_unified_{end}")[inside] for end in ("lower", "upper"))
        n = len(error)
        assert abs(np.median(error)) < 3 * 1.2533 * error.std() / np.sqrt(n), name
        assert abs(np.median(bias_of(truth)[inside, p])) > 5 * abs(np.median(error)), name
        assert error.std() < widest * NOISE[p], name
        slope = np.polyfit(truth[inside, p] - truth[inside, p].mean(), error, 1, cov=True)
        assert abs(slope[0][0]) < 3.5 * np.sqrt(slope[1][0, 0]), name
        held = np.mean((lower <= truth[inside, p]) & (truth[inside, p] <= upper))
        assert abs(held - 0.683) < 3 * np.sqrt(0.683 * 0.317 / n) + 0.02, (name, held, n)


def test_a_known_bias_is_gone_from_stars_that_no_model_has_seen(large, star):
    done, table, _ = large
    assert {part["model"] for part in done["results"].values()} <= {"linear", "quadratic", "boosted"}
    assert "fitted by itself" in done["results"]["teff"]["why"]
    judged_by_truth(table, star, widest=1.25)


def test_the_report_says_before_and_after_on_held_out_stars_and_means_it(large, star):
    done, table, report = large
    truth = truth_of(star, stars=STARS)
    held = np.array([part == "test" for part in table["split"].to_pylist()])
    usable = np.isfinite(column(table, "teff_unified"))
    linked = report["matches"]["stars_by_split"]["test"]
    assert (held & usable).sum() - 3 <= linked <= (held & usable).sum(), "a few stars have no combined value"
    assert sum(report["matches"]["stars_by_split"].values()) == report["matches"]["stars"] > 1000
    for p, name in enumerate(PARAMETERS):
        part = report["parameters"][name]
        before, after = part["held_out"]["before"], part["held_out"]["after"]
        bias = np.median(bias_of(truth)[held & usable, p])
        assert abs(before["median"] - bias) < 4 * before["median_error"] + 0.1 * NOISE[p]
        assert abs(after["median"]) < 4 * after["median_error"]
        assert after["n"] == before["n"] > 150
        assert 0.5 * NOISE[p] < after["scatter"] < 1.6 * NOISE[p]
        covered = part["coverage"]["overall"]
        assert abs(covered["covered"] - 0.683) < 3 * covered["error"] + 0.02
        assert part["errors"]["rows_with_own"] == ROWS
        assert part["errors"]["median_own"] == pytest.approx(NOISE[p])
        assert "errors of the table are not used" in part["errors"]["how"]
        assert part["fit"]["test"] <= linked
    assert {row["against"] for row in report["trends"]} >= set(PARAMETERS)
    assert 0 <= report["domain"]["outside"] < 0.1
    assert (report["version"], report["plan"], done["table"]["version"]) == (1, "default", 1)
    assert report["software"]["science_sha256"]
    assert isinstance(report["seed"], int)
    assert report["warnings"] == []


def test_every_row_and_column_comes_back_in_order_and_says_why_it_has_no_value(large, star, world):
    done, table, _ = large
    sent = columns_of(star, stars=STARS)
    for name in ("name", "source_id", "RAJ2000", "remark"):
        assert table[name].to_pylist() == list(sent[name]), name
    assert table.schema.names[-13:] == [
        "star_id",
        "split",
        *(f"{p}_unified{end}" for p in PARAMETERS for end in ("", "_lower", "_upper")),
        "in_domain",
        "reason",
    ]
    reasons = table["reason"].to_pylist()
    assert reasons[3] == "Teff is missing, or outside of 1000 to 100000 K"
    assert reasons[4] == "log g is missing, or outside of -2 to 9 dex"
    assert table["in_domain"].to_pylist()[3] is None
    assert reasons.count(None) == ROWS - 2
    assert done["table"]["refused"] == {reasons[3]: 1, reasons[4]: 1}
    assert [table[name].to_pylist()[-1] for name in ("star_id", "split")] == [None, None]
    assert np.isfinite(column(table, "teff_unified")[-20:]).all(), "rows without a star are calibrated all the same"
    assert table.schema.field("teff_unified").metadata[b"unit"] == b"K"
    first = table["star_id"].to_pylist()[0]
    kept = world[0].get(f"/v1/stars/sos:{first}").json()
    assert kept["gaia_dr3_source_id"] == str(sent["source_id"][0])
    assert {one["split"] for one in kept["contributions"]} == {table["split"].to_pylist()[0]}


def test_a_table_with_few_links_is_fitted_like_a_survey_of_the_network(world, star):
    some = star[:150]
    content = io.BytesIO()
    columns = columns_of(some, stars=STARS, errors=False)
    pa.csv.write_csv(pa.table({name: columns[name] for name in columns if name != "source_id"}), content)
    done = homogenized(world, content.getvalue(), radius="2", unit="arcsec")
    assert done["state"] == "succeeded", done["reason"]
    assert (done["table"]["by"], done["table"]["radius_arcsec"], done["file"]["format"]) == ("positions", 2.0, "csv")
    assert done["matches"]["median_separation_arcsec"] == pytest.approx(0.5, abs=0.01)
    for part in done["results"].values():
        assert part["model"] in {"constant", "linear"}
        assert "fewer than 500" in part["why"]
        assert part["errors"]["rows_with_own"] == 0
        assert part["errors"]["how"].endswith("the table gives no errors")
        assert part["errors"]["median_own"] is None
    table = pa.csv.read_csv(io.BytesIO(world[0].get(done["file"]["url"]).content))
    assert {"separation_arcsec", "n_candidates", "teff_unified_upper"} <= set(table.schema.names)
    truth = truth_of(some, stars=STARS)
    for p, name in enumerate(PARAMETERS):
        error = column(table, f"{name}_unified") - truth[:, p]
        error = error[np.isfinite(error)]
        zero_point = world[0].get(done["report"]).json()["parameters"][name]["correction_error"]
        assert abs(np.median(error)) < 3 * np.hypot(zero_point, 1.2533 * NOISE[p] / np.sqrt(len(error))), name


def test_too_few_links_are_refused_with_counts_and_what_would_help(world, star):
    far = np.concatenate([star[world_knows(world, star)][:4], np.arange(STARS, STARS + 20)])
    done = homogenized(world, parquet(columns_of(far, stars=STARS)))
    assert done["state"] == "failed"
    for words in ("too few stars in common", "4 rows found a star", "5 are needed", "A larger radius"):
        assert words in done["reason"], done["reason"]
    assert (done["matches"]["rows"], done["matches"]["matched"], done["matches"]["linked"]) == (24, 4, 4)
    assert done["table"]["columns"][0]["column"] == "source_id"
    assert (done["file"], done["report"], done["results"], done["warnings"]) == (None, None, None, None)
    for part in ("file", "report"):
        answer = world[0].get(f"{done['url']}/{part}")
        assert (answer.status_code, "5 are needed" in answer.json()["detail"]) == (409, True)


def test_a_table_that_is_a_survey_of_the_catalogue_is_told_so(world):
    content = world[3].files["lamost_lrs"].read_bytes()
    done, _, report = whole(world, content, id="gaia")
    (repeated,) = done["matches"]["repeats"]
    assert repeated["survey"] == "lamost_lrs"
    assert repeated["identical"] == repeated["rows"] > 1000
    assert any("repeat its values" in line and "circular" in line for line in report["warnings"])


def test_the_look_shows_what_is_found_and_starts_nothing(world, star):
    service, database, state, _ = world
    before, folders = counts(database), set((state / "tables").glob("*"))
    answer = service.post("/v1/homogenize", parquet(spoilt(columns_of(star, stars=STARS))), dry_run="true")
    assert answer.status_code == 200
    look = answer.json()
    found = {one["role"]: (one["column"], one["found"], one["understood_as"]) for one in look["columns"]}
    assert found == {
        "id": ("source_id", "name", None),
        "teff": ("Teff", "name", "K"),
        "logg": ("logg", "name", "dex"),
        "feh": ("[Fe/H]", "name", "dex"),
        "teff_err": ("e_Teff", "name", "K"),
        "logg_err": ("e_logg", "name", "dex"),
        "feh_err": ("e_FeH", "name", "dex"),
    }
    assert (look["rows"], look["usable"], look["findable"], look["by"]) == (ROWS, ROWS - 2, ROWS, "identifiers")
    assert look["unused"] == ["name", "RAJ2000", "DEJ2000", "remark"]
    assert (counts(database), set((state / "tables").glob("*"))) == (before, folders)
    assert service.get("/v1/jobs").json()["jobs"][0]["kind"] != "homogenize" or before


def test_ucds_and_units_of_a_votable_are_read(world, star):
    columns = columns_of(star[:200], stars=STARS)
    table = Table({"t": columns["Teff"], "g": columns["logg"], "m": columns["[Fe/H]"], "ra": columns["RAJ2000"] / 15})
    table["dec"] = columns["DEJ2000"]
    table["ra"].unit = "hourangle"
    table["t"].unit = "K"
    ucds = {"t": "phys.temperature.effective", "g": "phys.gravity", "m": "phys.abund.Fe", "ra": "pos.eq.ra;meta.main"}
    for name, ucd in ucds.items():
        table[name].meta["ucd"] = ucd
    content = io.BytesIO()
    table.write(content, format="votable")
    answer = world[0].post("/v1/homogenize", content.getvalue(), dry_run=1, radius=1, unit="arcsec").json()
    found = {one["role"]: (one["column"], one["found"], one["unit"]) for one in answer["columns"]}
    assert found["teff"] == ("t", "UCD", "K")
    assert {one[1] for role, one in found.items() if role in {"logg", "feh", "ra"}} == {"UCD"}
    assert (answer["came_as"], answer["format"], answer["findable"]) == ("VOTable", "votable", 200)


def test_a_file_has_a_checksum_and_comes_in_pieces(world, large):
    service, done = world[0], large[0]
    answer = service.get(done["file"]["url"])
    assert hashlib.sha256(answer.content).hexdigest() == done["file"]["sha256"]
    digest = base64.b64decode(answer.headers["Repr-Digest"].removeprefix("sha-256=:").removesuffix(":"))
    assert digest.hex() == done["file"]["sha256"]
    assert (len(answer.content), answer.headers["X-SoS-Rows"]) == (done["file"]["bytes"], str(ROWS))
    assert answer.headers["X-SoS-Version"] == "1"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    part = service.get(done["file"]["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, answer.content[100:200])
    assert service.get(done["file"]["url"], headers={"Range": "bytes=99999999-"}).status_code == 416


@pytest.mark.filterwarnings("ignore:It is strongly recommended")  # of the table's own column [Fe/H]
@pytest.mark.parametrize("form", ["csv", "fits", "votable", "jsonl", "arrow"])
def test_the_kind_of_file_is_chosen(world, star, form: str):
    columns = columns_of(star[:80], stars=STARS)
    columns["e_Teff"][:30], columns["e_logg"][10:40], columns["e_FeH"][:] = np.nan, 0.0, -9999.0
    done = homogenized(world, parquet(columns), format=form)
    assert [done["results"][name]["errors"]["rows_with_own"] for name in PARAMETERS] == [50, 50, 0]
    assert (done["state"], done["file"]["format"]) == ("succeeded", form)
    content = world[0].get(done["file"]["url"]).content
    if form in {"fits", "votable"}:
        found = Table.read(io.BytesIO(content), format=form)
        assert (len(found), found["teff_unified"].unit) == (80, "K")
    elif form == "arrow":
        assert pa.ipc.open_stream(content).read_all().num_rows == 80
    else:
        assert content.count(b"\n") == 80 + (form == "csv")
    if form == "jsonl":
        assert json.loads(content.splitlines()[0])["teff_unified_lower"] > 3000


def test_nothing_is_published_and_others_learn_nothing(world, star, large):
    service, database, _, _ = world
    before, versions = counts(database), service.get("/v1/versions").json()
    done = homogenized(world, parquet(columns_of(star[:60], stars=STARS)), name="a secret of mine")
    assert done["state"] == "succeeded"
    assert counts(database) == before
    assert service.get("/v1/versions").json() == versions
    public = service.get("/v1/jobs").text + service.get(done["job"]).text
    for secret in (done["id"], "secret", "source_id", done["table"]["sha256"]):
        assert secret not in public
    assert service.get("/v1/jobs").json()["jobs"][0]["arguments"] == {"version": 1, "rows": 60}
    tables = service.get("/tap/tables").text
    assert "user_survey" not in tables


def csv(**columns: list) -> bytes:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]).encode()


GOOD = {"source_id": [10**15], "teff": [5000], "logg": [3], "feh": [0]}


@pytest.mark.parametrize(
    ("body", "query", "parameter", "words"),
    [
        (csv(source_id=[1], teff=[5000], logg=[3]), {}, "feh", "Name one of source_id, teff, logg by feh="),
        (csv(name=["a"], teff=[5000], logg=[3], feh=[0]), {}, "id", "or give a radius="),
        (csv(name=["a"], teff=[5000], logg=[3], feh=[0]), {"radius": 1}, "radius", "from 0 to 0.1 deg"),
        (csv(name=["a"], teff=[5000], logg=[3], feh=[0]), {"radius": 0.001}, "ra", "which column is it"),
        (csv(**GOOD, Teff=[5000]), {}, "teff", "could be any of the columns teff, Teff: name one by teff="),
        (csv(**GOOD), {"teff": "t"}, "teff", "the table has no column 't'; it has source_id, teff, logg, feh"),
        (csv(**GOOD), {"snr": "x"}, "snr", "the table has no column 'x'"),
        (csv(**GOOD), {"ra": "teff"}, "radius", "is missing: ra= names a column of positions"),
        (csv(**GOOD), {"id": "source_id", "radius": 0.001}, "id", "leave out the radius"),
        (csv(id=["HD 1"], teff=[5000], logg=[3], feh=[0]), {}, "id", "no row of column 'id' has a readable identifier"),
        (csv(**GOOD | {"teff": [-9999]}), {}, "teff", "none of 1 rows has Teff (K), log g and [Fe/H] of a star"),
        (csv(**GOOD | {"logg": ["many"]}), {}, "logg", "row 1: 'many' is no number"),
        (csv(source_id=[1.5], teff=[5000], logg=[3], feh=[0]), {}, "id", "which cannot hold 64-bit ids exactly"),
        (csv(**GOOD), {"name": "x" * 61}, "name", "at most 60"),
        (csv(**GOOD), {"format": "xls"}, "format", "kind of file"),
        (csv(**GOOD), {"raduis": 1}, "raduis", "is no parameter of this call"),
        (csv(**GOOD), {"dry_run": "maybe"}, "dry_run", "boolean"),
        (csv(**GOOD), {"version": "newest"}, "version", "must be the number of a version"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(world, body, query, parameter, words):
    answer = world[0].post("/v1/homogenize", body, **query)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["parameter"] == parameter
    assert words in error["detail"]


@pytest.mark.parametrize("body", [b"", b"\x1f\x8bxxxx", b"\x00\x01\x02", b"PAR1"])
def test_what_is_no_table_is_refused(world, body):
    answer = world[0].post("/v1/homogenize", body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_what_is_not_there_is_said(world):
    service = world[0]
    assert service.post("/v1/homogenize", csv(**GOOD), version=77).status_code == 404
    for path in ("", "/file", "/report"):
        assert service.get(f"/v1/homogenize/{UNKNOWN}{path}").status_code == 404
    assert service.send("DELETE", f"/v1/homogenize/{UNKNOWN}").status_code == 404
    assert service.get("/v1/homogenize/15").status_code == 422


def test_tables_over_a_limit_are_refused(world, star, monkeypatch: pytest.MonkeyPatch):
    _, database, state, _ = world
    content = parquet(columns_of(star, stars=STARS))
    with serving(database, state=state, upload_limit_mib=1) as small:
        large = small.post("/v1/homogenize", b"x" * (1 << 20) + b"x")
        assert (large.status_code, "1 MiB" in large.json()["detail"]) == (413, True)
        monkeypatch.setattr(user_tables, "MOST_ROWS", 1000)
        long = small.post("/v1/homogenize", content)
        assert (long.status_code, "1,000 rows at most" in long.json()["detail"]) == (413, True)


def test_a_client_has_a_quota_and_others_have_their_own(world, star):
    _, database, state, _ = world
    contents = [parquet(columns_of(star[:40], stars=STARS, seed=seed)) for seed in range(5)]
    clients = {"client": "192.0.2.7"}, {"client": "192.0.2.8"}
    with serving(database, state=state, tables_at_once=2, tables_kept=3, keep_tables_days=2) as service:

        def ask(content: bytes, client: dict = clients[0]):
            return service.send("POST", "/v1/homogenize", content=content, **client)

        first = ask(contents[0])
        assert first.status_code == 202
        again = ask(contents[0])
        assert (again.status_code, again.json()["job"]) == (409, int(first.json()["job"].rpartition("/")[2]))
        assert ask(contents[1]).status_code == 202
        crowded = ask(contents[2])
        assert (crowded.status_code, crowded.headers["Retry-After"]) == (429, "60")
        assert "no more than 2 may be at once" in crowded.json()["detail"]
        assert ask(contents[0], clients[1]).status_code == 202, "the same table of somebody else is another one"
        work(world)
        third = ask(contents[2])
        assert third.status_code == 202
        work(world)
        full = ask(contents[3])
        assert full.status_code == 429
        assert "no more than 3 may be" in full.json()["detail"]
        assert 86_400 < int(full.headers["Retry-After"]) <= 2 * 86_400
        assert service.send("DELETE", third.json()["url"]).status_code == 204
        assert ask(contents[3]).status_code == 202
        work(world)
    kept = len(list((state / "tables").glob("*")))
    with database.connect() as connection:
        known = connection.execute(text("SELECT count(*) FROM user_survey")).scalar_one()
    assert kept == known, "what was refused has left nothing"


def test_a_table_that_is_discarded_is_gone_at_once(world, star):
    service, database, state, _ = world
    waiting = service.post("/v1/homogenize", parquet(columns_of(star[:50], stars=STARS))).json()
    assert (state / "tables" / waiting["id"] / "upload").is_file()
    done = homogenized(world, parquet(columns_of(star[:51], stars=STARS)))
    assert [path.name for path in (state / "tables" / done["id"]).iterdir()] == ["homogenized_v1.parquet"]
    late = service.post("/v1/homogenize", parquet(columns_of(star[:52], stars=STARS))).json()
    for one in (waiting, done, late):
        answer = service.send("DELETE", one["url"])
        assert (answer.status_code, answer.content) == (204, b"")
        assert service.get(one["url"]).status_code == 404
        assert service.get(f"{one['url']}/file").status_code == 404
        assert service.send("DELETE", one["url"]).status_code == 404
        assert nothing_left(database, state, one["id"])
    assert service.get(late["job"]).json()["state"] == "cancelled"
    work(world)
    assert nothing_left(database, state, late["id"])


def nothing_left(database: Database, state: Path, token: str) -> bool:
    with database.connect() as connection:
        rows = connection.execute(text("SELECT count(*) FROM user_survey WHERE token = :t"), {"t": token}).scalar_one()
        data = connection.execute(
            text("SELECT count(*) FROM job_data JOIN job USING (job_id) WHERE kind = 'homogenize'")
        ).scalar_one()
    return not rows and not data and not (state / "tables" / token).exists()


def test_a_table_past_its_time_is_gone_and_the_clean_up_takes_it_away(world, star):
    service, database, state, _ = world
    done = homogenized(world, parquet(columns_of(star[:53], stars=STARS)))
    waiting = service.post("/v1/homogenize", parquet(columns_of(star[:54], stars=STARS))).json()
    kept = homogenized(world, parquet(columns_of(star[:55], stars=STARS)))
    waiting = service.post("/v1/homogenize", parquet(columns_of(star[:56], stars=STARS))).json()
    past = [done["id"], waiting["id"]]
    with database.begin() as connection:
        connection.execute(
            text("UPDATE user_survey SET expires_at = now() - interval '1 second' WHERE token = ANY(:past)"),
            {"past": past},
        )
    for one in (done, waiting):
        assert service.get(one["url"]).status_code == 404, "also before anything is cleaned up"
        assert service.get(f"{one['url']}/file").status_code == 404
    sweep(database, means(database, state))  # what every worker does every two seconds
    work(world)
    for token in past:
        assert nothing_left(database, state, token)
    assert service.get(waiting["job"]).json()["state"] in {"cancelled", "failed"}
    assert service.get(kept["url"]).json()["state"] == "succeeded"
    assert service.get(kept["file"]["url"]).status_code == 200
