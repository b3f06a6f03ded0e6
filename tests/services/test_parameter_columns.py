"""Columns of parameters are found by UCD and by name, and a survey's own values before calibrated ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from app.domain.errors import ParameterError
from app.services.parameter_columns import found_by, parameter_columns
from app.services.user_columns import numbers


def schema(*names: str, **metadata: dict[str, str]) -> pa.Schema:
    return pa.schema([pa.field(name, pa.float64(), metadata=metadata.get(name)) for name in names])


def test_names_as_surveys_write_them_are_known():
    found = parameter_columns(schema("id", "TEFF", "e_TEFF", "LogG", "Fe_H", "e_Fe_H", "SNR", "Gmag"), {}, "lamost_lrs")
    assert found == {
        "teff": "TEFF",
        "logg": "LogG",
        "feh": "Fe_H",
        "teff_err": "e_TEFF",
        "feh_err": "e_Fe_H",
        "snr": "SNR",
        "g_mag": "Gmag",
    }


def test_a_ucd_counts_more_than_a_name_and_a_given_column_more_than_both():
    marked = {"t": {"ucd": "phys.temperature.effective"}, "m": {"ucd": "phys.abund.Fe;meta.main"}}
    known = schema("teff", "t", "g", "m", "feh", **marked)
    assert parameter_columns(known, {"logg": "g"}, "x") == {"teff": "t", "logg": "g", "feh": "m"}
    assert parameter_columns(known, {"logg": "g", "teff": "teff"}, "x")["teff"] == "teff"


def test_of_two_columns_with_one_ucd_the_main_one_is_taken_and_of_equals_none():
    temperature = "phys.temperature.effective"
    two = {"t1": {"ucd": temperature}, "t2": {"ucd": f"{temperature};meta.main"}}
    assert parameter_columns(schema("t1", "t2", "logg", "feh", **two), {}, "x")["teff"] == "t2"
    equal = {"t1": {"ucd": temperature}, "t2": {"ucd": temperature}}
    with pytest.raises(ParameterError, match="could be any of the columns t1, t2: name one by teff="):
        parameter_columns(schema("t1", "t2", "logg", "feh", **equal), {}, "x")
    assert parameter_columns(schema("t1", "t2", "teff", "logg", "feh", **equal), {}, "x")["teff"] == "teff"
    with pytest.raises(ParameterError, match="could be any of the columns Teff, TEFF"):
        parameter_columns(schema("Teff", "TEFF", "logg", "feh"), {}, "x")


def test_how_a_column_was_found_is_told():
    known = schema("teff", "t", "ra", "x", t={"ucd": "phys.temperature.effective"}, x={"ucd": "pos.eq.dec;meta.main"})
    told = [found_by(known, role, name, {"g": "x"}) for role, name in (("teff", "t"), ("teff", "teff"), ("g", "x"))]
    assert told == ["UCD", "name", "given"]
    assert [found_by(known, role, name, {}) for role, name in (("ra", "ra"), ("dec", "x"))] == ["name", "UCD"]
    assert found_by(known, "id", "teff", {}) == "name"


def test_of_our_own_files_the_surveys_values_are_on_the_surveys_scale():
    ours = schema("teff_raw", "teff", "logg_raw", "logg", "feh_raw", "feh")
    assert parameter_columns(ours, {}, "lamost_lrs") == {"teff": "teff_raw", "logg": "logg_raw", "feh": "feh_raw"}
    assert parameter_columns(ours, {}, "unified") == {"teff": "teff", "logg": "logg", "feh": "feh"}


@pytest.mark.parametrize(
    ("known", "named", "words"),
    [
        (schema("teff", "logg"), {}, "feh: is missing, and no column has a usual name.*teff, logg by feh="),
        (schema("teff", "logg", "feh"), {"snr": "x"}, "snr: the table has no column 'x'"),
        (schema("teff", "logg", "feh", teff={"unit": "deg_C"}), {}, "teff: column 'teff' is in 'deg_C', not in K"),
    ],
)
def test_what_cannot_be_told_is_said(known: pa.Schema, named: dict, words: str):
    with pytest.raises(ParameterError, match=words):
        parameter_columns(known, named, "unified")


def test_numbers_come_out_of_texts_and_gaps_are_nan():
    table = pa.table(
        {"a": ["1.5", None, " ", "-2e1"], "b": pa.array(["x"] * 4).dictionary_encode(), "c": [1, None, 3, 4]}
    )
    assert np.array_equal(numbers(table, "a", "teff"), [1.5, np.nan, np.nan, -20.0], equal_nan=True)
    assert np.array_equal(numbers(table, "c", "teff"), [1, np.nan, 3, 4], equal_nan=True)
    with pytest.raises(ParameterError, match="feh: column 'b', row 1: 'x' is no number"):
        numbers(table, "b", "feh")


@pytest.mark.parametrize("values", [["1", "inf"], [1.0, float("-inf")]])
def test_infinity_is_no_number(values: list):
    with pytest.raises(ParameterError, match=r"column 'a', row 2: -?inf is no number"):
        numbers(pa.table({"a": values}), "a", "logg")
