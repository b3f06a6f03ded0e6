"""A calibration in steps that different workers may do: what each finds in the database, and what it leaves there.

The models of surveys that are done are in the version; samples and fits on their way are data of the job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.domain.versions import VersionState
from app.pipeline.calibrate import Conclusion, conclude, load_alignment, save_models
from app.pipeline.course import PARAMETERS, fit_name
from app.pipeline.models import load_models
from app.pipeline.software import method_versions
from app.science.arrays import Floats
from app.science.calibration.bias_model import IDENTITY
from app.science.calibration.fitting import FittedSurvey, ParameterFit, Sample, assemble, fit_parameter, sample_of
from app.science.calibration.handover import dump_fit, dump_sample, fit_key, load_fit, load_sample
from app.science.calibration.plan import Plan, parse_plan
from app.science.calibration.stages import Ascent
from app.storage import frames, jobs, versions
from app.storage.engine import Database


@dataclass
class Reached:
    """How far a calibration has come: models to be saved, and what is to be fitted next, if anything.

    Attributes:
        version_id: the version.
        job_id: the job that makes it.
        plan: its plan.
        ascent: the scale with everything that is fitted.
        stage: that comes next.
        pending: its surveys that have to be fitted, and in which parameters; none when all is done.
        remarks: for the job's log.
    """

    version_id: int
    job_id: int
    plan: Plan
    ascent: Ascent
    refused: dict[str, str]
    stage: str = ""
    pending: list[tuple[str, list[int]]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    samples: dict[str, bytes] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    fitted: dict[str, tuple[FittedSurvey, str]] = field(default_factory=dict)
    conclusion: Conclusion | None = None

    def save(self, connection: Connection) -> None:
        """Keep new models, and samples for the fits that follow; at the end, the models that need no fits."""
        check_data(connection, self.version_id)
        for name, (fitted, key) in self.fitted.items():
            save_models(connection, self.version_id, self.plan, name, fitted, key)
        for name, sample in self.samples.items():
            jobs.put_data(connection, self.job_id, f"sample:{name}", sample)
            jobs.put_data(connection, self.job_id, f"key:{name}", self.keys[name].encode())
        versions.set_metrics(connection, self.version_id, {"refused": self.refused})
        if self.conclusion is not None:
            self.conclusion.save(connection, self.version_id, self.plan)


def begin(connection: Connection, version_id: int) -> None:
    """Mark a queued version as running, on the data as they are now, while its job is held.

    Raises:
        ConflictError: the data have changed since the version began.
    """
    if versions.get(connection, version_id).state is VersionState.QUEUED:
        versions.restart_inputs(connection, version_id, frames.data_snapshot(connection))
        versions.start(connection, version_id, data_state=frames.data_state(connection))
    else:
        check_data(connection, version_id)


def check_data(connection: Connection, version_id: int) -> None:
    """Insist that measurements and stars are those that the version began with.

    Raises:
        ConflictError: they are not.
    """
    if versions.get(connection, version_id).data_state != frames.data_state(connection):
        raise ConflictError(
            f"files were taken in or stars were matched while version {version_id} was being made: start it again"
        )


def align(database: Database, job_id: int, version_id: int, fits: Sequence[str], *, reuse: bool) -> Reached:
    """Assemble the surveys whose fits are there, put all models on the scale, and find what is to be fitted next.

    Args:
        database: where everything is.
        job_id: the job that makes the version.
        version_id: the version.
        fits: surveys whose parameters have been fitted.
        reuse: take models over from another version where they were made of exactly the same.
    """
    with database.connect() as connection:
        version = versions.get(connection, version_id)
        numbers = frames.surveys_with_measurements(connection)
        by_number = {number: name for name, number in numbers.items()}
        models = {by_number[number]: model for number, model in load_models(connection, version_id).items()}
    plan = parse_plan(version.plan, file=f"version {version_id}")
    alignment = load_alignment(database, plan)
    reached = Reached(version_id, job_id, plan, Ascent(alignment, models), dict(version.metrics.get("refused", {})))
    for name in fits:
        fitted, key = _assembled(database, job_id, plan, name, alignment.own_errors[name])
        reached.fitted[name] = (fitted, key)
        models[name] = fitted.model
    _climb(database, reached, numbers, reuse=reuse)
    return reached


def fit_one(database: Database, job_id: int, version_id: int, survey: str, parameter: int) -> bytes:
    """Return the fit of a survey in one parameter, from the sample that is there for it."""
    with database.connect() as connection:
        plan = parse_plan(versions.get(connection, version_id).plan, file=f"version {version_id}")
        sample = load_sample(jobs.get_data(connection, job_id, f"sample:{survey}"))
    return dump_fit(fit_parameter(sample, parameter, plan.fit, identity=plan.identity(survey)[parameter]))


def _climb(database: Database, reached: Reached, numbers: dict[str, int], *, reuse: bool) -> None:
    ascent = reached.ascent
    software = method_versions()
    for stage, names in ascent.stages():
        for name in names:
            if name in ascent.models or name in reached.refused:
                continue
            links, own = ascent.alignment.links(name), ascent.alignment.own_errors[name]
            identity = reached.plan.identity(name)
            key = fit_key(links, identity, reached.plan.fit, own, software)
            if reuse and _taken_over(database, reached, name, numbers[name], key):
                continue
            try:
                sample = sample_of(links, identity, reached.plan.fit)
            except ValueError as problem:
                reached.refused[name] = str(problem)
                reached.remarks.append(f"{name} is not calibrated: {problem}")
                continue
            reached.samples[name], reached.keys[name] = dump_sample(sample), key
            reached.pending.append((name, [p for p in PARAMETERS if not identity[p]]))
            reached.remarks.append(f"{name}: {sample.counts['stars']} stars in common with the scale")
        if reached.pending:
            reached.stage = stage
            return
    reached.conclusion = conclude(ascent, reached.refused)


def _taken_over(database: Database, reached: Reached, name: str, number: int, key: str) -> bool:
    """Take the models of a survey over where another version has made them of the same; a model is a fact by itself."""
    with database.begin() as connection:
        stage = reached.plan.stage_of(name) or ""
        found = versions.take_over_models(connection, reached.version_id, number, fit_key=key, stage=stage)
        if found is None:
            return False
        model = load_models(connection, reached.version_id)[number]
    reached.ascent.models[name] = model
    reached.remarks.append(f"{name} keeps the models of version {found}: they were made of the same")
    return True


def _assembled(database: Database, job_id: int, plan: Plan, name: str, own_error: Floats) -> tuple[FittedSurvey, str]:
    with database.connect() as connection:
        sample = load_sample(jobs.get_data(connection, job_id, f"sample:{name}"))
        key = jobs.get_data(connection, job_id, f"key:{name}").decode()
        fits = [_fit(connection, job_id, plan, name, parameter, sample) for parameter in PARAMETERS]
    return assemble(sample, fits, plan.fit, own_error=own_error), key


def _fit(connection: Connection, job_id: int, plan: Plan, name: str, parameter: int, sample: Sample) -> ParameterFit:
    if plan.identity(name)[parameter]:
        return ParameterFit(IDENTITY, {})
    return load_fit(jobs.get_data(connection, job_id, fit_name(name, parameter)), sample.space)
