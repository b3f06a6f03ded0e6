"""`sos versions diff` beside `sos versions`."""

import json

from tests.support import catalogue
from tests.support.catalogue import N_STARS
from tests.support.cli import sos


def test_versions_are_listed_and_compared(database):
    catalogue.build(database, n_versions=2)
    assert [row["version"] for row in json.loads(sos("versions", "--json", database=database).stdout)] == [2, 1]
    table = sos("versions", "diff", "1", "2", "--limit", "3", database=database)
    assert table.exit_code == 0, table.output
    assert f"{N_STARS - 1:,} stars moved by more than 3 errors; the farthest 3" in table.stderr
    assert "gamma" in table.stdout
    assert table.stdout.count("sos:") == 3
    answer = json.loads(sos("versions", "diff", "1", "2", "--json", "--sigma", "5", database=database).stdout)
    assert (answer["sigma"], answer["count"], answer["truncated"]) == (5.0, 10, True)
    assert answer["summary"]["parameters"]["teff"]["all"]["n"] == N_STARS - 1


def test_a_version_that_is_not_there_is_named(database):
    catalogue.build(database)
    missing = sos("versions", "diff", "1", "7", database=database)
    assert (missing.exit_code, "no version 7" in missing.stderr) == (3, True)


def test_a_reference_without_measurements_is_refused_by_name(database):
    catalogue.build(database)
    wrong = sos("calibrate", "--reference", "alpha_dr1,nobody", database=database)
    assert wrong.exit_code == 2
    assert "--reference: nobody has no measurements" in wrong.stderr
    nothing = sos("calibrate", "--reference", " ,", database=database)
    assert (nothing.exit_code, "names no survey" in nothing.stderr) == (2, True)
