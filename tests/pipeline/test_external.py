"""A version against external scales: known offsets come back, and what is not there is said."""

import gzip
import json

import numpy as np
import pytest

from app.pipeline.external import external_report
from app.pipeline.external_tables import load_folder
from tests.support import catalogue

SECTIONS = ("benchmark_stars", "open_clusters", "globular_clusters", "seismology")
PLACES = np.arange(100, 160)
TOO_LOW = 0.25


def values(place):
    """The calibrated values of stars in version 1 of the small catalogue."""
    return 4100.0 + place, 1.0 + place / 128 + 1 / 1024, -2.0 + place / 128 + 1 / 1024


def write_references(folder, truth, *, shift=0):
    """Reference tables in which every star's truth is `TOO_LOW` above what the version says."""
    teff, logg, feh = (column + TOO_LOW for column in values(PLACES))
    gaia = np.where(truth.gaia[PLACES] > 0, truth.gaia[PLACES] + shift, 0)
    ra, dec = truth.ra[PLACES] + (0.5 if shift else 0), truth.dec[PLACES]
    rows = [
        f"{g or ''},star {k},{r!r},{d!r},{a},10,{b},.1,{c},.1"
        for k, (g, r, d, a, b, c) in enumerate(
            zip(gaia.tolist(), ra.tolist(), dec.tolist(), teff, logg, feh, strict=True)
        )
    ]
    head = "GaiaDR3,Name,RA_ICRS,DE_ICRS,Teff,e_Teff,logg,e_logg,[Fe/H],e_[Fe/H]"
    (folder / "benchmark.csv").write_text("\n".join([head, *rows, ""]))
    members = [
        f"NGC_2682,{g},{r!r},{d!r},12,1" for g, r, d in zip(gaia.tolist(), ra.tolist(), dec.tolist(), strict=True) if g
    ]
    (folder / "members.csv.gz").write_bytes(
        gzip.compress("\n".join(["cluster,GaiaEDR3,RA_ICRS,DE_ICRS,Gmag,Pmemb", *members, ""]).encode())
    )
    (folder / "open_cluster_feh.csv").write_text("Cluster,[Fe/H],s_[Fe/H]\nM 67,-1.0,0.1\n")


@pytest.fixture
def filled(database):
    return database, catalogue.build(database)


def test_without_tables_every_section_says_so(filled):
    database, _ = filled
    report, figures = external_report(database, 1)
    assert report == {name: {"state": "not loaded"} for name in SECTIONS}
    assert figures == {}


def test_known_offsets_come_back(filled, tmp_path):
    database, truth = filled
    write_references(tmp_path, truth)
    load_folder(database, tmp_path)
    report, figures = external_report(database, 1)
    json.dumps(report, allow_nan=False)
    stars = report["benchmark_stars"]
    assert (stars["state"], stars["stars"], stars["undecided"]) == ("compared", len(PLACES), 0)
    assert stars["by_position"] == int((truth.gaia[PLACES] == 0).sum()) > 0
    for number, survey in enumerate(catalogue.SURVEYS, start=1):
        feh = stars["surveys"][survey]["feh"]
        assert feh["after"]["n"] == np.isin(PLACES, truth.members[survey]).sum()
        assert feh["after"]["median"] == pytest.approx(-TOO_LOW, abs=1e-3)
        assert feh["before"]["median"] == pytest.approx(number - TOO_LOW - 1 / 1024, abs=1e-3)
        assert feh["test"]["n"] == np.count_nonzero(truth.split[np.intersect1d(PLACES, truth.members[survey])] == 2)
    assert stars["surveys"]["combined"]["teff"]["after"]["median"] == pytest.approx(-TOO_LOW, abs=1e-3)
    assert {"benchmark_stars.png", "benchmark_stars.svg", "open_clusters.png", "cluster_ngc_2682.svg"} <= set(figures)
    assert all("circular" in report[name] for name in ("benchmark_stars", "open_clusters"))
    assert report["seismology"] == {"state": "not loaded"}


def test_members_of_a_cluster_are_judged_survey_by_survey(filled, tmp_path):
    database, truth = filled
    write_references(tmp_path, truth)
    load_folder(database, tmp_path)
    section = external_report(database, 1)[0]["open_clusters"]
    known = PLACES[truth.gaia[PLACES] > 0]
    m67 = section["m67"]
    assert (m67["cluster"], m67["literature"]) == ("NGC_2682", -1.0)
    alpha = next(one for one in m67["surveys"] if one["survey"] == catalogue.SURVEYS[0])
    assert alpha["after"]["n"] == len(known)
    assert alpha["after"]["median"] == pytest.approx(np.median(values(known)[2]), abs=1e-3)
    assert alpha["along_teff"]["slope"] == pytest.approx(1000 / 128, rel=1e-3)
    assert set(m67["after"]["surveys"]) == set(catalogue.SURVEYS)


def test_stars_of_another_sky_match_nothing_and_the_report_says_so(filled, tmp_path):
    database, truth = filled
    write_references(tmp_path, truth, shift=1000)
    (tmp_path / "seismic.csv").write_text(
        "TMASS_ID,ra,dec,LOGG_SEIS,SIG_LOGG_SEIS\n19550016+4435356,298.75,44.59,1.2,.01\n"
    )
    (tmp_path / "globular.csv").write_text("id,name,ra,dec,feh\nNGC 104,,00 24 05.67,-72 04 52.6,-0.72\n")
    load_folder(database, tmp_path)
    report, figures = external_report(database, 1)
    assert {name: report[name]["state"] for name in SECTIONS} == dict.fromkeys(SECTIONS, "no star in common")
    assert figures == {}


def test_giants_around_a_globular_cluster_are_taken_by_position(filled, tmp_path):
    database, truth = filled
    place = int(PLACES[3])
    hours, dec = truth.ra[place] / 15, truth.dec[place]
    (tmp_path / "globular.csv").write_text(f"id,ra,dec,feh\nNGC 104,{_sixty(hours)},{_sixty(dec)},-0.72\n")
    load_folder(database, tmp_path)
    section = external_report(database, 1)[0]["globular_clusters"]
    assert section["state"] == "compared"
    found = {one["survey"]: one["after"] for one in section["clusters"][0]["surveys"]}
    assert found[catalogue.SURVEYS[0]]["median"] == pytest.approx(values(place)[2], abs=1e-3)


def _sixty(value):
    whole, rest = divmod(abs(value) * 3600, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{'-' if value < 0 else ''}{int(whole):02d} {int(minutes):02d} {seconds:.3f}"
