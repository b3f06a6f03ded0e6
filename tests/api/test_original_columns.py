"""A survey's own columns keep the units, UCDs and meanings that its file gave them, all the way into our files."""

from __future__ import annotations

import doctest
import io
import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse_single_table
from astropy.table import Table

from app.domain import column_facts
from app.domain.column_facts import ColumnFacts
from app.pipeline.ingest import ingest
from app.storage import slices
from app.storage.engine import Database, driver_connection
from app.surveys import cells
from tests.support import catalogue, servers
from tests.support.descriptors import toy, toy_columns
from tests.support.http import Service, serving

SAID = {
    "ra": ("deg", "pos.eq.ra;meta.main", "Right ascension"),
    "teff": ("K", "phys.temperature.effective", "Effective temperature, ASPCAP"),
    "snr": (None, "stat.snr", None),
    "logg": ("dex", "phys.gravity", "Surface gravity"),
    "remark": ("furlongs", "NOT A UCD", "A word\n  or two"),
    "flag": (None, None, "Bit mask"),
    "feh": (None, None, None),
}
KNOWN = {  # unit, whether FITS knows it, UCD, description
    "ra": ("deg", True, "pos.eq.ra;meta.main", "Right ascension"),
    "dec": ("deg", True, None, None),  # from the descriptor, as the file says nothing
    "teff": ("K", True, "phys.temperature.effective", "Effective temperature, ASPCAP"),
    "snr": (None, True, "stat.snr", None),
    "logg": ("dex", False, "phys.gravity", "Surface gravity"),
    "remark": ("furlongs", False, None, "A word or two"),
    "flag": (None, True, None, "Bit mask"),
    "feh": (None, True, None, None),
    "id": (None, True, None, None),
}


def write(path: Path, form: str, **units: str) -> Path:
    """Write the toy survey's table with what is said of its columns."""
    table = Table(toy_columns(50))
    said = {name: (units.get(name, unit), ucd, text) for name, (unit, ucd, text) in SAID.items()}
    if form == "fits":
        hdu = fits.table_to_hdu(table)
        for number, name in enumerate(table.colnames, start=1):
            unit, ucd, text = said.get(name, (None, None, None))
            hdu.header.comments[f"TTYPE{number}"] = f"label for field {number}"
            cards = {"TUNIT": unit, "TUCD": ucd, "TCOMM": " ".join((text or "").split()) or None}
            if name == "flag":  # said where the older tables of archives say it
                cards["TCOMM"] = None
                hdu.header.comments[f"TTYPE{number}"] = text
            hdu.header.update({f"{key}{number}": value for key, value in cards.items() if value})
        hdu.writeto(path)
    elif form == "parquet":
        arrow = pa.table({name: toy_columns(50)[name] for name in table.colnames})
        keys = ("unit", "ucd", "description")
        facts = {name: {k: v for k, v in zip(keys, words, strict=True) if v} for name, words in said.items()}
        fields = [field.with_metadata(facts.get(field.name, {})) for field in arrow.schema]
        pq.write_table(arrow.cast(pa.schema(fields)), path)
    else:
        for name, (unit, ucd, text) in said.items():
            table[name].unit, table[name].description = unit, text
            table[name].meta["ucd"] = ucd
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of units and UCDs that are none
            table.write(path, format="votable" if form == "votable" else "ascii.ecsv")
    return path


def described(database: Database) -> dict[str, tuple[str | None, bool, str | None, str | None]]:
    with database.connect() as connection:
        found = slices.original_columns(driver_connection(connection), "toy")
    start = "as the survey published it"
    return {
        column.name.removeprefix("orig_"): (
            column.unit,
            column.known_unit,
            column.ucd,
            column.description.partition(start)[2].removeprefix(": ") or None,
        )
        for column in found
    }


@pytest.mark.parametrize("form", ["fits", "parquet", "votable", "ecsv"])
def test_what_a_file_says_of_its_columns_is_kept(database: Database, tmp_path: Path, form: str):
    path = tmp_path / f"toy.{form}"
    ingest(database, toy(), write(path, form))
    found = described(database)
    for name, known in KNOWN.items():
        without_ucd = (*known[:2], None, known[3])
        assert found[name] == (without_ucd if form == "ecsv" else known), name


