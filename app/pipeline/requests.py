"""What can be asked for: each request is checked against the data first, and becomes one job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from app.domain.clients import digest_of
from app.domain.errors import ConflictError, ParameterError, TooManyRequestsError
from app.domain.jobs import Job, JobKind, JobRequest, NewStep
from app.domain.quotas import USUAL_EXPORTS, Quota
from app.pipeline import course, uploads
from app.pipeline.ending import cancel_job
from app.pipeline.plan_check import check_plan
from app.pipeline.plans import default_plan, merged
from app.pipeline.publish import publish, rollback_in
from app.pipeline.queued import queue_version
from app.science.calibration.plan import Plan, parse_plan, plan_mapping
from app.storage import exports, frames, jobs, versions
from app.storage.engine import Database
from app.surveys import loader

MOST_EXPORTS = 50
"""Exports of all clients together that may wait."""
CATALOGUE, CLEANUP = "catalogue", "clean-up"


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
        incoming: folder whose files may be taken in by name; None for none.
        exports: how many exports a client may have.
    """

    def __init__(
        self,
        database: Database,
        descriptors: Path | None = None,
        incoming: Path | None = None,
        exports: Quota = USUAL_EXPORTS,
    ) -> None:
        self._database = database
        self._descriptors = descriptors
        self._incoming = incoming
        self._exports = exports

    def calibration(
        self, overrides: Mapping[str, Any], *, publish: bool = False, reuse: bool = True, like: int | None = None
    ) -> Calibration:
        """Return a calibration by the default plan with some keys changed, or like a version.

        Raises:
            PlanError: names the key that is wrong.
            ParameterError: both are asked for.
            UnknownVersionError: there is no version that it could be like.
        """
        if like is not None and overrides:
            raise ParameterError("plan", "goes without `like`, which takes the plan of the version")
        if like is not None:
            return self.again(like, publish=publish)
        plan = parse_plan(merged(overrides), file="plan", known=self.known_surveys()) if overrides else default_plan()
        return Calibration(plan, publish=publish, reuse=reuse, strict=bool(overrides))

    def known_surveys(self) -> set[str]:
        """Return the names of all surveys: ingested ones, and those that have a descriptor."""
        with self._database.connect() as connection:
            present = frames.surveys_with_measurements(connection)
        return {*present, *(one.name for one in loader.known(self._descriptors))}

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
        key = f"calibrate {digest} {wanted.publish} {wanted.reuse}"
        with self._database.begin() as connection:
            jobs.insist_on_new(connection, key)
            self._check(connection, wanted)
            version_id = queue_version(connection, wanted.plan)
            request = JobRequest(
                JobKind.CALIBRATE,
                arguments,
                key=key,
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

    def insist_on_survey(self, name: str) -> None:
        """Insist that files of a survey can be taken in.

        Raises:
            UnknownSurveyError: no descriptor has this name; names those that there are.
        """
        loader.by_name(name, loader.known(self._descriptors))

    def ingest_named(self, path: str, survey: str, *, replace: bool = False, requested_by: str | None = None) -> int:
        """Ask for a file of the folder of incoming files to be taken into a survey; return the number of the job.

        Raises:
            UnknownSurveyError: no descriptor has this name.
            ParameterError: there is no such file.
            AlreadyRunningError: the same file is being taken in.
        """
        file = uploads.named(self._incoming, path)
        return self._ingest(file, survey, str(file), replace=replace, uploaded=False, requested_by=requested_by)

    def ingest_upload(
        self, upload: uploads.Upload, survey: str, *, replace: bool = False, requested_by: str | None = None
    ) -> int:
        """Ask for an uploaded file to be taken into a survey; it is removed afterwards, or here where this fails.

        Raises:
            UnknownSurveyError: no descriptor has this name.
            AlreadyRunningError: the same file is being taken in.
        """
        options = {"replace": replace, "uploaded": True}
        try:
            return self._ingest(upload.path, survey, upload.sha256, requested_by=requested_by, **options)
        except BaseException:
            upload.discard()
            raise

    def _ingest(
        self, file: Path, survey: str, what: str, *, replace: bool, uploaded: bool, requested_by: str | None
    ) -> int:
        self.insist_on_survey(survey)
        return self._one_step(
            JobKind.INGEST,
            {"survey": survey, "file": file.name, "replace": replace},
            course.ingestion(str(file), survey, replace=replace, uploaded=uploaded),
            key=f"ingest {survey} {what}",
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

    def export(self, arguments: Mapping[str, Any], *, client: str | None = None) -> int:
        """Ask for a slice of the catalogue to be written to a file; return the number of the job.

        Args:
            arguments: which slice of which version, in which format, as the task takes them.
            client: who asks, by whom exports are counted, and of whom nothing is said; None for nobody who is counted.

        Raises:
            AlreadyRunningError: the same file is being written.
            TooManyRequestsError: the client has as many as it may, or too many wait altogether.
        """
        digest = hashlib.sha256(orjson.dumps(dict(arguments), option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        request = JobRequest(
            JobKind.EXPORT,
            {"version": arguments["version"], "format": arguments["format"]},
            key=f"export {digest}",
            steps=(course.export(arguments),),
            shares=(f"version {arguments['version']}",),
        )
        who = None if client is None else digest_of(client)
        with self._database.begin() as connection:
            exports.lock(connection)
            jobs.insist_on_new(connection, request.key)
            if who is not None:
                exports.insist_on_quota(connection, who, self._exports)
            waiting = jobs.count_open(connection, JobKind.EXPORT)
            if waiting >= MOST_EXPORTS:
                problem = f"{waiting} exports wait to be written: take the file from /v1/catalog"
                raise TooManyRequestsError(problem, retry_after_s=60)
            job_id = jobs.request(connection, request)
            exports.add(connection, job_id, who)
            return job_id

    def publish(self, version_id: int, *, force: bool = False) -> int | None:
        """Serve a version from now on, at once; return the one before.

        Raises:
            UnknownVersionError: there is no such version.
            ConflictError: it is not complete, or fails its gate and is not forced.
        """
        return publish(self._database, version_id, force=force)

    def rollback(self, version_id: int) -> int | None:
        """Serve an earlier version again, at once; return the one before; raises as `publish`."""
        with self._database.begin() as connection:
            before = versions.current(connection)
            rollback_in(connection, version_id)
            return before

    def cancel(self, job_id: int, reason: str) -> Job:
        """Cancel a job at whatever it does; return it.

        Raises:
            UnknownJobError: there is no such job.
            ConflictError: it has ended already.
        """
        return cancel_job(self._database, job_id, reason)

    def cleanup(self, *, requested_by: str | None = None) -> int:
        """Ask for the removal of what retention does not keep; return the number of the job."""
        return self._one_step(
            JobKind.CLEANUP, {}, course.cleanup(), key="cleanup", holds=(CLEANUP,), requested_by=requested_by
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
            check_plan(connection, wanted.plan)


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
