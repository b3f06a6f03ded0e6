"""What can be asked for: each request is checked against the data first, and becomes one job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from app.domain.errors import ConflictError
from app.domain.jobs import JobKind, JobRequest, NewStep
from app.pipeline import course
from app.pipeline.plan_check import check_plan
from app.pipeline.plans import default_plan, merged
from app.pipeline.publish import gate_objections
from app.pipeline.queued import queue_version
from app.science.calibration.plan import Plan, parse_plan, plan_mapping
from app.storage import frames, jobs, versions
from app.storage.engine import Database
from app.surveys import loader

CATALOGUE, PUBLICATION = "catalogue", "publication"


@dataclass(frozen=True)
class Calibration:
    """A calibration that is asked for.

    Attributes:
        plan: the plan.
        publish: publish the version when it is complete and keeps the gate of its plan.
        reuse: take models over from an earlier version where they were made of exactly the same.
        like: version that is made again.
        strict: insist that every survey of the plan has enough links; else it is left out, and the version says so.
    """

    plan: Plan
    publish: bool = False
    reuse: bool = True
    like: int | None = None
    strict: bool = False


class Requests:
    """Asks for jobs.

    Args:
        database: where jobs are kept.
        descriptors: folder of the user's own survey descriptors.
    """

    def __init__(self, database: Database, descriptors: Path | None = None) -> None:
        self._database = database
        self._descriptors = descriptors

    def plan(self, overrides: Mapping[str, Any] | None) -> Plan:
        """Return the default plan with some keys changed.

        Raises:
            PlanError: names the key that is wrong.
        """
        return default_plan() if not overrides else parse_plan(merged(overrides), file="plan")

    def calibrate(self, wanted: Calibration, *, requested_by: str | None = None) -> int:
        """Ask for a new version; return the number of the job.

        Raises:
            PlanError: the plan cannot be carried out; names the key that is wrong.
            ConflictError: nothing has been cross-matched.
            AlreadyRunningError: the same calibration is not done.
        """
        mapping = plan_mapping(wanted.plan)
        digest = hashlib.sha256(orjson.dumps(mapping, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        arguments: dict[str, Any] = {"plan": wanted.plan.name, "publish": wanted.publish, "reuse": wanted.reuse}
        if wanted.like is not None:
            arguments["like"] = wanted.like
        with self._database.begin() as connection:
            self._check(connection, wanted)
            version_id = queue_version(connection, wanted.plan)
            request = JobRequest(
                JobKind.CALIBRATE,
                arguments,
                key=f"calibrate {digest} {wanted.publish} {wanted.reuse}",
                steps=(course.calibration(reuse=wanted.reuse, publish=wanted.publish),),
                holds=(CATALOGUE,),
                requested_by=requested_by,
                version_id=version_id,
            )
            return jobs.request(connection, request)

    def again(self, version_id: int, *, publish: bool = False) -> Calibration:
        """Return the calibration that makes a version again, from nothing but its plan and seed.

        Raises:
            UnknownVersionError: there is no such version.
        """
        with self._database.connect() as connection:
            plan = parse_plan(versions.get(connection, version_id).plan, file=f"version {version_id}")
        return Calibration(plan, publish=publish, reuse=False, like=version_id)

    def ingest(
        self, path: Path, survey: str, *, replace: bool = False, uploaded: bool = False, requested_by: str | None = None
    ) -> int:
        """Ask for a file to be taken into a survey; return the number of the job.

        Raises:
            UnknownSurveyError: no descriptor has this name.
            AlreadyRunningError: the same file is being taken in.
        """
        loader.by_name(survey, loader.known(self._descriptors))
        return self._one_step(
            JobKind.INGEST,
            {"survey": survey, "file": path.name, "replace": replace},
            course.ingestion(str(path), survey, replace=replace, uploaded=uploaded),
            key=f"ingest {survey} {path}",
            holds=(f"survey {survey}",),
            shares=(CATALOGUE,),
            requested_by=requested_by,
        )

    def crossmatch(self, *, full: bool = False, requested_by: str | None = None) -> int:
        """Ask for all measurements to be matched to stars; return the number of the job."""
        step = course.crossmatch(full=full)
        return self._one_step(
            JobKind.CROSSMATCH, {"full": full}, step, key="crossmatch", holds=(CATALOGUE,), requested_by=requested_by
        )

    def validate(self, version_id: int, *, requested_by: str | None = None) -> int:
        """Ask for a version to be judged again; return the number of the job.

        Raises:
            UnknownVersionError: there is no such version.
            ConflictError: it is not complete.
        """
        self._insist_on_readable(version_id)
        return self._one_step(
            JobKind.VALIDATE,
            {"version": version_id},
            course.validation(publish=False),
            key=f"validate {version_id}",
            holds=(f"version {version_id}",),
            shares=(CATALOGUE,),
            requested_by=requested_by,
            version_id=version_id,
        )

    def publish(self, version_id: int, *, force: bool = False, requested_by: str | None = None) -> int:
        """Ask for a version to be published; return the number of the job.

        Raises:
            UnknownVersionError: there is no such version.
            ConflictError: it is not complete, or fails its gate and is not forced.
        """
        with self._database.connect() as connection:
            objections = gate_objections(versions.get(connection, version_id))
        if objections and not force:
            raise ConflictError(f"version {version_id} fails the gate of its plan: {'; '.join(objections)}")
        return self._serve(version_id, "publish", force=force, requested_by=requested_by)

    def rollback(self, version_id: int, *, requested_by: str | None = None) -> int:
        """Ask for an earlier version to be served again; return the number of the job; raises as `publish`."""
        return self._serve(version_id, "rollback", force=False, requested_by=requested_by)

    def cleanup(self, *, requested_by: str | None = None) -> int:
        """Ask for the removal of what retention does not keep; return the number of the job."""
        return self._one_step(
            JobKind.CLEANUP, {}, course.cleanup(), key="cleanup", holds=(PUBLICATION,), requested_by=requested_by
        )

    def _serve(self, version_id: int, action: str, *, force: bool, requested_by: str | None) -> int:
        self._insist_on_readable(version_id)
        return self._one_step(
            JobKind.PUBLISH,
            {"version": version_id, "action": action, "force": force},
            course.publication(force=force, action=action),
            key=f"{action} {version_id} {force}",
            holds=(PUBLICATION,),
            requested_by=requested_by,
            version_id=version_id,
        )

    def _insist_on_readable(self, version_id: int) -> None:
        with self._database.connect() as connection:
            version = versions.get(connection, version_id)
        if not version.state.readable:
            raise ConflictError(f"version {version_id} is {version.state}: only a complete version will do")

    def _one_step(self, kind: JobKind, arguments: dict[str, Any], step: NewStep, *, key: str, **others: Any) -> int:
        with self._database.begin() as connection:
            return jobs.request(connection, JobRequest(kind, arguments, key, (step,), **others))

    def _check(self, connection: Connection, wanted: Calibration) -> None:
        present = frames.surveys_with_measurements(connection)
        anchors = [name for name in wanted.plan.reference_surveys if all(wanted.plan.identity(name))]
        if not wanted.strict and not any(name in present for name in anchors):
            raise ConflictError(f"the reference survey {' or '.join(anchors)} has no measurements: ingest it first")
        if not frames.count_matches(connection):
            raise ConflictError("no star has been matched: run `sos crossmatch` first")
        if wanted.strict:
            known = {one.name for one in loader.known(self._descriptors)}
            check_plan(connection, wanted.plan, known=known)


def insist_on_free(database: Database, *, holds: tuple[str, ...] = (), shares: tuple[str, ...] = ()) -> None:
    """Insist that no job that is not done uses what a command in the foreground is about to use.

    Raises:
        ConflictError: names the job.
    """
    with database.connect() as connection:
        job = jobs.in_the_way(connection, holds=holds, shares=shares)
    if job is not None:
        raise ConflictError(
            f"job {job.job_id} ({job.kind}) is {job.state}: wait for it (`sos jobs follow {job.job_id}`) "
            f"or cancel it (`sos jobs cancel {job.job_id}`)"
        )
