"""Rows of a table as measurements: units, missing values, errors, ids, cuts, and the rows that cannot be one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from app.domain.descriptors import SurveyDescriptor
from app.domain.errors import TableError
from app.surveys.translation import REASONS, Translation, Translator
from tests.support.descriptors import toy, toy_table


def translate(descriptor: SurveyDescriptor | None = None, rows: int = 3, **changed: Any) -> Translation:
    table = toy_table(rows, **changed)
    translator = Translator(descriptor or toy(), "t.fits", table.schema)
    return translator.translate(table.combine_chunks().to_batches()[0], 1)


def value(translation: Translation, name: str) -> list[Any]:
    values = translation.columns[name]
    return values.to_pylist() if isinstance(values, pa.Array) else values.tolist()


def reasons(translation: Translation) -> list[str]:
    return [REASONS[code] for code in translation.reasons]


def test_a_good_row_is_in_our_columns_and_units() -> None:
    found = translate(rows=1)
    assert value(found, "object_id") == ["star 0"]
    assert value(found, "gaia_dr3") == [2**62]
    assert value(found, "tmass") == ["08520000+1149254"]
    assert (value(found, "teff"), value(found, "logg"), value(found, "feh")) == ([5000.0], [2.5], [-0.5])
    assert value(found, "teff_err_lower") == value(found, "teff_err_upper") == [50.0]  # sqrt((2 * 20)^2 + 30^2)
    np.testing.assert_allclose(value(found, "logg_err_lower") + value(found, "logg_err_upper"), [0.1, 0.3])
    assert np.isnan(value(found, "feh_err_lower")).all()
    assert (value(found, "snr"), value(found, "g_mag"), value(found, "epoch_jyear")) == ([50.0], [12.5], [2000.0])
    assert (value(found, "excluded"), value(found, "failed_cuts"), value(found, "row_number")) == ([0], [0], [1])


def test_missing_values_are_no_values() -> None:
    found = translate(teff=[-9999.0, np.nan, 5000.0], e_teff=[20.0, 20.0, -1000.0], snr=[-9999.0, 0.0, 3.0])
    np.testing.assert_array_equal(value(found, "teff"), [np.nan, np.nan, 5000.0])
    np.testing.assert_array_equal(value(found, "teff_err_lower"), [np.nan] * 3)
    np.testing.assert_array_equal(value(found, "snr"), [np.nan, np.nan, 3.0])
    assert found.kept.all()


def test_a_sentinel_is_compared_in_the_precision_of_its_column() -> None:
    descriptor = toy(**{"values = [-9999.0]": "values = [99.9]"})
    found = translate(descriptor, g=pa.array([99.9, 12.0, 99.5], pa.float32()))
    np.testing.assert_array_equal(np.isnan(value(found, "g_mag")), [True, False, True])


def test_values_no_star_can_have_are_no_values() -> None:
    found = translate(teff=[999.0, 100_001.0, np.inf], logg=[-2.1, 9.1, 2.0], feh=[2.1, -7.1, -7.0])
    assert np.isnan(value(found, "teff")).all()
    assert value(found, "logg") == [2.0]
    assert reasons(found) == [REASONS[4], REASONS[4], ""]
    assert value(found, "feh") == [-7.0]


def test_rows_that_cannot_be_measurements_say_why() -> None:
    found = translate(
        rows=8,
        id=["a", "", None, "d", "e", "f", "g", "h"],
        ra=[1.0, 1.0, 1.0, np.nan, 360.1, -0.1, 360.0, 5.0],
        dec=[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 90.0, -90.1],
    )
    assert reasons(found) == ["", *REASONS[1:2] * 2, REASONS[2], REASONS[3], REASONS[3], "", REASONS[3]]
    assert value(found, "object_id") == ["a", "g"]
    assert value(found, "ra") == [1.0, 0.0]
    assert value(found, "row_number") == [1, 7]


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.large_string()])
def test_gaia_ids_are_exact_and_absent_ones_are_none(kind: pa.DataType) -> None:
    ids = [2**63 - 1, 0, -9999, 6_917_528_997_577_384_321, None]
    found = translate(rows=5, gaia=pa.array(ids).cast(kind) if kind != pa.int64() else pa.array(ids, kind))
    gaia = found.columns["gaia_dr3"]
    assert isinstance(gaia, np.ma.MaskedArray)
    assert gaia.mask.tolist() == [False, True, True, False, True]
    assert gaia[0] == 2**63 - 1
    assert gaia[3] == 6_917_528_997_577_384_321


def test_gaia_ids_may_carry_their_catalogue_and_missing_texts() -> None:
    descriptor = toy(**{"values = [-9999.0]": 'values = [-9999.0]\ntexts = ["N/A"]'})
    found = translate(descriptor, gaia=["Gaia DR3 604906737317927296", " N/A ", "Gaia EDR3 7"])
    assert found.columns["gaia_dr3"].filled(0).tolist() == [604906737317927296, 0, 7]


@pytest.mark.parametrize("damaged", ["6.04906737317927E+17", "60490673731792729x", "99999999999999999999", "1.5"])
def test_a_damaged_id_is_named_with_its_row(damaged: str) -> None:
    table = toy_table(4, gaia=["1", "2", damaged, "4"])
    translator = Translator(toy(), "t.csv", table.schema)
    with pytest.raises(TableError) as caught:
        translator.translate(table.to_batches()[0], 101)
    assert (caught.value.column, caught.value.row) == ("gaia", 103)
    assert damaged in caught.value.problem


def test_ids_that_went_through_a_float_are_refused() -> None:
    with pytest.raises(TableError, match="column gaia: holds floating-point numbers"):
        translate(gaia=[6.0e17, 1.0, 2.0])
    with pytest.raises(TableError, match="column id: holds floating-point numbers"):
        translate(id=[6.0e17, 1.0, 2.0])


def test_designations_are_reduced_to_their_digits() -> None:
    names = [
        "2M08520715+1149254",
        "J08520715-1149254",
        "08520715+1149254",
        "2MASS J08520715+1149254",
        "AP17341802",
        None,
    ]
    found = translate(rows=6, tmass=names)
    assert value(found, "tmass") == ["08520715+1149254", "08520715-1149254", *["08520715+1149254"] * 2, None, None]


def test_positions_can_be_spelt_by_the_designation() -> None:
    descriptor = toy(
        **{'ra = { column = "ra", unit = "deg" }\ndec = { column = "dec", unit = "deg" }': 'from_tmass = "tmass"'}
    )
    found = translate(descriptor, tmass=["2M08520715+1149254", "00000000-0000001", "nowhere"])
    np.testing.assert_allclose(value(found, "ra"), [15 * (8 + 52 / 60 + 7.15 / 3600), 0.0])
    np.testing.assert_allclose(value(found, "dec"), [11 + 49 / 60 + 25.4 / 3600, -0.1 / 3600])
    assert reasons(found)[2] == REASONS[2]


def with_unit(table: pa.Table, name: str, unit: str) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, table.schema.field(name).with_metadata({"unit": unit}), table.column(name))


@pytest.mark.parametrize(
    ("name", "unit", "given", "expected"),
    [
        ("ra", "rad", np.pi, 180.0),
        ("ra", "hourangle", 12.0, 180.0),
        ("ra", "h", 12.0, 180.0),
        ("dec", "arcsec", 36_000.0, 10.0),
        ("teff", "kK", 5.0, 5000.0),
        ("logg", "dex", 2.5, 2.5),
        ("logg", "log(cm.s**-2)", 2.5, 2.5),
        ("g", "mag", 12.0, 12.0),
    ],
)
def test_the_unit_of_the_file_goes_before_ours(name: str, unit: str, given: float, expected: float) -> None:
    table = with_unit(toy_table(1, **{name: [given]}), name, unit)
    found = Translator(toy(), "t.fits", table.schema).translate(table.to_batches()[0], 1)
    np.testing.assert_allclose(value(found, {"g": "g_mag"}.get(name, name)), [expected])


@pytest.mark.parametrize(
    ("name", "unit"), [("ra", "km"), ("teff", "mag"), ("logg", "K"), ("feh", "deg"), ("g", "Jy"), ("dec", "K")]
)
def test_a_unit_of_another_kind_is_refused(name: str, unit: str) -> None:
    table = with_unit(toy_table(1), name, unit)
    with pytest.raises(TableError, match=f"t.fits, column {name}: is in {unit}, which cannot be converted"):
        Translator(toy(), "t.fits", table.schema)


def test_an_unknown_unit_needs_one_declared() -> None:
    table = with_unit(toy_table(1), "teff", "degrees of heat")
    assert Translator(toy(), "t.fits", table.schema).factors["teff"] == 1.0
    undeclared = toy(**{'unit = "K"\n': ""})
    with pytest.raises(TableError, match="column teff: has the unknown unit 'degrees of heat'; declare one like K"):
        Translator(undeclared, "t.fits", table.schema)


def test_the_table_must_have_the_columns() -> None:
    table = toy_table(1).drop_columns(["logg", "flag"])
    with pytest.raises(TableError, match=r"toy \(table\) needs the column\(s\) logg, flag; the table has id, ra"):
        Translator(toy(), "t.fits", table.schema)


def test_optional_columns_may_be_missing() -> None:
    descriptor = toy(**{"[missing]": '[file]\noptional = ["g", "gaia", "feh", "flag", "logg_84", "e_teff"]\n[missing]'})
    table = toy_table(2).drop_columns(["g", "gaia", "feh", "flag", "logg_84", "e_teff"])
    found = Translator(descriptor, "t.fits", table.schema).translate(table.to_batches()[0], 1)
    assert "gaia_dr3" not in found.columns
    assert "feh" not in found.columns
    assert value(found, "failed_cuts") == [0, 0]
    assert np.isnan(value(found, "logg_err_lower") + value(found, "teff_err_upper")).all()


def test_numbers_may_stand_in_text_but_not_words() -> None:
    found = translate(teff=["5000", " 6e3 ", "nan"])
    np.testing.assert_array_equal(value(found, "teff"), [5000.0, 6000.0, np.nan])
    with pytest.raises(TableError, match=r"t\.fits, column teff, row 2: warm is no number"):
        translate(teff=["5000", "warm", "6000"])


def test_an_element_of_a_vector_is_a_column() -> None:
    descriptor = toy(**{'column = "teff"': 'column = "param[1]"'})
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(9) * 1000.0), 3)
    found = translate(descriptor, param=vectors)
    np.testing.assert_array_equal(value(found, "teff"), [1000.0, 4000.0, 7000.0])


def test_the_first_known_of_several_columns_counts() -> None:
    descriptor = toy(**{'snr = "snr"': 'snr = { column = ["snr_red", "snr"] }'})
    found = translate(descriptor, snr_red=[np.nan, 7.0, -9999.0])
    assert value(found, "snr") == [50.0, 7.0, 50.0]


def test_bits_are_counted_to_the_highest() -> None:
    flags = np.array([0, 1 << 1, 1 << 2, np.iinfo(np.int32).min, 3], np.int64)
    for kind in (np.int64, np.int32):
        with np.errstate(all="ignore"):
            found = translate(rows=5, flag=flags.astype(kind) if kind is np.int32 else flags & 0xFFFFFFFF)
        assert value(found, "excluded") == [0, 7, 0, 7, 7], kind
        assert [number & 1 for number in value(found, "failed_cuts")] == [0, 1, 0, 1, 1], kind


def test_a_flag_without_value_fails_unless_it_may_pass() -> None:
    flags = pa.array([None, 0, -9999], pa.int32())
    assert value(translate(flag=flags), "excluded") == [7, 0, 7]
    lenient = toy(**{"bits = [1, 31]": 'bits = [1, 31]\nmissing = "pass"'})
    assert value(translate(lenient, flag=flags), "excluded") == [0, 0, 0]


def test_characters_of_a_text_flag_exclude_one_parameter() -> None:
    found = translate(rows=5, iron_flag=["00x", "01x", "10x", "0", None])
    assert value(found, "excluded") == [0, 4, 4, 4, 4]
    assert [number >> 1 for number in value(found, "failed_cuts")] == [0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("equals = 50", [True, False, False, True]),
        ("minimum = 50", [False, False, True, True]),
        ("above = 50", [True, False, True, True]),
        ("maximum = 50", [False, True, False, True]),
        ("below = 50", [True, True, False, True]),
        ("not_in = [50, 10]", [True, False, True, True]),
        ("minimum = 60\nonly = { column = 'teff', maximum = 5500 }", [True, False, True, False]),
    ],
)
def test_every_kind_of_cut(test: str, expected: list[bool]) -> None:
    if test == "equals = 50":
        expected = [False, True, True, True]
    cut = f'[[cut]]\nname = "tested"\ncolumn = "snr"\nreason = "a test"\n{test}\n'
    found = translate(toy(cut), rows=4, snr=[50.0, 60.0, 10.0, np.nan], teff=[5000.0, 5000.0, 5000.0, 6000.0])
    assert [bool(number >> 2 & 1) for number in value(found, "failed_cuts")] == expected


def test_texts_can_be_cut_on() -> None:
    cut = '[[cut]]\nname = "tested"\ncolumn = "remark"\nreason = "a test"\n'
    assert value(translate(toy(cut + 'equals = "row 1"')), "excluded") == [7, 0, 7]
    assert value(translate(toy(cut + 'not_in = ["row 1"]')), "excluded") == [0, 7, 0]


def test_imputed_errors_are_no_errors() -> None:
    model = 'error = { kind = "symmetric", column = "e_teff", scale = 2.0, floor = 30.0'
    descriptor = toy(**{model: model + ', not_where = { column = "imputed", equals = true }'})
    found = translate(descriptor, imputed=[True, False, None])
    np.testing.assert_array_equal(value(found, "teff_err_lower"), [np.nan, 50.0, 50.0])


def test_a_variance_is_squared_and_a_declared_error_is_the_floor() -> None:
    descriptor = toy(
        **{
            'kind = "symmetric", column = "e_teff", scale = 2.0, floor = 30.0': 'kind = "variance", column = "e_teff"',
            'kind = "absent"': 'kind = "absent", floor = 0.1',
        }
    )
    found = translate(descriptor, e_teff=[400.0, -1.0, 0.0], feh=[0.0, np.nan, 0.1])
    np.testing.assert_array_equal(value(found, "teff_err_upper"), [20.0, np.nan, np.nan])
    np.testing.assert_array_equal(value(found, "feh_err_lower"), [0.1, np.nan, 0.1])


def test_percentiles_on_the_wrong_side_are_no_error() -> None:
    found = translate(logg_16=[2.4, 2.6, np.nan], logg_84=[2.8, 2.8, 2.8])
    np.testing.assert_array_equal(np.isnan(value(found, "logg_err_upper")), [False, True, True])


def test_a_published_correction_is_added_where_it_is_wanted() -> None:
    correction = 'column = "feh"\ncorrection = { of = "logg", coefficients = [0.1, 0.2, 0.01], apply = true }'
    found = translate(toy(**{'column = "feh"': correction}))
    np.testing.assert_allclose(value(found, "feh"), [-0.5 + 0.1 + 0.2 * 2.5 + 0.01 * 2.5**2] * 3)
    idle = toy(**{'column = "feh"': correction.replace("true", "false")})
    np.testing.assert_allclose(value(translate(idle), "feh"), [-0.5] * 3)


def test_correlations_shrink_with_the_floor() -> None:
    descriptor = toy(
        '[correlations]\nteff_logg = "rho"\nlogg_feh = { constant = 0.3 }\nteff_feh = { covariance = "cov" }',
        **{'kind = "absent"': 'kind = "symmetric", column = "e_feh"'},
    )
    found = translate(descriptor, rho=[0.5, 1.5, np.nan], cov=[1.0, 1.0, 100.0], e_feh=[0.1, 0.1, 0.1])
    # Quoted 2 x 20 K of a total of 50 K; log g has no floor.
    np.testing.assert_allclose(value(found, "rho_teff_logg"), [0.5 * 40 / 50, np.nan, np.nan])
    np.testing.assert_allclose(value(found, "rho_teff_feh"), [2 * 1.0 / (50 * 0.1)] * 2 + [np.nan])
    np.testing.assert_allclose(value(found, "rho_logg_feh"), [0.3] * 3)
