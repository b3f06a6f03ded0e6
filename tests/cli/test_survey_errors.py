"""`sos survey errors` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

from app.storage.engine import Database
from tests.support.cli import sos
from tests.support.universe import fill


def test_errors_are_printed_as_a_table_and_as_json(database: Database, tmp_path: Path) -> None:
    fill(database, stars=100)
    found = sos("survey", "errors", "rave_dr6", "--json", database=database, state=tmp_path)
    assert found.exit_code == 0, found.output
    rows = json.loads(found.stdout)
    assert [(row["survey"], row["parameter"]) for row in rows] == [("rave_dr6", p) for p in ("teff", "logg", "feh")]
    assert rows[0]["hat_stars"] == 30
    assert rows[0]["hat_with"] == "apogee_dr17 lamost_lrs"
    assert rows[0]["hat_variance"] > 0
    assert rows[0]["repeats"] is None
    assert rows[0]["source"] == "declared"
    table = sos("survey", "errors", database=database, state=tmp_path).stdout
    assert f"{rows[0]['hat']:.3g} ± {rows[0]['hat_error']:.2g}" in table
    assert table.count("\n") == 10


def test_an_unknown_survey_has_its_exit_code(database: Database, tmp_path: Path) -> None:
    found = sos("survey", "errors", "nobody", database=database, state=tmp_path)
    assert found.exit_code == 3
    assert "no survey 'nobody'" in found.stderr
