"""The files of the simulated sky: whole, readable, reproducible, and the same however they are written."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table

from app.domain.errors import ParameterError
from app.pipeline.ingest import scan_folder
from app.pipeline.mock import SUMMARY, TABLES, TRUTH, block_rows, ensure_sky, is_complete, read_summary, write_sky
from app.pipeline.mock_files import open_writer
from app.science.mock import sky
from app.science.mock.observations import plan
from app.science.mock.tables.columns import Column
from app.surveys import loader

STARS, SEED = 30_000, 5
FILES = {table.survey: table.file_name for table in TABLES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("mock") / "sky with a space"
    write_sky(out, stars=STARS, seed=SEED)
    return out


@pytest.fixture(scope="module")
def tables(folder):
    """Every file, read by somebody else's code; text as str, missing numbers as NaN or 0."""
    text = {"gaia_source_id": str}
    return {
        "apogee_dr17": pd.DataFrame(fits_columns(folder / FILES["apogee_dr17"])),
        "galah_dr3": pd.DataFrame(fits_columns(folder / FILES["galah_dr3"])),
        "lamost_lrs": pd.read_csv(folder / FILES["lamost_lrs"], dtype=text),
        "lamost_mrs": pd.read_csv(folder / FILES["lamost_mrs"], dtype=text),
        "gaia_gspspec": pq.read_table(folder / FILES["gaia_gspspec"]).to_pandas(),
        "rave_dr6": Table.read(folder / FILES["rave_dr6"], format="votable").filled(0).to_pandas(),
        "small_a": pd.read_csv(folder / FILES["small_a"], dtype={"gaia_dr3_source_id": "Int64"}),
        "small_b": Table.read(folder / FILES["small_b"], format="ascii.ecsv").to_pandas(),
    }


def fits_columns(path):
    with fits.open(path) as hdus:
        hdus.verify("exception")
        data = hdus[1].data
        return {n: np.array(data[n]).astype(data[n].dtype.newbyteorder("=")) for n in data.names}


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.survey)
def test_files_have_the_declared_columns_and_row_counts(folder, tables, table):
    assert list(tables[table.survey].columns) == [column.name for column in table.columns]
    (said,) = [file for file in read_summary(folder).files if file.survey == table.survey]
    assert len(tables[table.survey]) == said.rows > 50


def test_every_format_that_the_field_uses_occurs():
    assert {table.file_format for table in TABLES} == {"fits", "csv", "csv.gz", "ecsv", "votable", "parquet"}


def test_what_is_read_is_what_was_drawn(tables):
    """The first field block, column by column; the stars before it are cluster members."""
    block = sky.draw_block(SEED, 0)
    rows = block_rows(block, sky.BLOCK, plan(SEED, STARS), SEED, 0, bias=True)
    keys = {"gaia_gspspec": "teff_gspspec", "apogee_dr17": "LOGG", "rave_dr6": "m_h_cal_madera", "galah_dr3": "fe_h"}
    for survey, column in keys.items():
        (table,) = [t for t in TABLES if t.survey == survey]
        drawn = rows[table.file_name]
        names = drawn[table.object_id]
        names = names.astype(str) if names.dtype.kind == "S" else names
        drawn = pd.Series(drawn[column], index=names)
        read = tables[survey].set_index(table.object_id)[column]
        drawn, read = (s[~s.index.duplicated()] for s in (drawn, read))
        there = read.loc[drawn.index]
        assert np.allclose(there.fillna(0), drawn.fillna(0), rtol=1e-6), survey
        assert len(there) > 200


def test_the_truth_is_known_for_every_object_and_no_other(folder, tables):
    truth = pq.read_table(folder / TRUTH).to_pandas()
    assert list(truth.columns) == ["survey", "object_id", "true_star", "teff", "logg", "feh", "outlier"]
    assert not truth.duplicated(["survey", "object_id"]).any()
    for table in TABLES:
        said = set(truth.object_id[truth.survey == table.survey])
        assert said == set(tables[table.survey][table.object_id].astype(str)), table.survey
    assert set(truth.survey) == set(FILES)
    assert truth.outlier.mean() == pytest.approx(0.02, abs=0.004)
    assert truth.groupby("true_star").teff.nunique().max() == 1
    assert truth.true_star.nunique() <= STARS


def test_ids_lead_from_survey_to_survey(folder, tables):
    """A Gaia id in two surveys is one true star, and a DR2 id leads nowhere."""
    truth = pq.read_table(folder / TRUTH).to_pandas().set_index(["survey", "object_id"]).true_star
    apogee = tables["apogee_dr17"].drop_duplicates("APOGEE_ID")
    galah = tables["galah_dr3"]
    both = apogee.merge(galah[galah.dr3_source_id > 0], left_on="GAIAEDR3_SOURCE_ID", right_on="dr3_source_id")
    assert len(both) > 1_000
    ours = truth["apogee_dr17"].loc[both.APOGEE_ID].to_numpy()
    theirs = truth["galah_dr3"].loc[both.sobject_id.astype(str)].to_numpy()
    assert np.array_equal(ours, theirs)
    assert not set(galah.dr2_source_id[galah.dr2_source_id > 0]) & set(tables["gaia_gspspec"].source_id)
    assert np.mean(both.star_id == both.APOGEE_ID.str[2:]) == 1.0


