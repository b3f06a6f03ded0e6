"""The calibration plan: which survey plays which part, and how models are fitted. Data (TOML), not code."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from app.domain.errors import PlanError
from app.domain.gates import Gate
from app.domain.quantities import PARAMETERS, Parameter
from app.science.calibration.plan_reader import PlanReader
from app.science.calibration.settings import FitSettings

DIRECTIONS = ("forward", "direct")
OUTSIDE = ("widen", "refuse")
MEMBERS = ("aligned", "as reported")
FEATURES = ("snr", "magnitude")
CUTS = ("snr", *(str(parameter) for parameter in PARAMETERS))
NO_ANCHOR = "one survey must define all three parameters, or the reference goes in a circle and no scale can be started"
Cuts = dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Stage:
    """Surveys that are aligned, one independently of the other, with the scale that the stages before have built."""

    name: str
    surveys: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A calibration plan.

    Attributes:
        name: what the plan is called.
        seed: of everything random.
        reference: per parameter the surveys whose values define the scale.
        members: `aligned` puts every member but the first of a parameter on the first one's scale before they are
            combined; `as reported` takes all members as they are, and the scale then depends on who saw a star.
        stages: what is aligned after the reference, in order.
        features: which of `snr` and `magnitude` models may use beside Teff, log g and [Fe/H].
        outside_domain: `widen` the interval of a value outside its model's domain, or `refuse` to combine it.
        widen_factor: by how much an interval is widened there.
        fit: model settings.
        gate: limits that the validation report must keep, None for none.
        cuts: by survey, lowest and highest S/N and reported Teff, log g, [Fe/H] of measurements that are used, beyond
            the cuts of the survey's descriptor.
        linear_beyond: how many errors from a star's value a measurement pulls no harder than there, 0 for never.
    """

    name: str
    seed: int
    reference: dict[Parameter, tuple[str, ...]]
    members: str
    stages: tuple[Stage, ...]
    features: tuple[str, ...]
    outside_domain: str
    widen_factor: float
    fit: FitSettings
    gate: Gate | None = None
    linear_beyond: float = 0.0
    cuts: dict[str, Cuts] = field(default_factory=dict)

    def cuts_of(self, survey: str) -> Cuts:
        """Return the plan's cuts of a survey, by quantity."""
        return self.cuts.get(survey, {})

    @property
    def reference_surveys(self) -> tuple[str, ...]:
        """Every survey that defines the scale in some parameter, in order of first mention."""
        return tuple(dict.fromkeys(survey for parameter in PARAMETERS for survey in self.reference[parameter]))

    def identity(self, survey: str) -> tuple[bool, ...]:
        """Return for Teff, log g, [Fe/H] whether the survey's values are the reference as they are."""
        heads = slice(1) if self.members == "aligned" else slice(None)
        return tuple(survey in self.reference[parameter][heads] for parameter in PARAMETERS)

    def stage_of(self, survey: str) -> str | None:
        """Return the stage in which a survey is aligned, `reference` for one that needs none, None if unplanned."""
        if all(self.identity(survey)):
            return "reference"
        return next((stage.name for stage in self.stages if survey in stage.surveys), None)


def parse_plan(data: dict[str, Any], *, file: str, known: Collection[str] | None = None) -> Plan:
    """Return the plan that the mapping (of a TOML file or a request) describes.

    Args:
        data: the mapping.
        file: what errors call it.
        known: names of all surveys that there are; None to take any name.

    Raises:
        PlanError: an unknown key, a wrong type, a survey that is unknown, aligned twice or defines nothing.
    """
    reader = PlanReader(data, file)
    keys = {"name", "seed", "reference", "stages", "features", "domain", "combination", "fit", "gate", "cuts"}
    reader.only("", data, keys)
    reference = _reference(reader)
    plan = Plan(
        name=reader.value(data, "name", str),
        seed=reader.value(data, "seed", int),
        reference=reference,
        members=_members(reader),
        stages=_stages(reader),
        features=tuple(reader.choices(data, "features", FEATURES)),
        outside_domain=reader.choice(reader.table("domain"), "domain.outside", OUTSIDE),
        widen_factor=reader.number(reader.table("domain"), "domain.widen_factor", at_least=1.0),
        fit=_fit(reader),
        gate=_gate(reader),
        cuts=_cuts(reader),
        linear_beyond=_linear_beyond(reader),
    )
    if known is not None:
        _check_names(plan, known, file)
    _check_parts(plan, file)
    return plan


