"""Every format gives the same rows back; damage is named."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import MaskedColumn, Table

from app.domain.errors import TableError
from app.pipeline.readers import delimited, open_table, unit_of

ROWS = 1_000
LONG = 2**63 - 1


@pytest.fixture
def table() -> Table:
    rng = np.random.default_rng(7)
    ids = LONG - np.arange(ROWS)
    return Table(
        {
            "source_id": MaskedColumn(ids, dtype="i8"),
            "small": np.arange(ROWS).astype("i2") - 500,
            "ra": MaskedColumn(rng.uniform(0, 360, ROWS), unit="deg"),
            "teff": MaskedColumn(np.where(np.arange(ROWS) % 7, 5777.25, np.nan).astype("f4"), unit="K"),
            "name": np.array([f"star {i} α" if i % 5 else "" for i in range(ROWS)]),
            "good": np.arange(ROWS) % 3 == 0,
        }
    )


def write(table: Table, path: Path, form: str) -> None:
    if form == "csv":
        table.write(path, format="ascii.csv")
    elif form == "ecsv":
        table.write(path, format="ascii.ecsv", delimiter=",")
    elif form == "ecsv with spaces":
        table.write(path, format="ascii.ecsv")
    elif form == "fits":
        plain = table.copy()
        plain["name"] = np.char.encode(np.char.replace(plain["name"], "α", "a"))
        plain.write(path, format="fits")
    elif form == "parquet":
        units = {name: {"unit": str(table[name].unit)} if table[name].unit else None for name in table.colnames}
        columns = [pa.array(np.asarray(table[name]), from_pandas=False) for name in table.colnames]
        fields = [pa.field(n, c.type, metadata=units[n]) for n, c in zip(table.colnames, columns, strict=True)]
        pq.write_table(pa.table(columns, schema=pa.schema(fields)), path)
    else:
        writeto(from_table(table), str(path), tabledata_format=form)


def read_all(path: Path, rows: int = 300, **options: object) -> pa.Table:
    opened = open_table(path, **options)
    return pa.Table.from_batches(opened.batches(rows), opened.schema)


FORMS = ["csv", "ecsv", "ecsv with spaces", "fits", "parquet", "tabledata", "binary", "binary2"]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_every_format_gives_the_rows_back(table: Table, tmp_path: Path, form: str, compressed: bool) -> None:
    path = tmp_path / "table"
    write(table, path, form)
    if compressed and form != "parquet":
        path.write_bytes(gzip.compress(path.read_bytes()))
    back = read_all(path, text_columns={"source_id"} if form == "csv" else ())
    assert back.column_names == table.colnames
    assert [int(n) for n in back["source_id"].to_pylist()] == list(table["source_id"])
    np.testing.assert_array_equal(back["small"], table["small"])
    np.testing.assert_array_equal(back["ra"], table["ra"])
    teff = back["teff"].to_numpy()
    np.testing.assert_array_equal(teff.astype("f4"), table["teff"])
    names = [name or "" for name in back["name"].to_pylist()]
    expected = list(np.char.replace(table["name"], "α", "a")) if form == "fits" else list(table["name"])
    assert names == expected
    np.testing.assert_array_equal(back["good"], table["good"])
    if form != "csv":
        assert unit_of(back.schema.field("ra")) == "deg"
        assert unit_of(back.schema.field("small")) is None


def test_fits_keeps_vectors_scaled_unsigned_and_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "odd.fits"
    columns = [
        fits.Column("vector", "3E", array=np.arange(6, dtype="f4").reshape(2, 3)),
        fits.Column("matrix", "4I", dim="(2,2)", array=np.arange(8, dtype="i2").reshape(2, 2, 2)),
        fits.Column("texts", "6A", dim="(3,2)", array=np.array([["ab", "c"], ["d", "efg"]])),
        fits.Column("unsigned", "K", bzero=2**63, array=np.array([2**64 - 1, 5], "u8")),
        fits.Column("signed", "B", bzero=-128, array=np.array([-128, 127], "i1")),
        fits.Column("scaled", "I", array=np.array([1, 2], "i2")),
        fits.Column("missing", "J", null=-99, array=np.array([-99, 4], "i4")),
        fits.Column("varying", "PE()", array=np.array([np.array([1.0, 2.0]), np.array([3.0])], dtype=object)),
        fits.Column("varying_text", "PA()", array=np.array(["long text", "b"], dtype=object)),
        fits.Column("truth", "L", array=np.array([True, False])),
    ]
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, name="MAIN")]).writeto(path)
    fits.setval(path, "TSCAL6", value=0.5, ext=1)
    fits.setval(path, "TZERO6", value=10.0, ext=1)
    back = read_all(path, rows=1).to_pydict()
    assert back["vector"] == [[0, 1, 2], [3, 4, 5]]
    assert back["matrix"] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert back["texts"] == [["ab", "c"], ["d", "efg"]]
    assert back["unsigned"] == [2**64 - 1, 5]
    assert back["signed"] == [-128, 127]
    assert back["scaled"] == [10.5, 11.0]
    assert back["missing"] == [None, 4]
    assert back["varying"] == [[1.0, 2.0], [3.0]]
    assert back["varying_text"] == ["long text", "b"]
    assert back["truth"] == [True, False]


def test_a_table_is_chosen_by_number_or_name(tmp_path: Path) -> None:
    path = tmp_path / "two.fits"
    first = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])], name="ONE")
    second = fits.BinTableHDU.from_columns([fits.Column("b", "J", array=[2, 3])], name="TWO")
    fits.HDUList([fits.PrimaryHDU(), first, second]).writeto(path)
    assert open_table(path).schema.names == ["a"]
    assert read_all(path, table=2).to_pydict() == read_all(path, table="TWO").to_pydict() == {"b": [2, 3]}
    with pytest.raises(TableError, match=r"no binary table 'THREE'; extensions with one: 1 ONE, 2 TWO"):
        open_table(path, table="THREE")


@pytest.mark.parametrize("form", ["fits", "parquet", "tabledata", "binary", "binary2", "csv"])
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_truncated_file_is_refused_by_name(table: Table, tmp_path: Path, form: str, compressed: bool) -> None:
    path = tmp_path / f"cut.{form}"
    write(table, path, form)
    content = path.read_bytes()
    if form == "csv" and not compressed:
        content = content[: content.rindex(b"\n", 0, len(content) // 2) + 30]
        path.write_bytes(content)
    elif compressed:
        content = gzip.compress(content)
        path.write_bytes(content[: len(content) * 2 // 3])
    else:
        path.write_bytes(content[: len(content) * 2 // 3])
    if form == "parquet" and compressed:
        pytest.skip("Parquet compresses by itself")
    with pytest.raises(TableError, match=rf"^cut\.{form}"):
        read_all(path)


def test_a_truncated_fits_file_says_how_much_is_left(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "cut.fits"
    write(table, path, "fits")
    with fits.open(path) as hdus:
        start, width = hdus[1].fileinfo()["datLoc"], hdus[1].header["NAXIS1"]
    path.write_bytes(path.read_bytes()[: start + 600 * width + 3])
    with pytest.raises(TableError, match="announces 1000 rows, it holds 600"):
        open_table(path)


@pytest.mark.parametrize("delimiter", [",", "\t", "|", ";"])
def test_separators_are_recognised(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"obsid{delimiter}x\n1{delimiter}2.5\n")
    assert read_all(path).to_pydict() == {"obsid": [1], "x": [2.5]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# a note\n# another, longer\nobsid,x\n1,2.5\n", ["obsid", "x"]),
        ("#obsid|x\n1|2.5\n", ["obsid", "x"]),
        ('\ufeff"obsid, the first","x"\r\n1,2.5\r\n', ["obsid, the first", "x"]),
    ],
)
def test_names_stand_behind_notes_or_a_hash_or_in_quotes(tmp_path: Path, text: str, names: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    back = read_all(path)
    assert back.column_names == names
    assert [column[0].as_py() for column in back.columns] == [1, 2.5]


def test_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("name,x\nGr\u00fcn,1\n".encode("latin-1"))
    with pytest.raises(TableError, match=r"latin\.csv, column name: is not UTF-8 text"):
        open_table(path)


def test_a_type_holds_for_every_row_not_only_the_first(tmp_path: Path) -> None:
    path = tmp_path / "late.csv"
    rows = [f"{n},{n},{n},{n},{n}" for n in range(700_000)]
    rows[-1] = "1.5,abc,99999999999999999999,,7"
    path.write_text("becomes_float,becomes_text,too_long,gap,whole\n" + "\n".join(rows) + "\n")
    assert path.stat().st_size > 20e6
    opened = open_table(path)
    kinds = {name: str(kind) for name, kind in zip(opened.schema.names, opened.schema.types, strict=True)}
    assert kinds == {
        "becomes_float": "double",
        "becomes_text": "string",
        "too_long": "string",
        "gap": "int64",
        "whole": "int64",
    }
    assert opened.rows == 700_000
    for batch in opened.batches():
        last = batch
    assert last.slice(last.num_rows - 1).to_pylist() == [
        {"becomes_float": 1.5, "becomes_text": "abc", "too_long": "9" * 20, "gap": None, "whole": 7}
    ]


def test_long_whole_numbers_among_others_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text(f"id,large,real\n{2**53 + 1},{2**64},1e20\nnan,{2**53 + 1},17\n")
    opened = open_table(path)
    assert [str(kind) for kind in opened.schema.types] == ["string", "string", "double"]
    [batch] = opened.batches()
    assert batch.to_pydict()["large"] == [str(2**64), str(2**53 + 1)]


def test_codes_with_leading_zeros_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("flags,number,truth\n0012,0,True\n0100,-1,False\n")
    assert read_all(path).to_pydict() == {"flags": ["0012", "0100"], "number": [0, -1], "truth": [True, False]}


def test_types_that_the_first_values_rule_out_are_not_tried_on_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[int, str]] = []
    fits_ = delimited._fits
    monkeypatch.setattr(
        delimited, "_fits", lambda values, kind: tried.append((len(values), str(kind))) or fits_(values, kind)
    )
    path = tmp_path / "numbers.csv"
    path.write_text("x\n" + "".join(f"{i}.5\n" for i in range(1_000)))
    assert str(open_table(path).schema.field("x").type) == "double"
    assert (1_000, "int64") not in tried
    assert (1_000, "double") in tried


def test_a_csv_file_is_read_without_astropy(tmp_path: Path) -> None:
    path = tmp_path / "positions.csv"
    path.write_text("ra,dec\n1,2\n")
    code = f"""
