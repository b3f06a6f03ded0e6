"""LSDB opens the HATS export, unpacked and over HTTP, and finds in it what the catalogue holds."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord

from tests.support import catalogue, servers
from tests.support.catalogue import N_STARS
from tests.support.live import running
from tests.support.means import means
from workers.main import run

PLACES = ("unpacked", "over HTTP")
SAMPLE = 60
# In a process of its own: LSDB warns when it is imported, and in this one warnings are errors.
LOOK = f"""
import sys
import lsdb
import pandas as pd

where, out = sys.argv[1:]
sos = lsdb.open_catalog(where)
everything = sos.compute()
everything.to_parquet(f"{{out}}/everything.parquet")
sos.cone_search(ra=0, dec=10, radius_arcsec=30 * 3600).compute().to_parquet(f"{{out}}/cone.parquet")
warm = lsdb.open_catalog(where, columns=["star_id", "ra", "dec"], filters=[("teff", ">", 4250)])
warm.compute().to_parquet(f"{{out}}/warm.parquet")
mine = everything[["star_id", "ra", "dec"]].iloc[:{SAMPLE}]
mine = lsdb.from_dataframe(mine, margin_threshold=5, catalog_name="mine")
pairs = sos.crossmatch(mine, radius_arcsec=0.01, suffixes=("", "_mine"), suffix_method="overlapping_columns")
pairs.compute().to_parquet(f"{{out}}/pairs.parquet")
pole = pd.DataFrame({{"ra": [45.0, 135.0, 225.0, 315.0], "dec": [89.9995] * 4}})
pole = lsdb.from_dataframe(pole, catalog_name="pole")
for name, beside in (("with", f"{{where}}/margin_10arcs"), ("without", None)):
    whole = lsdb.open_catalog(where, columns=["star_id", "ra", "dec"], margin_cache=beside)
    joined = pole.crossmatch(whole, radius_arcsec=5, suffixes=("", "_sos"), suffix_method="overlapping_columns")
    joined.compute().to_parquet(f"{{out}}/{{name}}.parquet")
about = sos.hc_structure.catalog_info
print(about.total_rows, about.ra_column, about.dec_column)
"""


@pytest.fixture(scope="module")
def seen(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with what LSDB found, by where it looked, and with the same version as the service's Parquet file."""
    state = tmp_path_factory.mktemp("state")
    found = {place: tmp_path_factory.mktemp("found") for place in PLACES}
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        with running(database, SOS_STATE=str(state)) as (url, _):
            export = httpx.post(f"{url}/v1/exports", json={"format": "hats", "version": "1"}).raise_for_status().json()
            run(means(database, state), concurrency=0, wait=False)
            written = httpx.get(export["url"]).raise_for_status().json()["file"]
            with zipfile.ZipFile(io.BytesIO(httpx.get(written["url"]).raise_for_status().content)) as packed:
                packed.extractall(state)
            wheres = (str(state / written["name"].removesuffix(".hats.zip")), written["folder"])
            for place, where in zip(PLACES, wheres, strict=True):
                said = look(where, found[place])
                assert said == f"{N_STARS} ra dec\n"
            whole = httpx.get(f"{url}/v1/catalog", params={"format": "parquet", "version": "1"}).raise_for_status()
            (state / "catalogue.parquet").write_bytes(whole.content)
    return found | {"catalogue": state / "catalogue.parquet"}


def look(where: str, out: Path) -> str:
    """Let LSDB leave in a folder what it finds in a catalogue, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, where, str(out)],
        cwd=out,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def by_number(table: pa.Table, *columns: str) -> dict[str, list]:
    """Return the rows in the order of their stars' numbers."""
    return table.select(columns or table.column_names).sort_by("star_id").to_pydict()


@pytest.mark.parametrize("place", PLACES)
def test_every_row_is_that_of_the_catalogue(seen, place: str):
    whole = pq.read_table(seen["catalogue"])
    found = pq.read_table(seen[place] / "everything.parquet")
    assert set(whole.column_names) <= set(found.column_names)
    assert by_number(found, *whole.column_names) == by_number(whole)


@pytest.mark.parametrize("place", PLACES)
def test_a_cone_and_a_filter_find_the_stars_that_are_there(seen, place: str):
    whole = pq.read_table(seen["catalogue"])
    stars = SkyCoord(np.asarray(whole["ra"]) * u.deg, np.asarray(whole["dec"]) * u.deg)
    near = stars.separation(SkyCoord(0 * u.deg, 10 * u.deg)) <= 30 * u.deg
    cone = pq.read_table(seen[place] / "cone.parquet")
    assert 0 < near.sum() < N_STARS
    assert sorted(cone["star_id"].to_pylist()) == sorted(np.asarray(whole["star_id"])[near])

    warm = whole.filter(pa.compute.greater(whole["teff"], 4250))
    found = pq.read_table(seen[place] / "warm.parquet")
    assert 0 < len(warm) < N_STARS
    assert by_number(found, "star_id", "ra", "dec") == by_number(warm, "star_id", "ra", "dec")


@pytest.mark.parametrize("place", PLACES)
def test_stars_match_themselves(seen, place: str):
    pairs = pq.read_table(seen[place] / "pairs.parquet")
    assert len(pairs) >= SAMPLE
    same = np.asarray(pairs["star_id"]) == np.asarray(pairs["star_id_mine"])
    assert same.sum() >= SAMPLE - 2, "but for two stars of one place"
    assert np.asarray(pairs["_dist_arcsec"]).max() < 0.01


@pytest.mark.parametrize("place", PLACES)
def test_the_margin_has_what_lies_across_the_edge_of_a_tile(seen, place: str):
    """Four tiles meet at the pole; what is in them within two arcseconds of it has the stars there beside it."""
    assert pq.read_metadata(seen[place] / "with.parquet").num_rows == 4
    assert pq.read_metadata(seen[place] / "without.parquet").num_rows < 4