def test_missing_ids_are_missing_in_every_format(tables):
    assert 0 < (tables["apogee_dr17"].GAIAEDR3_SOURCE_ID == 0).mean() < 0.05
    assert 0 < (tables["lamost_lrs"].gaia_source_id == "-9999").mean() < 0.08
    assert 0 < (tables["rave_dr6"].source_id == 0).mean() < 0.1
    assert 0 < tables["small_a"].gaia_dr3_source_id.isna().mean() < 0.4
    assert tables["small_a"].gaia_dr3_source_id.dropna().min() > 2**40


def test_the_same_request_gives_the_same_bytes(folder, tmp_path):
    write_sky(tmp_path, stars=STARS, seed=SEED)
    assert digests(tmp_path) == digests(folder)


def test_another_seed_gives_another_sky(folder, tmp_path):
    write_sky(tmp_path, stars=1_000, seed=SEED + 1)
    theirs = set(pq.read_table(tmp_path / FILES["gaia_gspspec"])["source_id"].to_pylist())
    assert theirs
    assert not theirs & set(pq.read_table(folder / FILES["gaia_gspspec"])["source_id"].to_pylist())


def test_values_do_not_depend_on_the_chunk(folder, tmp_path):
    write_sky(tmp_path, stars=STARS, seed=SEED, chunk_blocks=1)
    parquet = {FILES["gaia_gspspec"], TRUTH}
    ours, theirs = digests(tmp_path), digests(folder)
    for name in set(ours) - parquet - {SUMMARY}:
        assert ours[name] == theirs[name], name
    for name in parquet:
        assert pq.read_table(tmp_path / name).equals(pq.read_table(folder / name)), name


def test_stars_of_a_small_sky_are_stars_of_a_larger_one(folder, tmp_path):
    write_sky(tmp_path, stars=20_000, seed=SEED)
    name = FILES["gaia_gspspec"]
    small, large = (pq.read_table(path / name).to_pandas().set_index("source_id") for path in (tmp_path, folder))
    assert 8_000 < len(small) < len(large)
    pd.testing.assert_frame_equal(small, large.loc[small.index])


def test_the_null_sky_is_the_same_sky_without_biases(folder, tmp_path):
    write_sky(tmp_path, stars=STARS, seed=SEED, bias=False)
    assert not read_summary(tmp_path).bias
    name = FILES["apogee_dr17"]
    assert digests(tmp_path)[name] == digests(folder)[name]
    truth = pq.read_table(tmp_path / TRUTH).to_pandas()
    truth = truth[truth.survey == "gaia_gspspec"].set_index("object_id")
    values = pq.read_table(tmp_path / FILES["gaia_gspspec"]).to_pandas()
    values = values[values.flags_gspspec.str[:13] == "0" * 13]
    residual = values.logg_gspspec.to_numpy() - truth.logg.loc[values.source_id.astype(str)].to_numpy()
    assert np.nanmedian(residual) == pytest.approx(0.0, abs=0.02)


def test_the_summary_says_what_stands_there(folder):
    summary = read_summary(folder)
    assert (summary.stars, summary.seed, summary.bias) == (STARS, SEED, True)
    for file in summary.files:
        content = (folder / file.name).read_bytes()
        assert len(content) == file.bytes
        assert hashlib.sha256(content).hexdigest() == file.sha256
    clusters = json.loads((folder / SUMMARY).read_text())["clusters"]
    assert {"name", "feh", "ra_deg", "dec_deg"} <= set(clusters[0])


def test_a_sky_that_stands_is_not_written_again(tmp_path):
    assert not is_complete(tmp_path, stars=2_000, seed=1)
    first = ensure_sky(tmp_path, stars=2_000, seed=1)
    assert is_complete(tmp_path, stars=2_000, seed=1)
    assert not is_complete(tmp_path, stars=2_000, seed=1, bias=False)
    stamp = (tmp_path / TRUTH).stat().st_mtime_ns
    assert ensure_sky(tmp_path, stars=2_000, seed=1) == first
    assert (tmp_path / TRUTH).stat().st_mtime_ns == stamp
    assert ensure_sky(tmp_path, stars=2_000, seed=2).seed == 2
    assert (tmp_path / TRUTH).stat().st_mtime_ns != stamp


