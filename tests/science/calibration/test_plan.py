"""A plan is read whole or refused with the key that is wrong."""

import copy
from dataclasses import replace

import pytest

from app.domain.errors import PlanError
from app.domain.quantities import Parameter
from app.pipeline.plans import default_plan, load_plan
from app.science.calibration.plan import parse_plan, plan_mapping


def changed(**changes):
    data = copy.deepcopy(plan_mapping(default_plan()))
    for key, value in changes.items():
        table = data
        *path, last = key.split("__")
        for part in path:
            table = table[part]
        table[last] = value
    return data


def test_the_default_plan_is_the_method():
    plan = default_plan()
    assert plan.reference[Parameter.TEFF] == ("apogee_dr17",)
    assert plan.reference[Parameter.LOGG][:2] == ("apogee_dr17", "galah_dr3")
    assert plan.members == "aligned"
    assert plan.identity("galah_dr3") == (False, False, False)
    assert replace(plan, members="as reported").identity("galah_dr3") == (False, True, True)
    assert plan.identity("apogee_dr17") == (True, True, True)
    assert plan.fit.direction == "forward"
    assert plan.stage_of("lamost_lrs") == "bridge"
    assert plan.stage_of("apogee_dr17") == "reference"


def test_a_plan_that_says_nothing_of_far_measurements_combines_as_versions_before_it_did():
    data = plan_mapping(default_plan())
    assert data["combination"] == {"linear_beyond": 2.0}
    del data["combination"]
    assert parse_plan(data, file="kept").linear_beyond == 0.0


def test_a_plan_survives_its_mapping():
    assert parse_plan(plan_mapping(default_plan()), file="again") == default_plan()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sed": 3}, "sed: unknown key"),
        ({"seed": "x"}, "seed: must be given as int"),
        ({"fit__direction": "sideways"}, "fit.direction: must be one of forward, direct"),
        ({"fit__fewest": 1}, "fit.fewest: must be a number of at least 3"),
        ({"fit__depth": 3}, "fit.depth: unknown key"),
        ({"features": ["colour"]}, "features: unknown 'colour'"),
        ({"reference__teff": []}, "reference.teff: must be a list of names"),
        ({"reference__teff": ["galah_dr3"], "reference__logg": ["apogee_dr17"]}, "reference: one survey must define"),
        ({"stages": [{"name": "bridge", "surveys": ["lamost_lrs"]}]}, "stages: galah_dr3 is reference in part only"),
        ({"reference__members": "voted"}, "reference.members: must be one of aligned, as reported"),
        ({"domain__outside": "hope"}, "domain.outside: must be one of widen, refuse"),
        ({"domain": None}, "domain: this table is missing"),
        ({"combination__linear_beyond": 0.5}, "combination.linear_beyond: must be 0 \\(never\\) or at least 1"),
        ({"combination__linear_beyond": "far"}, "combination.linear_beyond: must be a number of at least 0"),
        ({"combination__reject": 4.0}, "combination.reject: unknown key"),
        ({"stages": [{"name": "a", "surveys": ["x"]}, {"name": "b", "surveys": ["x"]}]}, "x is aligned twice"),
        ({"stages": [{"name": "a", "surveys": ["apogee_dr17"]}]}, "apogee_dr17 defines all three parameters"),
        ({"stages": []}, "galah_dr3 is reference in part only"),
        ({"stages": [{"nam": "a"}]}, "stages\\[0\\].nam: unknown key"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(PlanError, match=message):
        parse_plan(changed(**changes), file="mine.toml")


def test_a_file_that_is_no_plan_is_named(tmp_path):
    path = tmp_path / "bad plan.toml"
    path.write_text("name = [")
    with pytest.raises(PlanError, match=r"bad plan.toml: file: is not TOML"):
        load_plan(path)
    with pytest.raises(PlanError, match="cannot be read"):
        load_plan(tmp_path / "none.toml")
