"""The table [gate] of a plan: all keys optional, unknown ones refused, and kept through the plan's mapping."""

import pytest

from app.domain.errors import PlanError
from app.domain.gates import Gate
from app.domain.quantities import Parameter
from app.pipeline.plans import default_plan
from app.science.calibration.plan import parse_plan, plan_mapping


def plan_with(gate):
    return parse_plan(plan_mapping(default_plan()) | {"gate": gate}, file="mine.toml")


def test_the_default_plan_sets_no_gate():
    assert default_plan().gate is None
    assert "gate" not in plan_mapping(default_plan())


@pytest.mark.parametrize(
    ("table", "gate"),
    [
        ({}, Gate()),
        (
            {"max_offset_sigma": 5, "max_median": {"teff": 10, "feh": 0.02}, "fewest_stars": 50},
            Gate(max_offset_sigma=5.0, max_median={Parameter.TEFF: 10.0, Parameter.FEH: 0.02}, fewest_stars=50),
        ),
        ({"coverage": [0.6, 0.76], "max_pull_width": 1.2}, Gate(coverage=(0.6, 0.76), max_pull_width=1.2)),
    ],
)
def test_a_gate_is_read_and_survives_the_plans_mapping(table, gate):
    plan = plan_with(table)
    assert plan.gate == gate
    assert parse_plan(plan_mapping(plan), file="again") == plan


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"max_ofset": 1}, "gate.max_ofset: unknown key"),
        ({"max_median": {"mass": 1}}, "gate.max_median.mass: unknown key"),
        ({"max_median": 3}, "gate.max_median: must be a table"),
        ({"max_median": {"teff": -1}}, "gate.max_median.teff: must be a number of at least 0"),
        ({"max_offset_sigma": "5"}, "gate.max_offset_sigma: must be a number"),
        ({"coverage": [0.8, 0.6]}, "gate.coverage: must be two shares"),
        ({"coverage": 0.68}, "gate.coverage: must be two shares"),
        ({"coverage": [True, 1]}, "gate.coverage: must be two shares"),
        ({"fewest_stars": 0}, "gate.fewest_stars: must be a number of at least 1"),
        ([], "gate: must be a table"),
    ],
)
def test_what_is_wrong_is_named(table, message):
    with pytest.raises(PlanError, match=message):
        plan_with(table)
