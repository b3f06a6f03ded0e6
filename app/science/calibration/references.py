"""Another choice of reference: the same plan with other surveys defining the scale, to see what hangs on the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.domain.quantities import PARAMETERS
from app.science.calibration.plan import Plan, Stage

AS_REPORTED = "as reported"
FORMER = "former reference"


def with_reference(plan: Plan, surveys: Sequence[str]) -> Plan:
    """Return the plan in which these surveys define Teff, log g and [Fe/H] as they report them.

    They are aligned with nothing any more. Surveys that were part of the reference and are not named join the first
    stage, so that what they alone have seen still links the rest.

    >>> from app.science.calibration.settings import FitSettings
    >>> plan = Plan(name="p", seed=1, reference={p: ("a", "b") for p in PARAMETERS}, members="as reported",
    ...             stages=(Stage("first", ("c",)),), features=(), outside_domain="refuse", widen_factor=1.0,
    ...             fit=FitSettings())
    >>> [stage.surveys for stage in with_reference(plan, ["b"]).stages]
    [('c', 'a')]
    """
    chosen = tuple(dict.fromkeys(surveys))
    stages = [Stage(stage.name, tuple(name for name in stage.surveys if name not in chosen)) for stage in plan.stages]
    aligned = {name for stage in stages for name in stage.surveys}
    former = tuple(name for name in plan.reference_surveys if name not in chosen and name not in aligned)
    if former and stages:
        stages[0] = Stage(stages[0].name, stages[0].surveys + former)
    elif former:
        stages = [Stage(FORMER, former)]
    return replace(
        plan,
        name=f"{plan.name}, reference {' + '.join(chosen)}",
        reference=dict.fromkeys(PARAMETERS, chosen),
        members=AS_REPORTED,
        stages=tuple(stage for stage in stages if stage.surveys),
    )
