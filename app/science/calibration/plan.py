"""The calibration plan: which survey plays which part, and how models are fitted. Data (TOML), not code."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from app.domain.errors import PlanError
from app.domain.gates import Gate
from app.domain.quantities import PARAMETERS, Parameter
from app.science.calibration.settings import FitSettings

DIRECTIONS = ("forward", "direct")
OUTSIDE = ("widen", "refuse")
MEMBERS = ("aligned", "as reported")
FEATURES = ("snr", "magnitude")


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


def parse_plan(data: dict[str, Any], *, file: str) -> Plan:
    """Return the plan that the mapping (of a TOML file or a request) describes.

    Raises:
        PlanError: an unknown key, a wrong type, a survey that is aligned twice or defines nothing; names the key.
    """
    reader = _Reader(data, file)
    reader.only("", data, {"name", "seed", "reference", "stages", "features", "domain", "combination", "fit", "gate"})
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
        linear_beyond=_linear_beyond(reader),
    )
    _check_parts(plan, file)
    return plan


def plan_mapping(plan: Plan) -> dict[str, Any]:
    """Return the mapping that `parse_plan` turns back into an equal plan."""
    fit = {key: value for key, value in dataclasses.asdict(plan.fit).items() if key not in {"seed", "boost"}}
    gate = {} if plan.gate is None else {"gate": plan.gate.as_mapping()}
    return gate | {
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


def _reference(reader: _Reader) -> dict[Parameter, tuple[str, ...]]:
    table = reader.table("reference")
    reader.only("reference", table, {"members", *(str(parameter) for parameter in PARAMETERS)})
    return {parameter: tuple(reader.names(table, f"reference.{parameter}")) for parameter in PARAMETERS}


def _members(reader: _Reader) -> str:
    table = reader.table("reference")
    return reader.choice(table, "reference.members", MEMBERS) if "members" in table else "as reported"


def _stages(reader: _Reader) -> tuple[Stage, ...]:
    stages = reader.data.get("stages", [])
    if not isinstance(stages, list):
        raise reader.error("stages", "must be a list of tables [[stages]] with name and surveys")
    result = []
    for number, stage in enumerate(stages):
        key = f"stages[{number}]"
        reader.only(key, stage, {"name", "surveys"})
        result.append(Stage(reader.value(stage, f"{key}.name", str), tuple(reader.names(stage, f"{key}.surveys"))))
    return tuple(result)


def _linear_beyond(reader: _Reader) -> float:
    table = reader.data.get("combination", {})
    reader.only("combination", table, {"linear_beyond"})
    if "linear_beyond" not in table:
        return 0.0
    found = reader.number(table, "combination.linear_beyond", at_least=0.0)
    if 0.0 < found < 1.0:
        raise reader.error("combination.linear_beyond", f"must be 0 (never) or at least 1, got {found:g}")
    return found


def _fit(reader: _Reader) -> FitSettings:
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


def _gate(reader: _Reader) -> Gate | None:
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


def _optional(reader: _Reader, table: dict[str, Any], key: str) -> float | None:
    return reader.number(table, f"gate.{key}", at_least=0.0) if key in table else None


def _range(reader: _Reader, table: dict[str, Any]) -> tuple[float, float]:
    found = table["coverage"]
    numbers = isinstance(found, list) and len(found) == 2 and all(type(part) in {int, float} for part in found)
    if not numbers or not 0 <= found[0] <= found[1] <= 1:
        raise reader.error("gate.coverage", f"must be two shares [least, most] between 0 and 1, got {found!r}")
    return float(found[0]), float(found[1])


def _check_parts(plan: Plan, file: str) -> None:
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
    if not any(all(plan.identity(survey)) for survey in plan.reference_surveys):
        raise PlanError(file, "reference", "one survey must define all three parameters, or no scale can be started")


@dataclass(frozen=True)
class _Reader:
    """Typed access to the mapping; every complaint names file and key."""

    data: dict[str, Any]
    file: str

    def error(self, key: str, problem: str) -> PlanError:
        return PlanError(self.file, key, problem)

    def only(self, key: str, table: Any, known: set[str]) -> None:
        if not isinstance(table, dict):
            raise self.error(key, "must be a table")
        for name in table:
            if name not in known:
                raise self.error(f"{key}.{name}".lstrip("."), f"unknown key; known are {', '.join(sorted(known))}")

    def table(self, key: str) -> dict[str, Any]:
        found = self.data.get(key)
        if not isinstance(found, dict):
            raise self.error(key, "this table is missing")
        return found

    def value(self, table: dict[str, Any], key: str, kind: type) -> Any:
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if not isinstance(found, kind) or isinstance(found, bool):
            raise self.error(key, f"must be given as {kind.__name__}, got {found!r}")
        return found

    def number(self, table: dict[str, Any], key: str, *, at_least: float) -> float:
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if isinstance(found, bool) or not isinstance(found, int | float) or found < at_least:
            raise self.error(key, f"must be a number of at least {at_least:g}, got {found!r}")
        return float(found)

    def choice(self, table: dict[str, Any], key: str, known: tuple[str, ...]) -> str:
        found = self.value(table, key, str)
        if found not in known:
            raise self.error(key, f"must be one of {', '.join(known)}, got {found!r}")
        return str(found)

    def choices(self, table: dict[str, Any], key: str, known: tuple[str, ...]) -> list[str]:
        found = self.names(table, key, empty=True)
        for name in found:
            if name not in known:
                raise self.error(key, f"unknown {name!r}; known are {', '.join(known)}")
        return found

    def names(self, table: dict[str, Any], key: str, *, empty: bool = False) -> list[str]:
        found = table.get(key.rsplit(".", maxsplit=1)[-1])
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found) or not (found or empty):
            raise self.error(key, f"must be a list of names, got {found!r}")
        return found
