"""Published tables have their columns, names of their own, and faults where surveys have them."""

from __future__ import annotations

import numpy as np
import pytest

from app.science.mock import sky, truth
from app.science.mock.observations import State, observe_sky, plan
from app.science.mock.tables import apogee, galah, gspspec, lamost, rave, small
from app.science.mock.tables.columns import dates

TABLES = (
    apogee.ALL_STAR,
    galah.MAIN,
    lamost.LRS,
    lamost.MRS,
    gspspec.PARAMETERS,
    rave.MADERA,
    small.SMALL_A,
    small.SMALL_B,
)


@pytest.fixture(scope="module")
def block():
    return sky.draw_block(3, 0)


@pytest.fixture(scope="module")
def seen(block):
    return observe_sky(block, plan(3, 20_000), np.random.SeedSequence(3))


@pytest.fixture(scope="module")
def published(block, seen):
    return {t.survey: t.fill(np.random.default_rng(1), block, seen[t.survey]) for t in TABLES}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.survey)
def test_every_column_is_filled_with_its_kind(table, published):
    values = published[table.survey]
    assert set(values) == {column.name for column in table.columns}
    for column in table.columns:
        kind = values[column.name].dtype.kind
        assert kind == ("S" if column.kind.startswith("S") else kind), column.name
        if column.kind.startswith("S"):
            assert values[column.name].dtype.itemsize <= int(column.kind[1:]), column.name
        elif column.kind.startswith("i"):
            assert kind in "iu", column.name
            assert np.all(np.abs(values[column.name]) <= np.iinfo(column.kind).max), column.name


@pytest.mark.parametrize("table", [t for t in TABLES if t.survey != "apogee_dr17"], ids=lambda table: table.survey)
def test_object_names_are_unique(table, published):
    names = published[table.survey][table.object_id]
    assert len(np.unique(names)) == len(names)


def test_apogee_says_a_star_once_and_marks_the_duplicates(published, seen):
    values = published["apogee_dr17"]
    primary = (values["EXTRATARG"] & 16) == 0
    assert len(np.unique(values["APOGEE_ID"][primary])) == primary.sum() == len(np.unique(values["APOGEE_ID"]))
    assert 0 < np.mean(~primary) < 0.2
    first = np.unique(values["APOGEE_ID"], return_inverse=True)[1]
    best = np.zeros(first.max() + 1)
    np.maximum.at(best, first, values["SNR"])
    assert np.array_equal(best[first][primary], values["SNR"][primary])


def test_apogee_flags_what_failed(published, seen):
    values, state = published["apogee_dr17"], seen["apogee_dr17"].state
    bad = (values["ASPCAPFLAG"] & sum(1 << bit for bit in (16, 17, 19, 23, 31))) != 0
    bad |= (values["STARFLAG"] & sum(1 << bit for bit in (0, 3, 18))) != 0
    assert np.array_equal(bad, (state == State.DOUBTFUL) | (state == State.LOST))
    warned = ~bad & (values["ASPCAPFLAG"] != 0)
    assert warned.mean() > 0.03
    lost = state == State.LOST
    assert np.all(np.isnan(values["TEFF"][lost]) | (values["TEFF"][lost] == -9999))
    assert 0 < np.isnan(values["TEFF"][lost]).sum() < lost.sum()
    bad_iron = (values["FE_H_FLAG"] & sum(1 << bit for bit in (0, 1, 2, 3, 4, 6))) != 0
    assert np.all(bad_iron[np.isnan(values["FE_H"]) | (values["FE_H"] == -9999)])
    assert 0.01 < (bad_iron & ~lost).mean() < 0.02
    off = (values["FE_H"] - values["M_H"])[bad_iron & ~lost]
    assert np.isnan(off).any()
    assert np.nanmin(off) == pytest.approx(0.29)


def test_galah_flags_what_failed(published, seen):
    values, state = published["galah_dr3"], seen["galah_dr3"].state
    assert np.array_equal(values["flag_sp"] != 0, (state == State.DOUBTFUL) | (state == State.LOST))
    only_iron = (values["flag_fe_h"] != 0) & (values["flag_sp"] == 0)
    assert 0.01 < only_iron.mean() < 0.03
    assert np.array_equal(np.isnan(values["teff"]), state == State.LOST)
    assert np.all(values["sobject_id"] > 10**14)
    assert np.all(values["sobject_id"] < 10**15)


def test_gspspec_flags_are_forty_one_characters(published, seen):
    flags, state = published["gaia_gspspec"]["flags_gspspec"], seen["gaia_gspspec"].state
    text = flags.view(np.uint8).reshape(-1, 41)
    strict = np.all(text[:, :13] == ord("0"), axis=1)
    assert np.all((text >= ord("0")) & (text <= ord("9")))
    assert not np.any(strict & ((state == State.DOUBTFUL) | (state == State.LOST)))
    assert 0.8 < strict.mean() < 0.95