def test_an_unfinished_or_damaged_sky_is_written_again(tmp_path):
    def stop(_done, _total):
        raise KeyboardInterrupt

    whole = write_sky(tmp_path, stars=2_000, seed=1)
    with pytest.raises(KeyboardInterrupt):
        write_sky(tmp_path, stars=2_000, seed=1, progress=stop)
    assert read_summary(tmp_path) is None
    assert ensure_sky(tmp_path, stars=2_000, seed=1) == whole
    (tmp_path / FILES["rave_dr6"]).write_bytes(b"cut")
    assert read_summary(tmp_path) is None
    assert ensure_sky(tmp_path, stars=2_000, seed=1) == whole


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        ({"stars": 0, "seed": 1}, "stars"),
        ({"stars": 10**8 + 1, "seed": 1}, "stars"),
        ({"stars": 10, "seed": -1}, "seed"),
        ({"stars": 10, "seed": 1, "chunk_blocks": 0}, "chunk_blocks"),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_written(tmp_path, request_, named):
    with pytest.raises(ParameterError, match=named):
        write_sky(tmp_path / "sky", **request_)
    assert not (tmp_path / "sky").exists()


def test_the_smallest_sky_has_files_that_can_be_read(tmp_path):
    write_sky(tmp_path, stars=1, seed=1)
    assert len(Table.read(tmp_path / FILES["apogee_dr17"])) <= 1
    assert len(Table.read(tmp_path / FILES["small_b"], format="ascii.ecsv")) == 0
    assert len(Table.read(tmp_path / FILES["rave_dr6"], format="votable")) <= 1
    assert pq.read_table(tmp_path / TRUTH).num_rows <= 8


def test_progress_counts_all_stars(tmp_path):
    calls = []
    write_sky(tmp_path, stars=40_000, seed=1, chunk_blocks=1, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (40_000, 40_000)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert len(calls) >= 3


def test_memory_does_not_grow_with_the_sky(tmp_path):
    """Peak of what Python holds, for a sky and for one three times as large."""
    peaks = []
    for stars in (50_000, 150_000):
        tracemalloc.start()
        write_sky(tmp_path / str(stars), stars=stars, seed=1, chunk_blocks=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


SAMPLE = (
    Column("name", "S5", "", "A name & more"),
    Column("n", "i8", "", "A count", null=-1),
    Column("x", "f8", "K", "A value's unit"),
    Column("y", "f4", "mag", "Another"),
)


def sample(n, start=0):
    number = np.arange(start, start + n)
    return {
        "name": np.array([f"s{k}" for k in number], dtype="S5"),
        "n": np.where(number % 5 == 0, -1, number * 10**15),
        "x": np.where(number % 3 == 0, np.nan, number / 7),
        "y": number.astype(np.float32) / 3,
    }


@pytest.mark.parametrize("file_format", ["fits", "csv", "csv.gz", "ecsv", "votable", "parquet"])
def test_rows_written_in_pieces_come_back(tmp_path, file_format):
    path = tmp_path / f"table.{file_format}"
    writer = open_writer(path, file_format, SAMPLE)
    for start, n in ((0, 7), (7, 1), (8, 0), (8, 5_003)):
        writer.write(sample(n, start))
    writer.close()
    formats = {"csv": "ascii.csv", "csv.gz": "ascii.csv", "ecsv": "ascii.ecsv"}
    if file_format == "parquet":
        table = Table.from_pandas(pq.read_table(path).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    else:
        table = Table.read(path, format=formats.get(file_format, file_format))
    expected = sample(5_011)
    assert len(table) == 5_011
    assert list(table["name"].astype(str)) == list(expected["name"].astype(str))
    missing = expected["n"] == -1
    if file_format == "fits":
        assert np.array_equal(np.array(table["n"]), expected["n"])
    else:
        assert np.array_equal(np.ma.getmaskarray(table["n"]), missing)
        assert np.array_equal(np.array(table["n"])[~missing], expected["n"][~missing])
    x = np.ma.filled(np.ma.masked_invalid(np.ma.asarray(table["x"], dtype=float)), np.nan)
    assert np.allclose(x, expected["x"], equal_nan=True, rtol=1e-15)
    assert np.allclose(np.ma.filled(np.ma.asarray(table["y"], dtype=float), np.nan), expected["y"], rtol=1e-6)


def test_units_and_descriptions_are_written(tmp_path):
    for file_format, read in (("votable", "votable"), ("ecsv", "ascii.ecsv")):
        path = tmp_path / file_format
        writer = open_writer(path, file_format, SAMPLE)
        writer.write(sample(3))
        writer.close()
        table = Table.read(path, format=read)
        assert table["x"].unit == "K"
        assert table["x"].description == "A value's unit"
        assert table["name"].description == "A name & more"
    root = ET.parse(tmp_path / "votable").getroot()
    assert root.attrib["version"] == "1.4"


def test_every_file_is_recognised_as_its_survey_and_the_truth_as_none(folder):
    scan = scan_folder(folder, loader.builtin())
    assert {path.name: descriptor.name for path, descriptor in scan.recognised} == {
        table.file_name: table.survey for table in TABLES
    }
    assert {path.name for path, _ in scan.skipped} == {TRUTH, SUMMARY}