def plan_mapping(plan: Plan) -> dict[str, Any]:
    """Return the mapping that `parse_plan` turns back into an equal plan."""
    fit = {key: value for key, value in dataclasses.asdict(plan.fit).items() if key not in {"seed", "boost"}}
    gate = {} if plan.gate is None else {"gate": plan.gate.as_mapping()}
    cuts = {survey: _limits(limits) for survey, limits in plan.cuts.items()}
    return (
        gate
        | ({"cuts": cuts} if cuts else {})
        | {
            "name": plan.name,
            "seed": plan.seed,
            "reference": {str(parameter): list(surveys) for parameter, surveys in plan.reference.items()}
            | {"members": plan.members},
            "stages": [{"name": stage.name, "surveys": list(stage.surveys)} for stage in plan.stages],
            "features": list(plan.features),
            "domain": {"outside": plan.outside_domain, "widen_factor": plan.widen_factor},
            "combination": {"linear_beyond": plan.linear_beyond},
            "fit": fit,
        }
    )


def _reference(reader: PlanReader) -> dict[Parameter, tuple[str, ...]]:
    table = reader.table("reference")
    reader.only("reference", table, {"members", *(str(parameter) for parameter in PARAMETERS)})
    return {parameter: tuple(reader.names(table, f"reference.{parameter}")) for parameter in PARAMETERS}


def _members(reader: PlanReader) -> str:
    table = reader.table("reference")
    return reader.choice(table, "reference.members", MEMBERS) if "members" in table else "as reported"


def _stages(reader: PlanReader) -> tuple[Stage, ...]:
    stages = reader.data.get("stages", [])
    if not isinstance(stages, list):
        raise reader.error("stages", "must be a list of tables [[stages]] with name and surveys")
    result = []
    for number, stage in enumerate(stages):
        key = f"stages[{number}]"
        reader.only(key, stage, {"name", "surveys"})
        result.append(Stage(reader.value(stage, f"{key}.name", str), tuple(reader.names(stage, f"{key}.surveys"))))
    return tuple(result)


def _linear_beyond(reader: PlanReader) -> float:
    table = reader.data.get("combination", {})
    reader.only("combination", table, {"linear_beyond"})
    if "linear_beyond" not in table:
        return 0.0
    found = reader.number(table, "combination.linear_beyond", at_least=0.0)
    if 0.0 < found < 1.0:
        raise reader.error("combination.linear_beyond", f"must be 0 (never) or at least 1, got {found:g}")
    return found


def _fit(reader: PlanReader) -> FitSettings:
    table = reader.table("fit")
    reader.only("fit", table, {"direction", "pooled", "few", "fewest", "shrinkage", "network_below", "draws"})
    standard = FitSettings()
    draws = int(reader.number(table, "fit.draws", at_least=0)) if "draws" in table else standard.draws
    if draws & (draws - 1) or draws == 1:
        raise reader.error("fit.draws", f"must be 0 or a power of two of at least 2, got {draws}")
    below = reader.number(table, "fit.network_below", at_least=0) if "network_below" in table else None
    return FitSettings(
        direction=reader.choice(table, "fit.direction", DIRECTIONS),
        pooled=int(reader.number(table, "fit.pooled", at_least=0)),
        few=int(reader.number(table, "fit.few", at_least=24)),
        fewest=int(reader.number(table, "fit.fewest", at_least=3)),
        shrinkage=reader.number(table, "fit.shrinkage", at_least=0.0),
        network_below=standard.network_below if below is None else int(below),
        draws=draws,
        seed=reader.value(reader.data, "seed", int),
    )


def _cuts(reader: PlanReader) -> dict[str, Cuts]:
    surveys = reader.data.get("cuts", {})
    if not isinstance(surveys, dict):
        raise reader.error("cuts", "must be tables [cuts.SURVEY] with limits such as snr_min")
    return {survey: _cuts_of(reader, f"cuts.{survey}", limits) for survey, limits in surveys.items()}