def test_gspspec_percentiles_are_asymmetric(published):
    values = published["gaia_gspspec"]
    there = ~np.isnan(values["logg_gspspec"])
    below = (values["logg_gspspec"] - values["logg_gspspec_lower"])[there]
    above = (values["logg_gspspec_upper"] - values["logg_gspspec"])[there]
    assert np.all((below > 0) & (above > 0))
    assert below / above == pytest.approx(1.44, rel=1e-6)


def test_lamost_has_sentinels_and_text_ids(published, seen, block):
    values, rows = published["lamost_lrs"], seen["lamost_lrs"]
    lost = rows.state == State.LOST
    assert lost.sum() > 10
    assert np.array_equal(values["teff"] == -9999, lost)
    ids = values["gaia_source_id"]
    known = ids != b"-9999"
    assert 0.93 < known.mean() < 0.99
    assert np.array_equal(ids[known].astype(np.int64), block.gaia_dr3[rows.star][known])
    assert np.all(values["snrg"][rows.state == State.DOUBTFUL] < 20)


def test_lamost_mrs_has_rows_without_a_position_and_falsely_poor_hot_stars(published, block, seen):
    values, stars = published["lamost_mrs"], block.take(seen["lamost_mrs"].star)
    assert np.array_equal(values["ra"] == -9999, values["dec"] == -9999)
    hot = stars.teff > 7000
    cool_poor = (values["feh_lasp"] < -2.0) & (values["feh_lasp"] > -9999) & (stars.feh > -1.5) & ~hot
    assert not cool_poor.any()


def test_rave_says_what_has_not_converged(published, seen):
    values, state = published["rave_dr6"], seen["rave_dr6"].state
    assert np.array_equal(values["algo_conv_madera"] != 0, (state == State.DOUBTFUL) | (state == State.LOST))


@pytest.mark.parametrize(
    ("survey", "ra", "dec", "epoch", "arcsec"),
    [
        ("apogee_dr17", "RA", "DEC", 2000.0, 0.08),
        ("galah_dr3", "ra_dr2", "dec_dr2", 2015.5, 0.001),
        ("lamost_lrs", "ra", "dec", 2000.0, 0.15),
        ("gaia_gspspec", "ra", "dec", 2016.0, 0.001),
        ("rave_dr6", "ra_input", "dec_input", 2000.0, 0.25),
    ],
)
def test_positions_are_of_their_epoch(published, seen, block, survey, ra, dec, epoch, arcsec):
    stars, values = block.take(seen[survey].star), published[survey]
    years = epoch - 2000.0
    dec_there = stars.dec_deg + stars.pm_dec_masyr * years / 3.6e6
    off = (values[dec] - dec_there) * 3600
    assert np.std(off) == pytest.approx(arcsec, rel=0.1) if arcsec > 0.01 else np.abs(off).max() < 0.05
    away = np.abs(stars.dec_deg) < 80
    east = ((values[ra] - stars.ra_deg + 180) % 360 - 180) * np.cos(np.radians(stars.dec_deg)) * 3600
    east -= stars.pm_ra_cosdec_masyr * years / 1000
    assert np.std(east[away]) == pytest.approx(arcsec, rel=0.1) if arcsec > 0.01 else np.median(np.abs(east)) < 0.001


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.survey)
def test_the_truth_names_every_object_once(table, published, block, seen):
    rows = truth.rows(table, published[table.survey], block, seen[table.survey])
    names = published[table.survey][table.object_id].astype("S20")
    assert len(np.unique(rows["object_id"])) == len(rows["object_id"])
    assert set(rows["object_id"]) == set(names)
    order = np.searchsorted(block.number, rows["true_star"])
    assert np.array_equal(block.teff[order], rows["teff"])
    assert np.array_equal(block.feh[order], rows["feh"])


def test_dates_agree_with_numpy():
    days = np.arange(0, 4000, 7)
    expected = [int(str(np.datetime64("2011-10-24") + int(day)).replace("-", "")) for day in days]
    assert dates("2011-10-24", days).tolist() == expected


def test_identifiers_stay_unique_on_the_largest_sky():
    """Sampled over all star numbers up to the last one, with repeats."""
    rng = np.random.default_rng(1)
    number = np.unique(rng.integers(0, 100_000_000, 300_000))
    number = np.concatenate([number, number])
    visit = np.repeat([0, 7], len(number) // 2)
    assert len(np.unique(galah.sobject_id(number, visit))) == len(number)
    names = rave.rave_obs_id(number, visit, np.zeros(len(number)), np.zeros(len(number)))
    assert len(np.unique(names)) == len(number)
    assert lamost.obsid(number, visit, lamost.LOW_OFFSET).max() < 2**31
