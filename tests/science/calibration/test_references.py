"""Another reference is the same plan with other surveys in command, and still a plan."""

import pytest

from app.domain.quantities import PARAMETERS
from app.pipeline.plans import default_plan
from app.science.calibration.plan import parse_plan, plan_mapping
from app.science.calibration.references import with_reference


@pytest.mark.parametrize("surveys", [["galah_dr3"], ["galah_dr4", "galah_dr3"], ["lamost_lrs"], ["a_new_survey"]])
def test_the_named_surveys_define_everything_and_nobody_is_lost(surveys):
    before = default_plan()
    after = with_reference(before, surveys)
    assert parse_plan(plan_mapping(after), file="again") == after
    assert all(after.reference[parameter] == tuple(surveys) for parameter in PARAMETERS)
    assert all(after.identity(survey) == (True, True, True) for survey in surveys)
    aligned = [name for stage in after.stages for name in stage.surveys]
    everyone = {name for stage in before.stages for name in stage.surveys} | set(before.reference_surveys)
    assert sorted(aligned) == sorted(everyone - set(surveys))
    assert "apogee_dr17" in after.stages[0].surveys
    assert after.name == f"default, reference {' + '.join(surveys)}"


def test_what_is_not_the_reference_stays():
    before, after = default_plan(), with_reference(default_plan(), ["galah_dr3", "galah_dr3"])
    assert after.reference_surveys == ("galah_dr3",)
    assert (after.seed, after.fit, after.features) == (before.seed, before.fit, before.features)
    assert [stage.name for stage in after.stages] == [stage.name for stage in before.stages]


def test_an_empty_stage_goes_and_a_missing_one_is_made():
    before = default_plan()
    alone = with_reference(before, [name for stage in before.stages for name in stage.surveys])
    assert [stage.surveys for stage in alone.stages] == [("apogee_dr17",)]
    assert parse_plan(plan_mapping(alone), file="again") == alone
