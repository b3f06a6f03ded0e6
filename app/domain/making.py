"""How a version was made, step by step, as a document of provenance.

Catalogue (homogenization), calibrated measurements (calibration, one a survey), models (fit, one a survey), stars
(cross-match), measurements (ingestion, one a file), files and descriptors. Fit, calibration and homogenization follow
the version's plan and were carried out by its software. What nobody wrote down is left out: which release of the
software took a file in or cross-matched, and when the latter happened.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.domain.prov import Document, qualified
from app.domain.provenance import FileRead, VersionRecord, canonical, sha256_of
from app.domain.reproduction import CATALOGUE_CHECKSUM
from app.domain.versions import Model, Version

PROGRAM = qualified("program")


class Making:
    """How a version was made, as a document that grows.

    Attributes:
        document: the document.
        record: what is on record.
        software: the agent that made the version.
        plan: what it went by.
        data: the collection of measurements that were in.
    """

    def __init__(self, record: VersionRecord) -> None:
        self.document, self.record = Document(), record
        document, version = self.document, record.version
        document.agent(PROGRAM, "prov:SoftwareAgent", label="Survey of Surveys, in a release that was not written down")
        self.software = document.agent(
            self.named("software"), "prov:SoftwareAgent", label="Survey of Surveys", **version.software
        )
        plan, inputs = canonical(version.plan), canonical(version.inputs)
        self.plan = document.entity(
            self.named("plan"), "sos:Plan", "prov:Plan", label=_title(version), value=plan, sha256=sha256_of(plan)
        )
        self.data = document.entity(
            self.named("data"),
            "sos:DataSnapshot",
            "prov:Collection",
            label="Every measurement that was in when the version was made",
            sha256=sha256_of(inputs),
        )
        self._crossmatch()

    def named(self, *parts: object) -> str:
        """Return the name of a thing of this version."""
        return qualified("version", self.record.version.version_id, *parts)

    def _crossmatch(self) -> None:
        document = self.document
        self.matching = document.activity(
            self.named("crossmatch"), "sos:CrossMatch", label="Which measurements belong to the same star"
        )
        self.stars = document.entity(
            self.named("stars"), "sos:Stars", "prov:Collection", label="Stars with their measurements"
        )
        document.associated(self.matching, PROGRAM)
        document.used(self.matching, self.data)
        document.generated(self.stars, self.matching)
        document.derived(self.stars, self.data, self.matching)

    def ingestion(self, file: FileRead) -> str:
        """Add how a file was taken in; return the collection of its measurements."""
        document, record, survey = self.document, file.ingestion, file.survey
        source = document.entity(
            qualified("file", file.sha256),
            "sos:File",
            label=file.name,
            sha256=file.sha256,
            bytes=None if record is None else record.file_bytes,
            format=None if record is None else record.file_format,
        )
        descriptor = document.entity(
            qualified("descriptor", file.descriptor_sha256),
            "sos:Descriptor",
            label=f"What the columns of {survey} mean",
            sha256=file.descriptor_sha256,
        )
        activity = document.activity(
            self.ingestion_of(file),
            "sos:Ingestion",
            label=f"Ingestion of {file.name} into {survey}",
            started=None if record is None else record.started_at,
            ended=None if record is None else record.finished_at,
        )
        rows = document.entity(
            f"{activity}/measurements",
            "sos:Measurements",
            "prov:Collection",
            label=f"Measurements of {survey} from {file.name}",
            survey=survey,
            **self._rows(file),
        )
        document.associated(activity, PROGRAM)
        for entity in (source, descriptor):
            document.used(activity, entity)
        document.generated(rows, activity)
        document.derived(rows, source, activity)
        document.member(self.data, rows)
        return rows

    def ingestion_of(self, file: FileRead) -> str:
        """Return the name of the activity that took a file in; one without a record is named after the version."""
        if file.ingestion is not None:
            return qualified("ingestion", file.ingestion.ingestion_id)
        return self.named("ingestion", file.survey, file.sha256, file.descriptor_sha256)

    def _rows(self, file: FileRead) -> dict[str, int]:
        key = (file.sha256, file.descriptor_sha256)
        entries = self.record.version.inputs.get(file.survey, [])
        entry: dict[str, Any] = next(
            (one for one in entries if (one["file_sha256"], one["descriptor_sha256"]) == key), {}
        )
        return {name: entry[name] for name in ("rows_read", "rows_stored", "rows_rejected") if name in entry}

    def fits(self, surveys: Collection[str]) -> None:
        """Add how the models of some surveys were fitted."""
        for model in self.record.models:
            if model.survey in surveys:
                self._fit(model)

    def _fit(self, model: Model) -> None:
        document = self.document
        fit = document.activity(
            self.named("fit", model.survey),
            "sos:Fit",
            label=f"Fit of {model.survey}",
            stage=model.stage,
            seed=self.record.version.seed,
        )
        entity = document.entity(
            self.model_of(model.survey, model.parameter),
            "sos:Model",
            label=f"{model.parameter} of {model.survey}",
            survey=model.survey,
            parameter=model.parameter,
            kind=model.kind,
            direction=model.direction,
            sha256=model.artifact_sha256,
            **{f"metrics/{name}": value for name, value in model.metrics.items() if _is_short(value)},
        )
        self._by_plan(fit)
        document.informed(fit, self.matching)
        document.generated(entity, fit)
        for source in (self.data, self.stars):
            document.used(fit, source)
            document.derived(entity, source, fit)

    def model_of(self, survey: str, parameter: str) -> str:
        """Return the name of a model."""
        return self.named("model", survey, parameter)

    def calibration(self, survey: str) -> str:
        """Add how a survey's measurements came to the unified scale; return the activity."""
        document = self.document
        activity = document.activity(
            self.named("calibration", survey), "sos:Calibration", label=f"Measurements of {survey} on the unified scale"
        )
        calibrated = document.entity(
            self.calibrated(survey), "sos:Calibrated", "prov:Collection", label=f"Calibrated {survey}", survey=survey
        )
        self._by_plan(activity)
        document.generated(calibrated, activity)
        for model in self.record.models:
            if model.survey == survey:
                entity = self.model_of(survey, model.parameter)
                document.used(activity, entity)
                document.derived(calibrated, entity, activity)
                document.informed(activity, self.named("fit", survey))
        return activity

    def calibrated(self, survey: str) -> str:
        """Return the name of the collection of a survey's calibrated measurements."""
        return self.named("calibrated", survey)

    def homogenization(self, surveys: Collection[str]) -> str:
        """Add how some surveys' calibrated measurements became one value a star; return the activity."""
        document, version = self.document, self.record.version
        activity = document.activity(
            self.named("homogenization"), "sos:Homogenization", label="Calibrated measurements into one value a star"
        )
        catalogue = document.entity(
            self.catalogue,
            "sos:Catalogue",
            "prov:Collection",
            label=f"Homogenized catalogue, version {version.version_id}",
            n_stars=version.n_stars,
            sha256=version.metrics.get(CATALOGUE_CHECKSUM),
            begun_at=version.created_at,
        )
        self._by_plan(activity)
        document.used(activity, self.stars)
        document.generated(catalogue, activity, at=version.finished_at)
        document.attributed(catalogue, self.software)
        document.derived(catalogue, self.stars, activity)
        for survey in surveys:
            document.used(activity, self.calibrated(survey))
            document.derived(catalogue, self.calibrated(survey), activity)
            document.informed(activity, self.named("calibration", survey))
        return activity

    @property
    def catalogue(self) -> str:
        """The name of the homogenized catalogue."""
        return self.named("catalogue")

    def _by_plan(self, activity: str) -> None:
        """Say that the version's software did this, by the version's plan."""
        self.document.used(activity, self.plan)
        self.document.associated(activity, self.software, plan=self.plan)


def _title(version: Version) -> str:
    name = version.plan.get("name")
    return f"Plan of version {version.version_id}" + (f", {name}" if name else "")


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float)