def test_a_unit_that_differs_from_file_to_file_is_none_of_all_rows(database: Database, tmp_path: Path):
    ingest(database, toy(), write(tmp_path / "first.fits", "fits"))
    assert described(database)["snr"][:2] == (None, True)
    kilo = toy(**{'unit = "K"': 'unit = "K"\n# more'})
    table = toy_columns(50, id=[f"other {n}" for n in range(50)])
    hdu = fits.table_to_hdu(Table(table))
    hdu.header[f"TUNIT{list(table).index('teff') + 1}"] = "kK"
    hdu.header[f"TUNIT{list(table).index('snr') + 1}"] = "pix-1"
    hdu.writeto(tmp_path / "second.fits")
    ingest(database, kilo, tmp_path / "second.fits")
    found = described(database)
    assert found["teff"] == (None, True, "phys.temperature.effective", "Effective temperature, ASPCAP")
    assert found["snr"][0] == "pixel**-1"
    assert found["ra"] == KNOWN["ra"]


@pytest.mark.parametrize("module", [column_facts, cells])
def test_the_examples_hold(module: ModuleType):
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 0) == (0, True)


def test_what_is_known_of_two_files_is_what_both_allow():
    one, other = ColumnFacts("K", description="warmth"), ColumnFacts("mK", ucd="phys.temperature")
    assert one.followed_by(other) == ColumnFacts("", True, "phys.temperature", "warmth")
    assert one.followed_by(other).followed_by(ColumnFacts("mK")).unit == ""
    assert ColumnFacts().followed_by(one) == one.followed_by(ColumnFacts()) == one


def test_a_comment_of_somebody_else_is_a_description(database: Database, tmp_path: Path):
    ingest(database, toy(), write(tmp_path / "toy.fits", "fits"))
    with database.begin() as connection:
        connection.exec_driver_sql("COMMENT ON COLUMN raw.toy.teff IS 'do not trust'")
        connection.exec_driver_sql("COMMENT ON COLUMN raw.toy.feh IS '[1]'")
    assert described(database)["teff"] == (None, True, None, "do not trust")
    assert described(database)["feh"] == (None, True, None, "[1]")


@pytest.fixture(scope="module")
def toys(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose database has taken in the toy survey from a FITS file."""
    with servers.scratch_database(server_url, template) as database:
        catalogue.build(database, n_versions=2)
        ingest(database, toy(), write(tmp_path_factory.mktemp("files") / "toy.fits", "fits"))
        with serving(database) as service:
            yield service


def test_fits_has_them(toys: Service):
    with fits.open(io.BytesIO(toys.get("/v1/surveys/toy/measurements", format="fits").content)) as hdus:
        columns, header = hdus[1].columns, hdus[1].header
        place = columns.names.index("orig_teff") + 1
        assert (header[f"TUNIT{place}"], header[f"TUCD{place}"]) == ("K", "phys.temperature.effective")
        assert header[f"TCOMM{place}"] == "teff, as the survey published it: Effective temperature, ASPCAP"
        strange = columns.names.index("orig_remark") + 1
        assert f"TUNIT{strange}" not in header
        assert header[f"TCOMM{strange}"].endswith("A word or two (furlongs)")


def test_votable_has_them(toys: Service):
    found = parse_single_table(io.BytesIO(toys.get("/v1/surveys/toy/measurements", format="votable").content))
    field = next(one for one in found.fields if one.name == "orig_teff")
    assert (str(field.unit), field.ucd) == ("K", "phys.temperature.effective")
    assert field.description.endswith("Effective temperature, ASPCAP")
    gravity = next(one for one in found.fields if one.name == "orig_logg")
    assert (gravity.unit, gravity.description.endswith("Surface gravity (dex)")) == (None, True)


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_parquet_and_arrow_have_them(toys: Service, form: str):
    content = toys.get("/v1/surveys/toy/measurements", format=form).content
    schema = pq.read_schema(io.BytesIO(content)) if form == "parquet" else pa.ipc.open_stream(content).schema
    assert schema.field("orig_teff").metadata[b"unit"] == b"K"
    assert schema.field("orig_teff").metadata[b"ucd"] == b"phys.temperature.effective"
    assert schema.field("orig_remark").metadata[b"unit"] == b"furlongs"
    assert b"unit" not in schema.field("orig_feh").metadata


def test_the_comment_is_json_that_others_can_read(toys: Service, tmp_path: Path):
    database = Database(toys.app.state.factory._pages.url)
    with database.connect() as connection:
        query = "SELECT col_description('raw.toy'::regclass, attnum) FROM pg_attribute"
        query += " WHERE attrelid = 'raw.toy'::regclass AND attname = 'ra'"
        assert json.loads(connection.exec_driver_sql(query).scalar_one())["unit"] == "deg"
    database.dispose()
