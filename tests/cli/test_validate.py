"""`sos validate` as a person reads it, and publishing past a gate."""

import json

import pytest

from tests.support.cli import sos
from tests.support.universe import fill

GATE = """
[gate]
max_median = {teff = 0.0}
fewest_stars = 20
"""


@pytest.fixture
def gated(database, tmp_path):
    """A plan file with a gate that nothing can pass, beside a filled database."""
    from importlib.resources import files

    fill(database, stars=1000)
    plan = tmp_path / "gated.toml"
    plan.write_text((files("app.plans") / "default.toml").read_text() + GATE)
    return database, plan


def test_a_version_is_judged_refused_and_forced(gated, tmp_path):
    database, plan = gated
    refused = sos("calibrate", "--plan", plan, "--publish", "--jobs", "1", database=database)
    assert refused.exit_code == 4
    assert "fails the gate of its plan" in refused.stderr
    assert "max_median: lamost_lrs - apogee_dr17, teff: " in refused.stderr

    folder = tmp_path / "figures"
    shown = sos("validate", "1", "--figures", folder, database=database)
    assert shown.exit_code == 0, shown.output
    for title in ("pairs: ", "trends after", "coverage of differences", "pulls: ", "distance of Kiel diagrams"):
        assert title in shown.stdout
    assert "lamost_lrs - apogee_dr17" in shown.stdout
    assert "gate: FAILED" in shown.stderr
    assert "circular: log g against asteroseismology" in shown.stderr
    assert (folder / "trends_logg.svg").read_text().startswith("<?xml")
    assert (folder / "kiel_1.png").read_bytes().startswith(b"\x89PNG")

    assert sos("publish", "1", database=database).exit_code == 4
    assert sos("publish", "1", "--force", database=database).exit_code == 0
    versions = json.loads(sos("versions", "--json", database=database).stdout)
    assert [(version["version"], version["state"]) for version in versions] == [(1, "published")]
