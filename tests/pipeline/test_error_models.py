"""The simulated surveys' errors are found from their data alone, and told apart from what descriptors declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.errors import UnknownSurveyError
from app.pipeline.crossmatch import crossmatch, survey_radii
from app.pipeline.error_models import SurveyErrors, survey_errors
from app.pipeline.ingest import ingest_folder
from app.pipeline.mock import write_sky
from app.science.uncertainty.scaling import Source
from app.storage.engine import Database
from tests.support.universe import APOGEE_ERROR, WEAK_NOISE, fill


def by_name(found: list[SurveyErrors]) -> dict[tuple[str, str], SurveyErrors]:
    return {(one.survey, one.parameter): one for one in found}


def test_the_simulated_sky_gives_its_errors_away(database: Database, tmp_path: Path) -> None:
    write_sky(tmp_path, stars=15_000, seed=3)
    ingest_folder(database, tmp_path)
    crossmatch(database, survey_radii(database))
    found = by_name(survey_errors(database))
    assert len(found) == 24
    for parameter, factor in (("teff", 2.6), ("logg", 2.0), ("feh", 2.0)):
        one = found["lamost_lrs", parameter]
        assert one.repeats is not None
        assert one.repeats.stars > 1000
        # Of t-distributed errors, differences scatter by 7 % more.
        assert abs(one.repeats.k - 1.06 * factor) < 0.06 * factor + 3 * one.repeats.k_error
        assert one.stands.source in {Source.REPEATS, Source.BOTH}
        assert one.stands.sigma(one.quoted) > one.quoted * 0.85 * factor
    declared = found["lamost_lrs", "teff"].declared
    assert (declared.k, declared.floor) == (1.41, 90.0)
    for parameter, truth in (("teff", (90, 258)), ("logg", (0.13, 0.26)), ("feh", (0.08, 0.16))):
        one = found["gaia_gspspec", parameter]
        assert one.repeats is None
        assert one.hat is not None
        assert truth[0] < one.hat.sigma < truth[1]
        assert "gaia_gspspec" not in one.hat.others


def test_a_survey_of_its_own_says_the_same(database: Database) -> None:
    fill(database, stars=100)
    everything = by_name(survey_errors(database))
    alone = survey_errors(database, "rave_dr6")
    assert {one.survey for one in alone} == {"rave_dr6"}
    assert [one.as_mapping() for one in alone] == [everything["rave_dr6", one.parameter].as_mapping() for one in alone]
    for one, noise in zip(alone, WEAK_NOISE, strict=True):
        assert one.hat is not None
        assert one.hat.stars == 30
        assert set(one.hat.others) == {"apogee_dr17", "lamost_lrs"}
        assert abs(one.hat.variance - noise**2) < 4 * one.hat.variance_error  # of 30 stars
        assert one.stands.source is Source.DECLARED  # 30 stars are too few to overrule a descriptor
    apogee = everything["apogee_dr17", "teff"]
    assert apogee.hat is not None
    assert abs(apogee.hat.variance - APOGEE_ERROR[0] ** 2) < 3 * apogee.hat.variance_error


def test_an_unknown_survey_is_refused(database: Database) -> None:
    with pytest.raises(UnknownSurveyError, match="nobody"):
        survey_errors(database, "nobody")
