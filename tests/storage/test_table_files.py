"""FITS and VOTable files say what their rows say, to astropy, to our readers and to STILTS's validator."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.io.votable import parse

from app.domain.columns import Column, Kind
from app.domain.files import FileFormat
from app.pipeline.readers import open_table
from app.storage import table_files
from app.storage.fits_file import FitsField, escaped, fits_blocks
from app.storage.plain_columns import plain, plain_type
from app.storage.votable_file import Field, Info, datatype_of, votable_blocks

ROWS = 20_001  # two blocks and one row, and a length of data that three does not divide
BIG = 2**62 + 1


def batch(rows: int = ROWS) -> pa.RecordBatch:
    place = np.arange(rows)
    some = place % 7 == 3
    return pa.RecordBatch.from_pydict(
        {
            "big": pa.array(BIG + place, mask=some),
            "short": pa.array((place % 100).astype(np.int16), mask=some),
            "int": pa.array(place.astype(np.int32)),
            "byte": pa.array((place % 256).astype(np.uint8)),
            "name": pa.array([None if skip else f"star {n}" for n, skip in zip(place, some, strict=True)], pa.string()),
            "note": pa.array([f"é\n{n}" * (n % 3) for n in place], pa.string()),
            "real": pa.array(np.where(some, np.nan, place / 8)),
            "single": pa.array((place / 8).astype(np.float32), mask=some),
            "ok": pa.array(place % 2 == 0, mask=some),
        }
    )


def pieces(rows: pa.RecordBatch) -> list[pa.RecordBatch]:
    return [rows.slice(0, 5), rows.slice(5, 0), rows.slice(5)]


def votable(table: pa.RecordBatch, **options: Any) -> bytes:
    fields = [
        Field(name, *datatype_of(kind, ascii_only=name == "name"), description=f'the "{name}" <of> & all\0')
        for name, kind in zip(table.schema.names, table.schema.types, strict=True)
    ]
    return b"".join(votable_blocks(pieces(table), fields, table="t", **options))


def fits_file(rows: pa.RecordBatch, announced: int | None = None) -> bytes:
    fields = [
        FitsField(name, kind, {"name": 12, "note": 64}.get(name, 1), ucd="meta.id", unit="mag", description="d" * 100)
        for name, kind in zip(rows.schema.names, rows.schema.types, strict=True)
    ]
    facts = {"SOSVERS": (3, "version"), "REFERENC": ("somebody, " * 40, "")}
    count = rows.num_rows if announced is None else announced
    return b"".join(fits_blocks(pieces(rows), fields, table="t", rows=count, facts=facts))


@pytest.mark.parametrize("count", [0, 1, ROWS])
def test_astropy_reads_the_votable(count: int):
    rows = batch(count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = parse(io.BytesIO(votable(rows, rows=count))).get_first_table()
    assert read.nrows == count
    table = read.array
    for name, values in zip(rows.schema.names, rows.columns, strict=True):
        null = np.asarray(values.is_null()) | (np.isnan(np.asarray(values, float)) if name == "real" else False)
        if name not in {"name", "note"}:
            np.testing.assert_array_equal(np.ma.getmaskarray(table[name]) | np.isnan(np.ma.getdata(table[name])), null)
        shown = [None if skip else one for one, skip in zip(table[name].tolist(), null, strict=True)]
        assert shown == [None if skip else one for one, skip in zip(values.to_pylist(), null, strict=True)]


@pytest.mark.parametrize("count", [0, 1, ROWS])
def test_astropy_reads_the_fits_table(count: int):
    rows = batch(count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(io.BytesIO(fits_file(rows)), logical_as_bytes=True) as hdus:
            hdus.verify("exception")
            data, header = hdus[1].data, hdus[1].header
            assert (hdus[0].header["SOSVERS"], hdus[0].header["REFERENC"]) == (3, ("somebody, " * 40).rstrip())
            assert len(data) == count
            for number, (name, values) in enumerate(zip(rows.schema.names, rows.columns, strict=True), start=1):
                assert (header[f"TTYPE{number}"], header[f"TUNIT{number}"]) == (name, "mag")
                assert header[f"TCOMM{number}"] == "d" * 100
                expected = values.to_pylist()
                if name in {"name", "note"}:
                    assert data[name].tolist() == [escaped(text or "") for text in expected]
                elif name in {"real", "single"}:
                    np.testing.assert_array_equal(data[name], np.array(expected, float))
                elif name == "ok":
                    assert data[name].tolist() == [{True: b"T", False: b"F", None: b""}[one] for one in expected]
                else:
                    null = header.get(f"TNULL{number}")
                    assert data[name].tolist() == [null if one is None else one for one in expected]


@pytest.mark.parametrize("form", ["fits", "votable"])
def test_our_readers_read_back_what_was_written(tmp_path: Path, form: str):
    rows = batch()
    file = tmp_path / f"t.{form}"
    file.write_bytes(fits_file(rows) if form == "fits" else votable(rows))
    read = pa.Table.from_batches(list(open_table(file).batches()))
    for name, values in zip(rows.schema.names, rows.columns, strict=True):
        expected = values.to_pylist()
        if form == "fits" and name in {"name", "note"}:
            expected = [escaped(text or "") for text in expected]
        found = read[name].to_pylist()
        if name in {"real", "single"}:
            np.testing.assert_array_equal(np.array(found, float), np.array(expected, float))
        else:
            assert [one or None for one in found] == [one or None for one in expected]


def test_what_stands_before_and_behind_the_rows_is_read():
    infos = iter([[Info("QUERY_STATUS", "OVERFLOW", "more")]])
    content = votable(batch(10), before=[Info("QUERY_STATUS", "OK"), Info("v", '<"3">')], after=lambda: next(infos))
    [resource] = parse(io.BytesIO(content)).resources
    assert [(info.name, info.value) for info in resource.infos] == [
        ("QUERY_STATUS", "OK"),
        ("v", '<"3">'),
        ("QUERY_STATUS", "OVERFLOW"),
    ]


@pytest.mark.skipif(shutil.which("stilts") is None, reason="STILTS is not installed")
def test_the_validator_has_nothing_to_say(tmp_path: Path):
    file = tmp_path / "t.vot"
    file.write_bytes(
        votable(batch(100), rows=100, before=[Info("a", "b")], after=lambda: [Info("QUERY_STATUS", "OVERFLOW")])
    )
    done = subprocess.run(["stilts", "votlint", str(file)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("announced", [ROWS - 1, ROWS + 1])
def test_a_fits_file_that_announced_other_rows_is_broken_off(announced: int):
    with pytest.raises(ValueError, match=f"announced {announced} rows, but {ROWS} came"):
        fits_file(batch(), announced)


def test_a_text_is_never_cut():
    rows = pa.RecordBatch.from_pydict({"name": ["x" * 13]})
    with pytest.raises(ValueError, match="text of 13 bytes, its width is 12"):
        fits_file(rows)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([[1, None], None]), ["[1,null]", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([b"\x01\xff"]), ["01ff"]),
        (pa.array([{"a": 1, "b": b"\xff"}, None]), ['{"a":1,"b":"ff"}', None]),
        (pa.array([[{"a": 1.5}], None]), ['[{"a":1.5}]', None]),
        (pa.array([[b"\xff"], None]), ['["ff"]', None]),
        (pa.array([3], pa.uint32()), [3]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (pa.array([None, None]), [None, None]),
        (pa.array([0], pa.timestamp("us")), ["1970-01-01 00:00:00.000000"]),
    ],
)
def test_any_column_becomes_plain(values: pa.Array, expected: list):
    assert plain(values).to_pylist() == expected
    assert plain(values).type == plain_type(values.type)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([b"\x01\xff", None]), ["01ff", None]),
        (pa.array([{"a": 1}, None]), [{"a": 1}, None]),
        (pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), [[["k", 1]], None]),
        (pa.array([[{"a": float("nan")}], None]), [[{"a": None}], None]),
        (pa.array([2**64 - 1, None], pa.uint64()), [str(2**64 - 1), None]),
        (pa.array([2**53 + 1, None]).dictionary_encode(), [str(2**53 + 1), None]),
    ],
)
def test_any_column_becomes_a_line_of_json(values: pa.Array, expected: list):
    lines = b"".join(written(FileFormat.JSONL, values)).decode().splitlines()
    assert [json.loads(line)["x"] for line in lines] == expected


def test_a_missing_byte_stays_missing_in_fits():
    with fits.open(io.BytesIO(b"".join(written(FileFormat.FITS, pa.array([255, 0, None], pa.uint8()))))) as hdus:
        column, null = hdus[1].data["x"], hdus[1].header["TNULL1"]
    assert column.tolist() == [255, 0, null]


def written(form: FileFormat, values: pa.Array) -> Iterator[bytes]:
    facts = {"sos.version": "1", "sos.rows": str(len(values)), "sos.citation": "nobody"}
    batches = pa.table({"x": values}).to_reader()
    return table_files.blocks(form, batches, (Column("x", Kind.OTHER, "what it is"),), facts, name="t", texts={})
