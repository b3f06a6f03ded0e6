"""The provenance of a version as a document: from its catalogue back to files, models, plan and code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.domain.making import PROGRAM, Making
from app.domain.prov import qualified
from app.domain.provenance import FileRead, VersionRecord, canonical, sha256_of


def provenance_of_version(record: VersionRecord) -> dict[str, Any]:
    """Return the provenance of a version as PROV-JSON, as far as the version has come."""
    making = Making(record)
    document, version = making.document, record.version
    files = list(_files(record))
    rows = [(file.survey, making.ingestion(file)) for file in files]
    for file in files:
        document.informed(making.matching, making.ingestion_of(file))
    surveys = tuple(dict.fromkeys(model.survey for model in record.models))
    making.fits(surveys)
    if version.state.readable:
        for survey in surveys:
            activity = making.calibration(survey)
            for entity in (entity for name, entity in rows if name == survey):
                document.used(activity, entity)
                document.derived(making.calibrated(survey), entity, activity)
        making.homogenization(surveys)
        _validation(making)
        _publications(making)
    return document.as_mapping()


def _files(record: VersionRecord) -> Iterator[FileRead]:
    """Yield the files that the version's data snapshot names."""
    known = {(one.survey, one.file_sha256, one.descriptor_sha256): one for one in record.ingestions}
    for survey, files in record.version.inputs.items():
        for file in files:
            sha256, descriptor = file["file_sha256"], file["descriptor_sha256"]
            yield FileRead(survey, file["file_name"], sha256, descriptor, known.get((survey, sha256, descriptor)))


def _validation(making: Making) -> None:
    document, report = making.document, making.record.version.report
    if report is None:
        return
    activity = document.activity(making.named("validation"), "sos:Validation", label="Validation on unseen stars")
    document.associated(activity, PROGRAM)
    document.used(activity, making.catalogue)
    document.informed(activity, making.named("homogenization"))
    found = [
        document.entity(making.named("report"), "sos:Report", label="Report", sha256=sha256_of(canonical(report))),
        *(
            document.entity(
                making.named("figure", figure.name),
                "sos:Figure",
                label=figure.name,
                media_type=figure.media_type,
                sha256=figure.sha256,
            )
            for figure in making.record.figures
        ),
    ]
    for entity in found:
        document.generated(entity, activity)
        document.derived(entity, making.catalogue, activity)


def _publications(making: Making) -> None:
    for event in making.record.publications:
        activity = making.document.activity(
            qualified("publication", event.event_id),
            "sos:Publication",
            label="The version is served from this moment on",
            started=event.at,
            ended=event.at,
            action=event.action,
            instead_of=event.previous_id,
        )
        making.document.associated(activity, PROGRAM)
        making.document.used(activity, making.catalogue)
