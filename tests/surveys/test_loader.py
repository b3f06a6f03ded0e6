"""Descriptors: what is refused and how it is said, and which one a table belongs to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.errors import DescriptorError, TableError, UnknownSurveyError
from app.domain.quantities import Parameter
from app.surveys import loader
from tests.support.descriptors import TOML, toy


def test_a_descriptor_says_what_its_file_says() -> None:
    descriptor = toy()
    assert descriptor.source == "toy.toml"
    assert descriptor.position.ra is not None
    assert descriptor.position.ra.columns() == ("ra",)
    assert descriptor.ids.gaia_dr3 is not None
    assert descriptor.ids.gaia_dr3.missing == (0, -9999)
    assert list(descriptor.parameters.given()) == list(Parameter)
    assert descriptor.text_columns() == {"id", "gaia", "tmass", "iron_flag"}
    assert set(descriptor.required_columns()) == {
        *("id", "ra", "dec", "gaia", "tmass", "g", "snr", "teff", "e_teff", "logg", "logg_16", "logg_84", "feh"),
        *("flag", "iron_flag"),
    }


@pytest.mark.parametrize(
    ("old", "new", "key", "advice"),
    [
        ('release = "first"', 'realease = "first"', "realease", "did you mean release"),
        ('release = "first"', 'colour = "red"', "colour", "known keys: name, format"),
        ('citation = "nobody 2026"\n', "", "citation", "is missing"),
        ('name = "toy"', 'name = "Toy Survey"', "name", "lower-case letters"),
        ('name = "toy"', "name = 7", "name", "must be text in quotes, got 7"),
        ('name = "toy"', 'name = "gaia"', "name", "already names another kind of identifier"),
        ("match_radius_arcsec = 2.0", 'match_radius_arcsec = "2"', "position.match_radius_arcsec", "must be a number"),
        ("match_radius_arcsec = 2.0", "match_radius_arcsec = 0", "position.match_radius_arcsec", "above 0"),
        ("match_radius_arcsec = 2.0", "match_radius_arcsec = true", "position.match_radius_arcsec", "must be a number"),
        (
            "match_radius_arcsec = 2.0",
            "match_radius_arcsec = 2\nepoch_jyear = 51544.5",
            "position.epoch_jyear",
            "2016.0",
        ),
        ('dec = { column = "dec", unit = "deg" }\n', "", "position.dec", "ra and dec are given together"),
        ('unit = "deg" }\ndec', 'unit = "kg" }\ndec', "position.ra.unit", "must be a unit like deg, got 'kg'"),
        ('unit = "K"', 'unit = "km"', "parameters.teff.unit", "must be a unit like K"),
        ("scale = 2.0", "scale = 0", "parameters.teff.error.scale", "must be positive"),
        ("floor = 30.0", "floor = -1", "parameters.teff.error.floor", "must not be negative"),
        ('kind = "absent"', 'kind = "none"', "parameters.feh.error.kind", "one of symmetric, variance, percentiles"),
        (
            'kind = "absent"',
            'kind = "symmetric"',
            "parameters.feh.error.column",
            "an error of kind symmetric takes column",
        ),
        ('lower = "logg_16", ', "", "parameters.logg.error.lower", "takes lower and upper"),
        ("bits = [1, 31]", "bits = [1, 64]", "cut[0].bits", "from 0 to 63"),
        ("bits = [1, 31]", "bits = 1", "cut[0].bits", "must be a list"),
        ("bits = [1, 31]", "bits = [1]\nequals = 0", "cut[0].equals", "exactly one of"),
        ("bits = [1, 31]\n", "", "cut[0].equals", "exactly one of"),
        ("first = 0, last = 1", "first = 2, last = 1", "cut[1].characters.first", "not beyond last"),
        ('parameters = ["feh"]', 'parameters = ["iron"]', "cut[1].parameters[0]", "one of teff, logg, feh"),
        ('name = "poor iron"', 'name = "flag"', "cut", "each cut needs a name of its own"),
        ("at_most = -900.0", "at_most = 5\nat_least = 4", "missing.at_most", "smaller than at_least"),
        ("[ids]", "[file]\noptional = ['id']\n[ids]", "file.optional", "never optional"),
        ("[ids]", "[file]\noptional = ['colour']\n[ids]", "file.optional", "not mapped"),
        ("[ids]", "[ids", "TOML", ""),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(old: str, new: str, key: str, advice: str) -> None:
    assert old in TOML
    with pytest.raises(DescriptorError) as caught:
        loader.parse(TOML.replace(old, new, 1), "my.toml")
    assert (caught.value.file, caught.value.key) == ("my.toml", key)
    assert advice in caught.value.problem


def test_corrections_and_correlations_are_checked() -> None:
    with pytest.raises(DescriptorError, match=r"parameters\.teff\.correction\.of: the survey has no logg"):
        loader.parse(
            TOML.split("[parameters.logg]", maxsplit=1)[0] + 'correction = { of = "logg", coefficients = [1.0] }',
            "x.toml",
        )
    with pytest.raises(DescriptorError, match=r"correlations\.teff_feh\.constant: must be between -1 and 1"):
        toy("[correlations]\nteff_feh = { constant = 1.5 }")
    with pytest.raises(DescriptorError, match=r"correlations\.teff_feh\.column: give exactly one"):
        toy('[correlations]\nteff_feh = { column = "r", constant = 0.5 }')


def test_a_file_that_is_no_descriptor_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match=r"nowhere\.toml: file: cannot be read"):
        loader.load(tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DescriptorError, match=r"binary\.toml: file"):
        loader.load(tmp_path / "binary.toml")


def test_the_checksum_follows_what_decides_rows() -> None:
    one = toy()
    assert replace(one, title="another", citation="another", source="elsewhere.toml").sha256 == one.sha256
    assert toy(**{"scale = 2.0": "scale = 2.5"}).sha256 != one.sha256
    assert toy(**{"bits = [1, 31]": "bits = [1]"}).sha256 != one.sha256


def test_all_built_in_descriptors_are_sound_and_different() -> None:
    found = loader.builtin()
    assert len({(one.name, one.format) for one in found}) == len(found) >= 20
    assert {one.name for one in found} >= {
        *("apogee_dr17", "galah_dr3", "galah_dr4", "lamost_lrs", "lamost_lrs_dr5", "lamost_lrs_dr7"),
        *("lamost_lrs_giants", "lamost_mrs", "rave_dr4", "rave_dr6", "gaia_gspspec", "small_a", "small_b"),
    }


@pytest.mark.parametrize("descriptor", loader.builtin(), ids=lambda one: one.source)
def test_every_built_in_format_is_recognised_by_its_own_columns(descriptor) -> None:
    names = (*descriptor.required_columns(), *descriptor.file.optional, "an extra column")
    file_name = descriptor.file.patterns[0].replace("*", "") if descriptor.file.patterns else "any.fits"
    assert loader.recognise(names, file_name) == descriptor


@pytest.mark.parametrize("descriptor", [one for one in loader.builtin() if one.fetch], ids=lambda one: one.source)
def test_what_is_fetched_is_what_the_format_needs(descriptor) -> None:
    fetched = set(descriptor.fetch.columns)
    assert set(descriptor.required_columns()) <= fetched | set(descriptor.file.optional)
    assert not fetched & set(descriptor.file.absent)


def test_an_unknown_table_is_told_what_it_lacks() -> None:
    galah = loader.by_name("galah_dr3")[0]
    names = [name for name in galah.required_columns() if name != "flag_sp"]
    with pytest.raises(TableError, match=r"odd\.fits: no survey has these columns; nearest is galah_dr3 .*flag_sp"):
        loader.recognise(names, "odd.fits")
    with pytest.raises(TableError, match="no survey descriptor is known"):
        loader.recognise(["a"], "odd.fits", [])


def test_only_the_user_can_choose_between_equals() -> None:
    one, other = toy(), toy(**{'name = "toy"': 'name = "toy_b"'})
    with pytest.raises(TableError, match=r"fit toy \(table\) and toy_b \(table\): name the survey"):
        loader.recognise(one.required_columns(), "t.csv", [one, other])
    named = replace(other, file=replace(other.file, patterns=("t*.csv",)))
    assert loader.recognise(one.required_columns(), "t.csv", [one, named]) == named


def test_the_format_that_asks_for_more_goes_first() -> None:
    plain = toy()
    special = toy(**{"[missing]": '[file]\nrequired = ["remark"]\n[missing]', 'format = "table"': 'format = "special"'})
    assert loader.recognise([*plain.required_columns(), "remark"], "t.csv", [plain, special]) == special
    assert loader.recognise(plain.required_columns(), "t.csv", [plain, special]) == plain


def test_own_descriptors_stand_in_for_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML)
    other = TOML.replace('name = "toy"', 'name = "small_a"').replace('format = "table"', 'format = "team table"')
    (tmp_path / "small.toml").write_text(other)
    known = loader.known(tmp_path)
    assert len(known) == len(loader.builtin()) + 1
    assert [one.source for one in known if one.name == "small_a"] == ["small.toml"]
    assert [one.source for one in loader.by_name("toy", known)] == ["mine.toml"]
    assert loader.known(tmp_path / "missing") == loader.builtin()


def test_an_unknown_name_has_a_neighbour() -> None:
    with pytest.raises(UnknownSurveyError, match="no survey is called 'galah_dr5'; did you mean galah_dr"):
        loader.by_name("galah_dr5")