def _cuts_of(reader: PlanReader, key: str, limits: Any) -> Cuts:
    reader.only(key, limits, {f"{name}_{end}" for name in CUTS for end in ("min", "max")})
    found: Cuts = {}
    for name in CUTS:
        ends = [
            reader.number(limits, f"{key}.{name}_{end}", at_least=-math.inf) if f"{name}_{end}" in limits else without
            for end, without in (("min", -math.inf), ("max", math.inf))
        ]
        if ends[0] > ends[1]:
            raise reader.error(f"{key}.{name}_min", f"is above {name}_max: no measurement can be within")
        if ends != [-math.inf, math.inf]:
            found[name] = (ends[0], ends[1])
    return found


def _limits(cuts: Cuts) -> dict[str, float]:
    ends = {
        f"{name}_{end}": limit for name, pair in cuts.items() for end, limit in zip(("min", "max"), pair, strict=True)
    }
    return {key: limit for key, limit in ends.items() if math.isfinite(limit)}


def _gate(reader: PlanReader) -> Gate | None:
    table = reader.data.get("gate")
    if table is None:
        return None
    reader.only("gate", table, {"max_offset_sigma", "max_median", "coverage", "max_pull_width", "fewest_stars"})
    medians = table.get("max_median")
    if medians is not None:
        reader.only("gate.max_median", medians, {str(parameter) for parameter in PARAMETERS})
        medians = {Parameter(key): reader.number(medians, f"gate.max_median.{key}", at_least=0.0) for key in medians}
    return Gate(
        max_offset_sigma=_optional(reader, table, "max_offset_sigma"),
        max_median=medians,
        coverage=_range(reader, table) if "coverage" in table else None,
        max_pull_width=_optional(reader, table, "max_pull_width"),
        fewest_stars=int(reader.number(table, "gate.fewest_stars", at_least=1)) if "fewest_stars" in table else 100,
    )


def _optional(reader: PlanReader, table: dict[str, Any], key: str) -> float | None:
    return reader.number(table, f"gate.{key}", at_least=0.0) if key in table else None


def _range(reader: PlanReader, table: dict[str, Any]) -> tuple[float, float]:
    found = table["coverage"]
    numbers = isinstance(found, list) and len(found) == 2 and all(type(part) in {int, float} for part in found)
    if not numbers or not 0 <= found[0] <= found[1] <= 1:
        raise reader.error("gate.coverage", f"must be two shares [least, most] between 0 and 1, got {found!r}")
    return float(found[0]), float(found[1])


def _check_names(plan: Plan, known: Collection[str], file: str) -> None:
    named = [(f"reference.{parameter}", name) for parameter, names in plan.reference.items() for name in names]
    named += [(f"stages[{k}].surveys", name) for k, stage in enumerate(plan.stages) for name in stage.surveys]
    for key, survey in [*named, *((f"cuts.{name}", name) for name in plan.cuts)]:
        if survey not in known:
            raise PlanError(file, key, f"there is no survey {survey!r}; there are {', '.join(sorted(known))}")


def _check_parts(plan: Plan, file: str) -> None:
    if not any(all(plan.identity(survey)) for survey in plan.reference_surveys):
        raise PlanError(file, "reference", f"{NO_ANCHOR}: {_circle(plan)}")
    planned = [survey for stage in plan.stages for survey in stage.surveys]
    for survey in planned:
        if planned.count(survey) > 1:
            raise PlanError(file, "stages", f"{survey} is aligned twice; a survey belongs to one stage")
        if all(plan.identity(survey)):
            raise PlanError(file, "stages", f"{survey} defines all three parameters and cannot be aligned")
    for survey in plan.reference_surveys:
        if not all(plan.identity(survey)) and survey not in planned:
            missing = [str(p) for p, fixed in zip(PARAMETERS, plan.identity(survey), strict=True) if not fixed]
            raise PlanError(file, "stages", f"{survey} is reference in part only: name it in a stage for {missing}")
    for survey in plan.cuts:
        if survey not in {*planned, *plan.reference_surveys}:
            raise PlanError(file, f"cuts.{survey}", f"{survey} has no part in this plan")


def _circle(plan: Plan) -> str:
    """Say what each reference survey would need another one for."""
    needs = []
    for survey in plan.reference_surveys:
        lacking = [str(p) for p, own in zip(PARAMETERS, plan.identity(survey), strict=True) if not own]
        needs.append(f"{survey} would first have to be aligned in {', '.join(lacking)} with another of them")
    return "; ".join(needs)
