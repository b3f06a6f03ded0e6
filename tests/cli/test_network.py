"""How weak surveys are tied to the scale, as a person asks for it."""

import json

import pytest

from tests.support.cli import sos
from tests.support.universe import fill


def test_zero_points_paths_audit_and_links_of_a_version(database):
    fill(database, stars=1200)
    assert sos("calibrate", "--publish", "--jobs", "1", database=database).exit_code == 0
    shown = json.loads(sos("versions", "network", "--json", database=database).stdout)
    rave = shown["surveys"]["rave_dr6"]
    assert rave["direct_stars"] == rave["stars"] == 32  # of its 40 stars a fifth are test stars
    assert rave["teff"]["bias"] == pytest.approx(100, abs=3 * rave["teff"]["error"])
    assert rave["feh"]["bias"] == pytest.approx(-0.1, abs=3 * rave["feh"]["error"])
    matrix = shown["zero_points"]["teff"][shown["zero_points"]["surveys"].index("rave_dr6")]
    assert matrix[shown["zero_points"]["surveys"].index("rave_dr6")] == pytest.approx(
        rave["teff"]["error"] ** 2, rel=0.3
    )
    table = sos("versions", "network", database=database).stdout
    for title in ("zero points", "paths", "audit", "links"):
        assert title in table
    assert sos("versions", "network", "7", database=database).exit_code == 3