import sys
from pathlib import Path
from app.pipeline.readers import open_table
assert len(list(open_table(Path({str(path)!r})).batches())) == 1
print("astropy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_ragged_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("a,b\n1,2\n3\n4,5\n")
    with pytest.raises(TableError, match=r"ragged\.csv, row 2: Expected 2 columns, got 1"):
        open_table(path)


def test_a_votable_cell_of_another_type_is_named(tmp_path: Path, table: Table) -> None:
    path = tmp_path / "bad.vot"
    write(table, path, "tabledata")
    content = path.read_text()
    number = str(LONG - 400)
    path.write_text(content.replace(f"<TD>{number}</TD>", f"<TD>{number}x</TD>"))
    with pytest.raises(TableError, match=rf"bad\.vot, column source_id, row 401: {number}x is no long"):
        read_all(path)


def test_votable_arrays_and_nulls_are_kept(tmp_path: Path) -> None:
    source = Table({"v": np.array([[1.0, 2.0], [3.0, 4.5]]), "n": MaskedColumn([1, 2], mask=[True, False])})
    for form in ("tabledata", "binary", "binary2"):
        path = tmp_path / f"{form}.vot"
        votable = from_table(source)
        if form != "binary2":
            votable.get_first_table().fields[1].values.null = -1
        writeto(votable, str(path), tabledata_format=form)
        back = read_all(path).to_pydict()
        assert back["n"] == [None, 2], form
        assert json.loads(back["v"][1]) == [3.0, 4.5], form


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for name, content, message in [
        ("empty.csv", b"", "is empty"),
        ("photo.png", b"\x89PNG\r\n\0\0", "is not FITS"),
        ("page.xml", b"<?xml version='1.0'?><html></html>", "has no table"),
        ("twice.csv", b"a,a\n1,2\n", "more than one column is called 'a'"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(TableError, match=message):
            open_table(tmp_path / name)
    with pytest.raises(TableError, match="cannot be read"):
        open_table(tmp_path / "nowhere.csv")
